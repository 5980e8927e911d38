"""LinBP in residual nets as Guo, Li and Chen (NeurIPS 2020) have it: linear branches of the length of the true ones.

In every residual block from `start` on, the rectifiers inside the branch are linear in the backward pass; the one
after the addition keeps its derivative. The gradient through the branch, l, is brought to the length of what the
true derivatives give, b, for every sample by itself. With g the gradient of the sum z -> s(z) + f(z):

    gradient of z  =  (ds/dz)^T g  +  lam ‖b‖ / ‖l‖ l

The branch's end sees g first: it has autograd go through the branch with true derivatives to learn ‖b‖, and lets
the backward pass then go on with linear ones; the branch's beginning gets l and rescales it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from suite.errors import SuiteError
from suite.gradients import Rectified
from suite.gradients.residual import Branch
from suite.gradients.straight_through import bridged
from suite.gradients.trace import Trace
from suite.gradients.view import Forward, View


class Guo(Rectified):
    """The rule behind a view; `start` is a module path of the model or a rectifier call's index."""

    changes = frozenset({"rectifiers", "branches"})

    def __init__(self, start: str | int, branches: Mapping[str, Branch], lam: float) -> None:
        super().__init__(start)
        self.lasts = {branch.first: branch.last for branch in branches.values()}
        self.lam = lam

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def call(self, module: View, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """Runs one module call of the view; a compiled model runs as it is, for no compiler follows this."""
        return super().call(module, forward, *args, **kwargs)

    def new_trace(self, first: int | None = None, end: int | None = None) -> "BranchTrace":
        """A forward pass that is so many rectifier calls before the start."""
        return BranchTrace(self.lasts, self.lam, first)

    def _check(self, trace: Trace) -> None:
        super()._check(trace)
        if isinstance(trace, BranchTrace) and not trace.linear:
            raise SuiteError(
                f"no rectifier in a residual branch follows start={self.start!r}", "start earlier, or use variant=li"
            )


@dataclass(eq=False)
class Passage:
    """One pass through a branch, shared by its beginning, its end and its rectifiers.

    No tensor of the graph may be kept here: the graph keeps this object, and would keep itself alive.
    """

    lam: float
    linear: bool = True  # which derivative the branch's rectifiers have just now
    length: Tensor | None = None  # (B,) ‖b‖ of the backward pass under way


class BranchTrace(Trace):
    """A forward pass that makes the rectifiers in branches linear, from the start on."""

    def __init__(self, lasts: Mapping[str, str], lam: float, first: int | None) -> None:
        super().__init__(first=first)
        self.lasts, self.lam = lasts, lam
        self.linear = 0  # rectifier calls in branches
        self.open: tuple[str, Passage, GradientEdge | None] | None = None  # the last module, and where z comes in

    def enter(self, path: str, is_start: bool, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Opens a branch at its first module."""
        args = super().enter(path, is_start, args)
        if path not in self.lasts or not self.begun:
            return args
        passage = Passage(self.lam)
        z: Tensor = _Begin.apply(args[0], passage)
        self.open = self.lasts[path], passage, get_gradient_edge(z) if z.requires_grad else None
        return z, *args[1:]

    def leave(self, path: str, result: Any) -> Any:
        """Closes it at its last."""
        if self.open is None or path != self.open[0]:
            return result
        _, passage, begin = self.open
        self.open = None
        return result if begin is None else _End.apply(result, get_gradient_edge(result), begin, passage)

    def rectify(self, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one rectifier call, with two derivatives to choose from if it is in a branch."""
        self.calls += 1
        if self.open is None:
            return function(*args, **kwargs)
        self.linear += 1
        return bridged(partial(_switched, self.open[1]), function, args, kwargs)


def _switched(passage: Passage, x: Tensor, y: Tensor) -> Tensor:
    result: Tensor = _Switched.apply(x, y, passage)
    return result


class _Switched(torch.autograd.Function):
    """forward(x, y) = y, where y = σ(x); backward goes to x by the identity, or to y and so through σ'."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, passage: Passage) -> Tensor:
        ctx.passage = passage
        return y.detach()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        return (gradient, None, None) if ctx.passage.linear else (None, gradient, None)


class _Begin(torch.autograd.Function):
    """forward(x) = z = x; backward takes l and gives lam ‖b‖ / ‖l‖ l."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, passage: Passage) -> Tensor:
        ctx.passage = passage
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, linear: Tensor) -> tuple[Tensor, None]:
        length, ctx.passage.length = ctx.passage.length, None
        if length is None:
            raise SuiteError("the backward pass began inside a residual branch", "differentiate a block's output")
        return rescaled(linear, length, ctx.passage.lam), None


class _End(torch.autograd.Function):
    """forward(f(z)) = f(z); backward measures ‖b‖ and passes the gradient on."""

    @staticmethod
    def forward(ctx: Any, out: Tensor, end: GradientEdge, begin: GradientEdge, passage: Passage) -> Tensor:
        ctx.edges, ctx.passage = (end, begin), passage
        return out.detach()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        if torch.is_grad_enabled():
            raise SuiteError("Guo et al.'s variant cannot be differentiated twice", "use linbp without variant=guo")
        end, begin = ctx.edges
        ctx.passage.linear = False
        try:
            (true,) = torch.autograd.grad(end, begin, gradient, retain_graph=True)
        finally:
            ctx.passage.linear = True
        ctx.passage.length = lengths(true)
        return gradient, None, None, None


def lengths(gradient: Tensor) -> Tensor:
    """(B,): l2 norm of each sample's gradient (B, ...), in float64: squares of small float32 numbers would vanish."""
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1, dtype=torch.float64)
    return norms


def rescaled(linear: Tensor, length: Tensor, lam: float) -> Tensor:
    """Gradients (B, ...) brought to lam times the given lengths (B,); zeros stay zero."""
    own = lengths(linear)
    factor = torch.where(own > 0, lam * length / own, 0).to(linear.dtype)
    return linear * factor.view(-1, *[1] * (linear.dim() - 1))
