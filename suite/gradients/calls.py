"""Which rectifiers a model calls, and where: what an integer `start` counts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from suite.gradients.rectified import undisturbed
from suite.gradients.trace import Interception, Trace
from suite.gradients.view import Forward, View, view


@dataclass(frozen=True)
class RectifierCall:
    """One rectifier call of a forward pass.

    index: its place in order of execution, 0 the first: the integer `start` of a rule.
    path: of the module in whose `forward` it happens: the `nn.ReLU`'s own, the block's for `F.relu`, "" the model's.
    function: the torch function's name, such as `relu`, `relu_` or `relu6`.
    shape: of what is rectified, the batch included.
    """

    index: int
    path: str
    function: str
    shape: tuple[int, ...] = field(default=(), compare=False)  # another image size calls the same rectifiers


@torch.no_grad()
def rectifier_calls(
    model: nn.Module,
    x: Tensor,
    *,
    at_rectifier: Callable[[], None] | None = None,
    at_other: Callable[[str, Forward, tuple[Any, ...]], None] | None = None,
    at_module: Callable[[str, int], None] | None = None,
) -> tuple[RectifierCall, ...]:
    """Every rectifier call of `model(x)`, in order, found by one forward pass that leaves buffers as they are.

    In-place, functional and module forms are found alike; a module that is called several times appears as often.

    Args:
        model: any nn.Module, also one under a gradient rule; it keeps its mode.
        x: inputs (B, ...); one sample is enough in eval mode.
        at_rectifier: called before each rectifier call.
        at_other: called before any other torch function, with the running module's path, the function, its arguments.
        at_module: called as a module is entered, with its path and the number of rectifier calls before it.
    """
    record = _Record(at_rectifier=at_rectifier, at_other=at_other, at_module=at_module)
    undisturbed(view(model, record), (x,), {})
    return tuple(record.found)


@dataclass
class _Record(Trace):
    """Notes where rectifiers are called; as a rule of a view, it knows which module is running."""

    running: list[str] = field(default_factory=list)
    found: list[RectifierCall] = field(default_factory=list)
    at_rectifier: Callable[[], None] | None = None
    at_other: Callable[[str, Forward, tuple[Any, ...]], None] | None = None
    at_module: Callable[[str, int], None] | None = None

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call (suite.gradients.view.ForwardRule)."""
        self.running.append(module._view_path)
        if self.at_module is not None:
            self.at_module(module._view_path, len(self.found))
        try:
            if len(self.running) > 1:
                return forward(*args, **kwargs)
            with Interception(self):
                return forward(*args, **kwargs)
        finally:
            self.running.pop()

    def rectify(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Notes one rectifier call and runs it."""
        if self.at_rectifier is not None:
            self.at_rectifier()
        call = RectifierCall(len(self.found), self.running[-1], function.__name__, tuple(args[0].shape))
        self.found.append(call)
        return function(*args, **kwargs)

    def other(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs any other call of a torch function."""
        if self.at_other is not None:
            self.at_other(self.running[-1], function, args)
        return function(*args, **kwargs)
