"""One forward pass under a rule about rectifiers: counts their calls and decides which get another derivative."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from suite.gradients.handwritten import WATCHED, Handwritten, positional
from suite.gradients.rectifiers import PRELUS, is_rectifier
from suite.gradients.straight_through import with_weight
from suite.gradients.view import Forward

State = tuple[int | None, int | None]
"""Rectifier calls until the first that is substituted, and until the first behind that is not; None: not known yet."""

Substitute = Callable[[Forward, tuple[Any, ...], dict[str, Any]], Any]
"""Runs a rectifier call `function(*args, **kwargs)` to the same value, with another derivative."""


def unchanged(function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call as it is."""
    return function(*args, **kwargs)


@dataclass
class Trace:
    """One forward pass: rectifier calls so far, and which are substituted, once known: from `first` to before `end`."""

    substitute: Substitute = unchanged
    calls: int = 0
    first: int | None = None
    end: int | None = None
    entries: dict[str, State | None] = field(default_factory=dict)  # state on entry, by module path
    entered: dict[str, int] = field(default_factory=dict)  # rectifier calls before a module's first entry, by path

    def note_entry(self, path: str) -> None:
        """Remembers how a module was entered."""
        self.entries[path] = self.state if self.entries.get(path, self.state) == self.state else None
        self.entered.setdefault(path, self.calls)

    @property
    def starts(self) -> list[str]:
        """After the pass: paths of modules that a rectifier follows, in order."""
        return [path for path, calls in self.entered.items() if path and calls < self.calls]

    @property
    def begun(self) -> bool:
        """Whether the next rectifier call is the start or behind it, and before the stop."""
        return self.first is not None and self.calls >= self.first and (self.end is None or self.calls < self.end)

    @property
    def state(self) -> State:
        """Where this forward pass stands, for a part of the model that begins here to begin again."""
        first, end = (None if place is None else max(place - self.calls, 0) for place in (self.first, self.end))
        return first, end

    def enter(self, path: str, is_start: bool, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Called as the module at `path` is entered; returns the arguments it shall run with."""
        if is_start and self.first is None:
            self.first = self.calls
        return args

    def leave(self, path: str, result: Any) -> Any:
        """Called as the module at `path` is left; returns the result it shall give."""
        return result

    def rectify(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one rectifier call."""
        begun = self.begun
        self.calls += 1
        return (self.substitute if begun else unchanged)(function, args, kwargs)

    def other(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs any other call of a torch function."""
        return unchanged(function, args, kwargs)


class Interception(TorchFunctionMode):
    """Sends torch functions called in this thread to the trace, however a model spells them.

    A trained slope (PReLU) keeps its own gradient whatever a rule does to the input's.
    """

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace
        self.handwritten = Handwritten()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not args and "input" in kwargs and function is not torch.where:  # F.relu(input=x)
            args, kwargs = (kwargs["input"],), {name: kwargs[name] for name in kwargs if name != "input"}
        if is_rectifier(function, args, kwargs):
            if function in PRELUS and args[1:] and args[1].requires_grad:
                through_input = self.trace.rectify(function, (args[0], args[1].detach()), kwargs)
                return with_weight(through_input, function, args)
            return self.trace.rectify(function, args, kwargs)
        if function not in WATCHED:
            if self.handwritten.marks and self.trace.begun:
                self.handwritten.refuse(function, args, kwargs)
            return self.trace.other(function, args, kwargs)
        given = positional(function, args, kwargs) if kwargs else args
        if (found := self.handwritten.rectifier(function, given)) is not None:
            written, x = found
            return self.trace.rectify(written, (x,), {})
        if self.trace.begun:
            self.handwritten.refuse(function, given, kwargs)
        result = self.trace.other(function, args, kwargs)
        self.handwritten.note(function, given, result)
        return result
