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
from suite.gradients.view import Forward, ForwardRule, View, find_path, nearest, view


def from_start(model: nn.Module, start: str | int, rule: Callable[[str | int], ForwardRule]) -> nn.Module:
    """The model under `rule(start)`, with `start` as a user gives it.

    Args:
        model: any nn.Module; it is not touched.
        start: a module path (`layer4`, `features.17`): its first rectifier call and all later ones. A container that
            the model never calls itself, since it goes through what is in it, means the first called of these;
            an integer: that rectifier call (0 the first, -1 the last) and all later ones;
            `all` (the same as 0); `none` (the model itself).
        rule: makes the rule from a path of the model or an index.

    Raises:
        SuiteError: unknown path, with the nearest names. At the first forward pass: an index out of range, with the
            valid range; a start that no rectifier follows.
    """
    return between(model, start, None, lambda first, _: rule(first))


def between(
    model: nn.Module,
    start: str | int,
    stop: str | int | None,
    rule: Callable[[str | int, str | int | None], ForwardRule],
) -> nn.Module:
    """The model under `rule(start, stop)`: rectifier calls from `start` on, up to but without those from `stop` on.

    Args:
        model: any nn.Module; it is not touched.
        start: as in `from_start`.
        stop: a module path: the calls of this module, and all later ones, are as in backpropagation; an integer: that
            rectifier call and all later ones are; None: none is.
        rule: makes the rule from paths of the model or indices.

    Raises:
        SuiteError: as `from_start`; and at the first forward pass where no rectifier call is between the two.
    """
    if start == "none":
        return model
    first, end = _place(model, 0 if start == "all" else start, "start"), None
    if stop is not None:
        end = _place(model, stop, "stop")
    return view(model, rule(first, end))


def _place(model: nn.Module, place: str | int, what: str) -> str | int:
    if isinstance(place, bool) or not isinstance(place, str | int):
        raise SuiteError(f"{what}={place} names no place in a model", "give a module path, an index, all or none")
    return place if isinstance(place, int) else find_path(model, place, what)


_active = threading.local()  # .traces: rule -> Trace of the forward pass that this thread is in


def is_alone() -> bool:
    """Whether one rule about rectifiers is in force in this forward pass, and not another one beneath it."""
    return len(_traces()) == 1


@dataclass(eq=False)
class Rectified:
    """The rule behind a view; `start` and `stop` are module paths of the model or rectifier calls' indices."""

    changes = frozenset({"rectifiers"})  # which part of a backward pass (suite.gradients.compose)

    start: str | int
    substitute: Substitute = unchanged
    stop: str | int | None = None
    total: int | None = None  # rectifier calls per forward pass, counted once when start or stop is negative
    entries: dict[str, State | None] = field(default_factory=dict)  # by module path; None: differs between calls

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view (suite.gradients.view.ForwardRule)."""
        trace, path = _traces().get(self), module._view_path
        if trace is not None:
            if not torch.compiler.is_compiling():
                trace.note_entry(path)
            if trace.end is None and _lies_in(path, self.stop):
                trace.end = trace.calls
            return trace.leave(path, forward(*trace.enter(path, _lies_in(path, self.start), args), **kwargs))
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

    def new_trace(self, first: int | None = None, end: int | None = None) -> Trace:
        """A forward pass that is so many rectifier calls before the start and the stop."""
        return Trace(self.substitute, first=first, end=end)

    @property
    def first(self) -> int | None:
        """The first substituted call where that is known beforehand; a negative start must have been counted."""
        return self._index(self.start)

    def _index(self, place: str | int | None) -> int | None:
        if place is None or isinstance(place, str):
            return None
        return place if place >= 0 else (self.total or 0) + place

    def _trace_at(self, module: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
        """The state in which this outermost call begins: of the whole model, or of a part run on its own.

        Gradient checkpointing runs parts again during the backward pass; they begin as they did in the forward.
        """
        if module._view_path == "":
            if self.total is None and any(isinstance(place, int) and place < 0 for place in (self.start, self.stop)):
                self.total = self._count(module, args, kwargs)
            return self.new_trace(self.first, self._index(self.stop))
        state = self.entries.get(module._view_path)
        if state is None:
            raise SuiteError(
                f"{module._view_path!r} was called on its own before the model, or by it on both sides of the start",
                "run the whole model first, and checkpoint parts that it calls once",
            )
        return self.new_trace(*state)

    def _count(self, module: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Rectifier calls of one forward pass, found by an extra one."""
        with self.tracing(self.new_trace()) as trace:
            undisturbed(module, args, kwargs)
        for what, place in (("start", self.start), ("stop", self.stop)):
            if isinstance(place, int) and trace.calls + place < 0:
                raise _out_of_range(what, place, trace.calls)
        return trace.calls

    def _check(self, trace: Trace) -> None:
        if trace.first is None:
            raise SuiteError(
                f"start={self.start!r} is never called in a forward pass",
                nearest(str(self.start), trace.starts),
            )
        if trace.first >= trace.calls and isinstance(self.start, str):
            raise SuiteError(
                f"no rectifier follows start={self.start!r}",
                f"the model calls {trace.calls} before it; {nearest(str(self.start), trace.starts)}",
            )
        if trace.first >= trace.calls:
            raise _out_of_range("start", int(self.start), trace.calls)
        if self.stop is not None:
            self._check_stop(trace, trace.first)
        if self.total is not None and trace.calls != self.total:
            raise SuiteError(
                f"the model called {trace.calls} rectifiers, and {self.total} the first time",
                "give start as a module path or a non-negative index",
            )

    def _check_stop(self, trace: Trace, first: int) -> None:
        if trace.end is None:
            raise SuiteError(
                f"stop={self.stop!r} is never called in a forward pass",
                nearest(str(self.stop), trace.starts),
            )
        if trace.end > trace.calls:
            raise _out_of_range("stop", int(self.stop or 0), trace.calls)
        if trace.end <= first:
            raise SuiteError(
                f"no rectifier lies between start={self.start!r} and stop={self.stop!r}",
                f"they are calls {first} and {trace.end} of {trace.calls}; rectifiers of stop itself do not count",
            )


def _lies_in(path: str, place: str | int | None) -> bool:
    """Whether a module is the one that is named, or in it: of containers, a model may call the contents alone."""
    return isinstance(place, str) and (path == place or path.startswith(f"{place}."))


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


def _out_of_range(what: str, place: int, calls: int) -> SuiteError:
    return SuiteError(
        f"{what}={place} is out of range: the model calls {calls} rectifiers",
        f"0 to {calls - 1}, or {-calls} to -1" if calls else "the rule needs at least one",
    )
