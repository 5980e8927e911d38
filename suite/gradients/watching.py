"""Rules that need to see other torch functions than rectifiers: pools, attention."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from suite.errors import SuiteError
from suite.gradients.trace import Interception, Trace
from suite.gradients.view import Forward, View


@dataclass
class Watch(Trace):
    """One forward pass; `found` counts the calls that the rule is about, `running` are the modules under way."""

    found: int = 0
    running: list[str] = field(default_factory=list)
    rectified: int = 0

    def rectify(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one rectifier call as it is."""
        self.rectified += 1
        return function(*args, **kwargs)

    def missing(self, calls: str) -> SuiteError:
        """The error for a model in which there is nothing to change."""
        has = f"{self.rectified} calls of rectifiers" if self.rectified else "no rectifiers either"
        return SuiteError(f"the model has no {calls}", f"it has {has}; choose a rule about what it has")


_active = threading.local()  # .watches: rule -> Watch of the forward pass that this thread is in


@dataclass(eq=False)
class Watcher:
    """The rule behind a view: `watch()` sees every torch function of a forward pass.

    A model without the calls that the rule is about (`calls`, in words, where given) is refused at its first forward
    pass. A part that gradient checkpointing runs again is seen as in the forward pass.
    """

    changes: frozenset[str]  # which part of a backward pass (suite.gradients.compose)
    watch: Callable[[], Watch]
    calls: str = ""

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view (suite.gradients.view.ForwardRule)."""
        watches = _watches()
        if self in watches:
            watches[self].running.append(module._view_path)
            try:
                return forward(*args, **kwargs)
            finally:
                watches[self].running.pop()
        watch = watches[self] = self.watch()
        watch.running.append(module._view_path)
        try:
            with Interception(watch):
                result = forward(*args, **kwargs)
        finally:
            del watches[self]
        if self.calls and not module._view_path and not watch.found:
            raise watch.missing(self.calls)
        return self.finished(module, watch, result)

    def current(self) -> Watch | None:
        """The forward pass that this thread is in."""
        return _watches().get(self)

    def finished(self, module: View, watch: Watch, result: Any) -> Any:
        """What the outermost call gives, once all is seen."""
        return result


def _watches() -> "dict[Watcher, Watch]":
    watches: dict[Watcher, Watch] = _active.__dict__.setdefault("watches", {})
    return watches
