"""A modifier of rules about rectifiers: what they pass back has the length of the true gradient, sample by sample."""

from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError, did_you_mean
from suite.gradients.rectifiers import in_place
from suite.gradients.rule import changing
from suite.gradients.view import Forward, View, view
from suite.gradients.watching import Watch, Watcher

NORMS = {"l1": 1.0, "l2": 2.0, "linf": inf}


@changing("lengths")
def match(model: nn.Module, norm: str = "l2") -> nn.Module:
    """The model whose rectifiers pass back a gradient of the length that backpropagation would pass back there.

    For use with a rule about rectifiers, `linbp(start=layer3)+match`: where that rule would turn the gradient g of a
    rectifier's result into r, and the rectifier's own derivative turns g into b, the rectifier passes back

        r ‖b‖ / ‖r‖        norms over each sample by itself; zero where r is zero

    with g the gradient that arrives under the rule. With `softplus(beta=0.5)` this is ConBP (Zhang et al.,
    Backpropagating Smoothly Improves Transferability of Adversarial Examples, CVPR 2021 workshop), with `linbp` the
    LinBP of TA-Bench (Li et al., NeurIPS 2023 datasets and benchmarks), which takes the norms over the whole batch, so
    that there a sample's gradient depends on the others'. Guo et al.'s variant rescales whole branches instead.

    Args:
        model: any nn.Module; it is not touched.
        norm: `l1`, `l2` or `linf`.

    Raises:
        SuiteError: another norm. At the first forward pass: there is no rule about rectifiers to modify, or it was
            applied before this one (compose them, and the order is right).

    Cost: every rectifier is computed twice forward and twice backward, and remembers both. Differentiable once, in
    eager mode.
    """
    if norm not in NORMS:
        raise SuiteError(f"norm={norm} of match", did_you_mean(str(norm), [*NORMS]))
    return view(model, Matched(NORMS[norm]))


class Matched(Watcher):
    """The rule behind a view."""

    def __init__(self, order: float) -> None:
        super().__init__(frozenset({"lengths"}), lambda: MatchWatch(order=order), "rectifiers")

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view; the rule to be modified must come later, to be asked by this one."""
        if not module._view_path:
            rules = list(module._view_rules)
            later = rules[rules.index(self) + 1 :]
            if not any("rectifiers" in getattr(rule, "changes", ()) for rule in later):
                raise SuiteError(
                    "match rescales what a rule about rectifiers passes back, and there is none to rescale",
                    "write a sum such as linbp(start=layer3)+match, or compose(linbp, match) in Python",
                )
        return super().call(module, forward, *args, **kwargs)


@dataclass
class MatchWatch(Watch):
    """One forward pass whose rectifiers are asked twice."""

    order: float = 2.0

    def rectify(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one rectifier call under the other rule, and beside it as it is."""
        self.found += 1
        x: Tensor = args[0]
        if not (torch.is_grad_enabled() and x.requires_grad):
            return function(*args, **kwargs)
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            ruled = function(leaf.clone(), *args[1:], **kwargs)
            with torch._C.DisableTorchFunction():
                true = function(leaf.clone(), *args[1:], **kwargs)
        y: Tensor = _Match.apply(x, _Pair(leaf, ruled, true, self.order))
        return x.copy_(y) if in_place(function, args, kwargs) else y


@dataclass(frozen=True, eq=False)
class _Pair:
    """One rectifier call under a rule and as it is, both from the same leaf, with their graphs."""

    leaf: Tensor
    ruled: Tensor
    true: Tensor
    order: float


class _Match(torch.autograd.Function):
    """forward(x, pair) = the rectifier's value; backward as `match` says."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pair: _Pair) -> Tensor:
        ctx.pair = pair
        return pair.ruled.detach().clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        if torch.is_grad_enabled():
            raise SuiteError("a rule with match cannot be differentiated twice", "leave match out")
        pair = ctx.pair
        passed, true = (
            torch.autograd.grad(out, pair.leaf, gradient, retain_graph=True) for out in (pair.ruled, pair.true)
        )
        return rescaled(passed[0], true[0], pair.order), None


def rescaled(gradient: Tensor, like: Tensor, order: float) -> Tensor:
    """Gradients (B, ...) with the norms of others, sample by sample; a zero stays zero."""
    # In float64: squares of small float32 numbers would vanish.
    own, wanted = (torch.linalg.vector_norm(g.flatten(1), order, 1, dtype=torch.float64) for g in (gradient, like))
    factor = torch.where(own > 0, wanted / own, 0).to(gradient.dtype)
    return gradient * factor.view(-1, *[1] * (gradient.dim() - 1))
