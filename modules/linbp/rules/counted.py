"""What a step under a rule costs, counted, so that it is the same in every run."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from suite.attacks import Autograd, GradientRule


def multiply_adds(model: nn.Module, rule: GradientRule, x: Tensor) -> int:
    """Of one image's forward and backward pass under the rule: those of convolutions and matrix products.

    What works entry by entry (rectifiers, norms of gradients) is not counted. x (B, ...) holds typical inputs; the
    weights are frozen.
    """
    with _Count() as count:
        Autograd(rule(model))(x, torch.ones_like)
    operations: int = count.operations
    return operations // (2 * len(x))


class _Count(TorchDispatchMode):
    """Sums what torch's own table of formulas says. Its counter cannot be used: it refuses `torch.autograd.grad`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: nothing here is compiled, and to hide from the compiler is to import it, which takes seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.operations += int(formula(*args, **(kwargs or {}), out_val=result))
        return result
