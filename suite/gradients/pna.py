"""Pay no attention: attention maps that are constants in the backward pass (Wei et al., AAAI 2022)."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from suite.gradients.attention import FUSED, AttentionWatch
from suite.gradients.rule import changing
from suite.gradients.view import Forward, view
from suite.gradients.watching import Watcher


@changing("attention")
def pna(model: nn.Module) -> nn.Module:
    """The model whose attention passes the gradient back through the values alone.

    Wei, Chen, Goldblum, Wu, Goldstein, Jiang, Towards Transferable Adversarial Attacks on Vision Transformers (AAAI
    2022): with z = A v and the map A = softmax(q k^T / sqrt(d)), the gradient g of z becomes A^T g for v, and
    A counts as a constant: none for q and k, nor for a trained bias or mask within the softmax. Their PatchOut, which
    perturbs a part of the patches, is no backward rule.

    Args:
        model: any nn.Module that attends, by torch's fused function, `nn.MultiheadAttention` or a softmax that is a
            factor of a matrix product (suite.gradients.attention); it is not touched.

    Raises:
        SuiteError: at the first forward pass of a model that does not attend.

    Cost: less than the model's. The released code hooks the dropout of attention maps, which fused attention never
    calls: there it changes nothing.
    """
    return view(model, Watcher(frozenset({"attention"}), Constant, "attention"))


@dataclass
class Constant(AttentionWatch):
    """One forward pass whose attention maps are constants."""

    def fused(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Runs one fused attention."""
        constant = [each.detach() if isinstance(each, Tensor) else each for each in args]
        named = {name: each.detach() if isinstance(each, Tensor) else each for name, each in kwargs.items()}
        return FUSED(query.detach(), key.detach(), value, *constant, **named)

    def product(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one product with an attention map."""
        return function(*(each.detach() if self._is_map(each) else each for each in args), **kwargs)
