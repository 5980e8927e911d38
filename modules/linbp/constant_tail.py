"""The backward pass of a linearised tail as one matrix.

With frozen weights, batch norm in eval mode and every rectifier from the start on linear in the backward pass, the
tail's Jacobian d logits / d tail-input does not depend on the input: C backward passes give it once, and after
that the tail's forward pass needs no graph and its backward pass is one matrix product. A max-pool is the one common
operation in a tail that does depend on the data; it cuts the tail into segments, between which its mask is applied.

Where this holds is found out, not assumed: from the graph (does everything behind a cut depend on the input through
the cut alone, and by linear operations?) and from the numbers (the gradient of a batch with a second input against
autograd's). Where it does not, SuiteError says why.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks.differentiate import pulled_back
from suite.attacks.losses import Cotangent
from suite.errors import SuiteError
from suite.gradients import Rectified, linear
from suite.gradients.trace import Trace

_MAX_POOLS = frozenset(
    (
        F.max_pool1d,
        F.max_pool2d,
        torch.max_pool1d,
        torch.max_pool2d,
        F.adaptive_max_pool2d,
        F.adaptive_max_pool1d,
    )
)
# Linear operations, as autograd names them. Products are in the list for those with a constant; the comparison with
# autograd tells the others.
_LINEAR = frozenset((
    "AccumulateGrad", "Convolution", "MkldnnConvolution", "Addmm", "Addbmm", "Mm", "Bmm", "Linear", "T",
    "NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm", "Add", "Sub", "Neg", "Mul", "Div", "Sum", "Mean",
    "Cat", "Stack", "View", "UnsafeView", "ReshapeAlias", "Alias", "AsStrided", "Transpose", "Permute", "Squeeze",
    "Unsqueeze", "Expand", "Slice", "Select", "Split", "SplitWithSizes", "Narrow", "ConstantPadNd", "Clone", "ToCopy",
    "AvgPool2D", "AvgPool3D", "AdaptiveAvgPool2D", "MkldnnAdaptiveAvgPool2D", "UpsampleNearest2D", "UpsampleBilinear2D",
    "_StraightThrough", "_StraightThroughDual", "_ScaledGradient", "_ScaledGradientDual",
))  # fmt: skip
# Entries of a Jacobian in the middle of the tail (between pools) above which autograd is cheaper.
_LARGEST_JACOBIAN = 2**20
# Entries of the last one above which it is not made: one of 1,000 logits costs as much as 1,000 passes.
_LARGEST_LAST = 2**23
_FEW = 64  # rows of a Jacobian


@dataclass
class Segment:
    """A stretch of the tail in one forward pass: `begin` is its detached input, `end` its output.

    `pool` is the (input, output) of the max-pool in front of it, None for the first segment.
    """

    begin: Tensor
    pool: tuple[Tensor, Tensor] | None
    end: Tensor | None = None


class CuttingTrace(Trace):
    """A forward pass that is cut at the start and at every max-pool behind it."""

    def __init__(self, first: int | None, with_graph: Callable[[int], bool]) -> None:
        super().__init__(linear, first=first)
        self.with_graph = with_graph  # does the segment of this index keep a graph?
        self.head_end: Tensor | None = None
        self.segments: list[Segment] = []

    def enter(self, path: str, is_start: bool, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Cuts at the start module's input."""
        begins = is_start and self.first is None
        args = super().enter(path, is_start, args)
        return (self._cut_head(args[0]), *args[1:]) if begins and args else args

    def rectify(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Cuts at the first linear rectifier's input where the start is an index."""
        if self.calls == self.first and self.head_end is None:
            args = (self._cut_head(args[0]), *args[1:])
        return super().rectify(function, args, kwargs)

    def other(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Cuts around max-pools behind the start."""
        if function not in _MAX_POOLS or not self.segments:
            return function(*args, **kwargs)
        self.segments[-1].end = args[0]
        with torch.enable_grad():
            pool_input = args[0].detach().requires_grad_()
            pool_output = function(pool_input, *args[1:], **kwargs)
        return self._begin(pool_output, (pool_input, pool_output))

    def _cut_head(self, x: Any) -> Tensor:
        if not isinstance(x, Tensor):
            raise SuiteError("the start module's input is not one tensor")
        self.head_end = x
        return self._begin(x, None)

    def _begin(self, x: Tensor, pool: tuple[Tensor, Tensor] | None) -> Tensor:
        begin = x.detach()
        if self.with_graph(len(self.segments)):
            begin.requires_grad_()
        self.segments.append(Segment(begin, pool))
        # A rectifier may overwrite its input in place, which autograd forbids on a leaf but not on its view.
        return begin.view_as(begin)


class ConstantTail:
    """A Differentiator (suite.attacks.differentiate) for a LinBP view with a constant tail."""

    name = "jacobian"

    def __init__(self, rule: Rectified, model: nn.Module, probe: Tensor) -> None:
        if model.training:
            raise SuiteError("the model is in train mode")
        if len(probe) < 2:
            raise SuiteError("fewer than two inputs to check on")
        self.rule, self.model = rule, model
        with torch.no_grad():
            model(probe[:1])  # checks the start, and counts the rectifiers where it is negative
        self.jacobians: list[Tensor | None] = []
        self.jacobians = self._calibrate(probe[:1])
        self._check(probe[:2])

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        logits, trace = self._forward(x, lambda index: self.jacobians[index] is None)
        gradient = cotangent(logits.detach())
        for segment, jacobian in zip(reversed(trace.segments), reversed(self.jacobians), strict=True):
            if jacobian is not None:
                gradient = (gradient.flatten(1) @ jacobian).view_as(segment.begin)
            else:
                assert segment.end is not None
                gradient = pulled_back(segment.end, segment.begin, gradient)
            if segment.pool is not None:
                gradient = pulled_back(segment.pool[1], segment.pool[0], gradient)
        assert trace.head_end is not None
        if trace.head_end is not x:
            gradient = pulled_back(trace.head_end, x, gradient)
        return logits.detach(), gradient

    def _forward(self, x: Tensor, with_graph: Callable[[int], bool]) -> tuple[Tensor, CuttingTrace]:
        trace = CuttingTrace(self.rule.first, with_graph)
        with self.rule.tracing(trace):
            logits: Tensor = self.model(x)
        if not trace.segments:
            raise SuiteError("the start is not reached")
        trace.segments[-1].end = logits
        return logits, trace

    def _calibrate(self, x: Tensor) -> list[Tensor | None]:
        """Each segment's Jacobian (outputs, inputs) from one sample, or None where autograd is cheaper.

        Raises SuiteError where the last one is so large that no attack is long enough for it.
        """
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            _, trace = self._forward(x, lambda index: True)
        _require_chain(x, trace)
        jacobians = []
        for index, segment in enumerate(trace.segments):
            assert segment.end is not None
            entries = segment.end.numel() * segment.begin.numel()
            small, final = entries <= _LARGEST_JACOBIAN, index == len(trace.segments) - 1
            if final and entries > _LARGEST_LAST:
                raise SuiteError(f"the tail's matrix would have {entries} entries", "use --engine autograd")
            jacobians.append(_jacobian(segment.end, segment.begin) if small or final else None)
        return jacobians

    def _check(self, x: Tensor) -> None:
        """Compares with autograd on a batch with another input: the tail might also mix or move the batch axis."""
        generator = torch.Generator().manual_seed(0)

        def cotangent(logits: Tensor) -> Tensor:
            drawn = torch.randn(logits.shape, generator=generator.manual_seed(0), dtype=logits.dtype)
            return drawn.to(logits.device)

        _, ours = self(x, cotangent)
        x = x.detach().requires_grad_()
        logits = self.model(x)
        exact = pulled_back(logits, x, cotangent(logits))
        difference = float((ours - exact).norm() / exact.norm().clamp(min=torch.finfo(exact.dtype).tiny))
        if not difference <= _tolerance(x):
            raise SuiteError(f"the tail is not constant: gradients differ by {difference:.1e}")


def _require_chain(x: Tensor, trace: CuttingTrace) -> None:
    """Every segment's output must depend on the model's input through the segment's own input, and only through it."""
    earlier = [x]
    for segment in trace.segments:
        assert segment.end is not None
        if not segment.end.requires_grad:
            raise SuiteError("a part of the tail does not depend on its input")
        candidates = [segment.begin, *earlier]
        found = torch.autograd.grad(segment.end.sum(), candidates, retain_graph=True, allow_unused=True)
        if found[0] is None:
            raise SuiteError("a part of the tail does not depend on its input")
        if any(gradient is not None for gradient in found[1:]):
            raise SuiteError("another path leads round the start or a max-pool behind it")
        for name in sorted(_operations(segment.end)):
            if name not in _LINEAR:
                raise SuiteError(f"the tail is not constant: it contains {name}")
        earlier.append(segment.begin)


def _operations(output: Tensor) -> set[str]:
    """Names of the operations that made `output`, as autograd calls them, without `Backward0`."""
    names, seen, waiting = set[str](), set[Any](), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            names.add(re.sub(r"Backward\d*$", "", node.name().rpartition("::")[2]))
            waiting.extend(following for following, _ in node.next_functions)
    return names


def _jacobian(output: Tensor, x: Tensor) -> Tensor:
    """d output / d x for a single sample: (output.numel(), x.numel()), by batched backward passes; few rows one by one.

    Batching imports sympy when it is first used, which takes longer than some passes over one sample.
    """
    if output.numel() <= _FEW:
        each = [torch.autograd.grad(one, x, retain_graph=True)[0].flatten() for one in output.flatten().unbind()]
        return torch.stack(each)
    rows = []
    identity = torch.eye(output.numel(), dtype=output.dtype, device=output.device)
    for cotangents in identity.split(256):
        grads = torch.autograd.grad(
            output, x, cotangents.view(-1, *output.shape), retain_graph=True, is_grads_batched=True
        )
        rows.append(grads[0].flatten(1))
    return torch.cat(rows)


def _tolerance(x: Tensor) -> float:
    """Relative difference from autograd's gradient that rounding explains: some hundred units in the last place."""
    if x.dtype == torch.float32 and x.is_cuda and torch.backends.cudnn.allow_tf32:
        return 2e-2  # convolutions round their inputs to TF32's 10 bits
    return 1e3 * torch.finfo(x.dtype).eps if x.dtype in (torch.float32, torch.float64) else 5e-2
