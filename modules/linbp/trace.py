"""One forward pass under LinBP: counts rectifier calls and decides which derivatives are skipped."""

from dataclasses import dataclass, field
from typing import Any

from torch.overrides import TorchFunctionMode

from suite.gradients.rectifiers import in_place, is_rectifier
from suite.gradients.straight_through import identity_backward
from suite.gradients.view import Forward

State = tuple[int, int | None]


@dataclass
class Trace:
    """One forward pass: rectifier calls so far, and the first one whose derivative is skipped, once known."""

    calls: int = 0
    first: int | None = None
    entries: dict[str, State | None] = field(default_factory=dict)  # state on entry, by module path

    def enter(self, is_start: bool, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Called as a module is entered; returns the arguments it shall run with."""
        if is_start and self.first is None:
            self.first = self.calls
        return args

    def rectify(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one rectifier call."""
        linear = self.first is not None and self.calls >= self.first
        self.calls += 1
        if not linear:
            return function(*args, **kwargs)
        return identity_backward(function, args, kwargs, in_place(function, args, kwargs))

    def other(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs any other call of a torch function."""
        return function(*args, **kwargs)


class Interception(TorchFunctionMode):
    """Sends torch functions called in this thread to the trace, however a model spells them."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not args and "input" in kwargs:  # F.relu(input=x)
            args, kwargs = (kwargs["input"],), {name: kwargs[name] for name in kwargs if name != "input"}
        if is_rectifier(function, args, kwargs):
            return self.trace.rectify(function, args, kwargs)
        return self.trace.other(function, args, kwargs)
