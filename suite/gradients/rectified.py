"""Rules about rectifiers: from `start` on, in order of execution, every rectifier call gets another derivative."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from suite.errors import SuiteError
from suite.gradients.trace import Interception, State, Substitute, Trace, unchanged
from suite.gradients.view import Forward, ForwardRule, View, find_path, view


def from_start(model: nn.Module, start: str | int, rule: Callable[[str | int], ForwardRule]) -> nn.Module:
    """The model under `rule(start)`, with `start` as a user gives it.

    Args:
        model: any nn.Module; it is not touched.
        start: a module path (`layer4`, `features.17`): its first rectifier call and all later ones;
            an integer: that rectifier call (0 the first, -1 the last) and all later ones;
            `all` (the same as 0); `none` (the model itself).
        rule: makes the rule from a path of the model or an index.

    Raises:
        SuiteError: unknown path, with the nearest names. At the first forward pass: an index out of range, with the
            valid range; a start that no rectifier follows.
    """
    if start == "none":
        return model
    if start == "all":
        start = 0
    if isinstance(start, bool) or not isinstance(start, str | int):
        raise SuiteError(f"start={start} names no place in a model", "give a module path, an index, all or none")
    return view(model, rule(start if isinstance(start, int) else find_path(model, start)))


_active = threading.local()  # .traces: rule -> Trace of the forward pass that this thread is in


@dataclass(eq=False)
class Rectified:
    """The rule behind a view; `start` is a module path of the model or a rectifier call's index."""

    changes = frozenset({"rectifiers"})  # which part of a backward pass (suite.gradients.compose)

    start: str | int
    substitute: Substitute = unchanged
    total: int | None = None  # rectifier calls per forward pass, counted once when start is negative
    entries: dict[str, State | None] = field(default_factory=dict)  # by module path; None: differs between calls

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view (suite.gradients.view.ForwardRule)."""
        trace, path = _traces().get(self), module._view_path
        if trace is not None:
            if not torch.compiler.is_compiling():
                self._remember(trace, path)
            return trace.leave(path, forward(*trace.enter(path, path == self.start, args), **kwargs))
        with self.tracing(self._trace_at(module, args, kwargs)) as trace:
            result = self.call(module, forward, *args, **kwargs)
        if path == "":
            self._check(trace)
            self.entries = trace.entries
        return result

    @contextmanager
    def tracing(self, trace: Trace) -> Iterator[Trace]:
        """Within the block, this thread's forward passes of the view run under `trace`."""
        traces = _traces()
        traces[self] = trace
        try:
            with Interception(trace):
                yield trace
        finally:
            del traces[self]

    def new_trace(self, calls: int = 0, first: int | None = None) -> Trace:
        """A forward pass in the given state."""
        return Trace(self.substitute, calls, first)

    @property
    def first(self) -> int | None:
        """The first substituted call where that is known beforehand; a negative start must have been counted."""
        if isinstance(self.start, str):
            return None
        return self.start if self.start >= 0 else (self.total or 0) + self.start

    def _trace_at(self, module: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
        """The state in which this outermost call begins: of the whole model, or of a part run on its own.

        Gradient checkpointing runs parts again during the backward pass; they begin as they did in the forward.
        """
        if module._view_path == "":
            if isinstance(self.start, int) and self.start < 0 and self.total is None:
                self.total = self._count(module, args, kwargs)
            return self.new_trace(first=self.first)
        state = self.entries.get(module._view_path)
        if state is None:
            raise SuiteError(
                f"{module._view_path!r} was called on its own before the model, or by it on both sides of the start",
                "run the whole model first, and checkpoint parts that it calls once",
            )
        return self.new_trace(*state)

    def _remember(self, trace: Trace, path: str) -> None:
        if isinstance(self.start, str):
            state: State = (0, None if trace.first is None else 0)
        else:  # all calls after the first substituted one are alike
            state = (min(trace.calls, trace.first or 0), trace.first)
        trace.entries[path] = state if trace.entries.get(path, state) == state else None

    def _count(self, module: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Rectifier calls of one forward pass, found by an extra one."""
        with self.tracing(self.new_trace()) as trace:
            undisturbed(module, args, kwargs)
        if trace.calls + int(self.start) < 0:
            raise _out_of_range(int(self.start), trace.calls)
        return trace.calls

    def _check(self, trace: Trace) -> None:
        if trace.first is None:
            raise SuiteError(f"start={self.start!r} is never called in a forward pass", "choose a module that is")
        if trace.first >= trace.calls and isinstance(self.start, str):
            raise SuiteError(f"no rectifier follows start={self.start!r}", f"the model calls {trace.calls} before it")
        if trace.first >= trace.calls:
            raise _out_of_range(int(self.start), trace.calls)
        if self.total is not None and trace.calls != self.total:
            raise SuiteError(
                f"the model called {trace.calls} rectifiers, and {self.total} the first time",
                "give start as a module path or a non-negative index",
            )


def undisturbed(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """An extra forward pass that leaves no trace: buffers and random generators stay, hooks do run."""
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    devices = {parameter.device.index for parameter in module.parameters() if parameter.is_cuda}
    with torch.random.fork_rng(list(devices)):
        torch.func.functional_call(module, buffers, args, kwargs)


def _traces() -> dict[Rectified, Trace]:
    if not hasattr(_active, "traces"):
        _active.traces = {}
    traces: dict[Rectified, Trace] = _active.traces
    return traces


def _out_of_range(start: int, calls: int) -> SuiteError:
    return SuiteError(
        f"start={start} is out of range: the model calls {calls} rectifiers",
        f"0 to {calls - 1}, or {-calls} to -1" if calls else "the rule needs at least one",
    )
