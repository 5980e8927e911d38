"""Linear backpropagation: the forward pass unchanged, rectifier derivatives skipped in the backward pass.

Guo, Li, Chen (NeurIPS 2020) and Li et al. (ICLR 2022 submission) Eq. 5-8: with M_i = W_i dσ(f_i)/df_i,

    BP     M_1 ... M_{d-1} W_d dL/df_d
    LinBP  M_1 ... M_m W_{m+1} ... W_d dL/df_d        from layer m+1 on

`linbp(model, start=...)` is a model for any attack library or training loop: same parameters, same forward bit
for bit, and the identity in place of every rectifier's derivative from `start` on, in order of execution.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from modules.linbp.constant_tail import ConstantTail
from modules.linbp.trace import Interception, State, Trace
from suite.errors import SuiteError
from suite.gradients.view import Forward, View, find_path, view


def linbp(model: nn.Module, start: str | int | None = None) -> nn.Module:
    """The model with a linear backward pass from `start` on.

    Args:
        model: any nn.Module; it is not touched, and shares its parameters, buffers and mode with the result.
        start: a module path (`layer4`, `features.17`): its first rectifier call and all later ones;
            an integer: that rectifier call (0 the first, -1 the last) and all later ones;
            `all` (the same as 0); `none` (plain backpropagation);
            None: `model.linbp_start`, the position that the model zoo keeps for each architecture.

    Raises:
        SuiteError: unknown path, with the nearest names; None on a model without a position. At the first forward
            pass: an index out of range, with the valid range; a start that no rectifier follows.

    Cost: that of the model; a negative start takes one more forward pass, the first time.
    """
    start = getattr(model, "linbp_start", None) if start is None else start
    if start is None:
        raise SuiteError("the model does not say where LinBP starts", "give start=..., e.g. start=all or a module path")
    if start == "none":
        return model
    if start == "all":
        start = 0
    return view(model, LinBP(start if isinstance(start, int) else find_path(model, start)))


@contextmanager
def linear_backward(model: nn.Module, start: str | int | None = None) -> Iterator[None]:
    """Within the block, `model(x)` itself has LinBP's backward pass; for code that holds on to its own model.

    Do not copy the model within the block: the copy would compute with the original's weights.
    """
    if "forward" in model.__dict__:
        raise SuiteError("the model's forward is already replaced", "use linbp(model) for a second rule")
    model.__dict__["forward"] = linbp(model, start).forward
    try:
        yield
    finally:
        del model.__dict__["forward"]


_active = threading.local()  # .traces: rule -> Trace of the forward pass that this thread is in


@dataclass(eq=False)
class LinBP:
    """The rule behind a view; `start` is a module path of the model or a rectifier call's index."""

    start: str | int
    total: int | None = None  # rectifier calls per forward pass, counted once when start is negative
    entries: dict[str, State | None] = field(default_factory=dict)  # by module path; None: differs between calls

    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view (suite.gradients.view.ForwardRule)."""
        trace = _traces().get(self)
        if trace is not None:
            if not torch.compiler.is_compiling():
                self._remember(trace, module._view_path)
            return forward(*trace.enter(module._view_path == self.start, args), **kwargs)
        with self.tracing(self._trace_at(module, args, kwargs)) as trace:
            result = self.call(module, forward, *args, **kwargs)
        if module._view_path == "":
            self._check(trace)
            self.entries = trace.entries
        return result

    def engine(self, model: nn.Module, probe: Tensor) -> ConstantTail:
        """The faster exact way to differentiate this rule's models (suite.attacks.differentiate.OwnEngine)."""
        return ConstantTail(self, model, probe)

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

    def new_trace(self) -> Trace:
        """The state in which a whole forward pass begins; a negative start must have been counted."""
        if isinstance(self.start, str):
            return Trace()
        return Trace(first=self.start if self.start >= 0 else (self.total or 0) + self.start)

    def _trace_at(self, module: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
        """The state in which this outermost call begins: of the whole model, or of a part run on its own.

        Gradient checkpointing runs parts again during the backward pass; they begin as they did in the forward.
        """
        if module._view_path == "":
            if isinstance(self.start, int) and self.start < 0 and self.total is None:
                self.total = self._count(module, args, kwargs)
            return self.new_trace()
        state = self.entries.get(module._view_path)
        if state is None:
            raise SuiteError(
                f"{module._view_path!r} was called on its own before the model, or by it on both sides of the start",
                "run the whole model first, and checkpoint parts that it calls once",
            )
        return Trace(*state)

    def _remember(self, trace: Trace, path: str) -> None:
        if isinstance(self.start, str):
            state: State = (0, None if trace.first is None else 0)
        else:  # all calls after the first linear one are alike
            state = (min(trace.calls, trace.first or 0), trace.first)
        trace.entries[path] = state if trace.entries.get(path, state) == state else None

    def _count(self, module: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Rectifier calls of one forward pass, found by an extra one; buffers and generators stay, hooks do run."""
        buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
        devices = {parameter.device.index for parameter in module.parameters() if parameter.is_cuda}
        with torch.random.fork_rng(list(devices)), self.tracing(Trace()) as trace:
            torch.func.functional_call(module, buffers, args, kwargs)
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


def _traces() -> dict[LinBP, Trace]:
    if not hasattr(_active, "traces"):
        _active.traces = {}
    traces: dict[LinBP, Trace] = _active.traces
    return traces


def _out_of_range(start: int, calls: int) -> SuiteError:
    return SuiteError(
        f"start={start} is out of range: the model calls {calls} rectifiers",
        f"0 to {calls - 1}, or {-calls} to -1" if calls else "LinBP needs at least one",
    )
