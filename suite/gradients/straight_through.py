"""A value from one tensor, the gradient to another: the bridge every modified backward pass needs.

The usual `x + (y - x).detach()` is neither bit-exact nor safe at infinities (inf - inf is NaN); this is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from suite.gradients.rectifiers import in_place


class _StraightThrough(torch.autograd.Function):
    """forward(x, y) = y; backward passes the gradient to x unchanged. Twice differentiable and vmappable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, y: Tensor) -> Tensor:
        return y.detach()  # a view would forbid the in-place operation that may follow, `y += x`

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Nothing to keep: the derivative is the identity."""

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class _StraightThroughDual(_StraightThrough):
    """The same with forward-mode derivatives; apart, since the compiler does not trace a custom `jvp`."""

    @staticmethod
    def jvp(ctx: FunctionCtx, tangent_x: Tensor, tangent_y: Tensor | None) -> Tensor:
        return tangent_x.view_as(tangent_x)


def straight_through(x: Tensor, y: Tensor) -> Tensor:
    """Tensor equal to `y` bit for bit whose derivative is the identity with respect to `x` (same shape)."""
    function = _StraightThrough if torch.compiler.is_compiling() else _StraightThroughDual
    return function.apply(x, y)  # type: ignore[no-any-return]


Chain = Callable[[Tensor, Tensor], Tensor]
"""(gradient of the output, what was kept of the forward pass) -> gradient of the input, entry by entry."""


class _Chained(torch.autograd.Function):
    """forward(x, y, kept, chain) = y; backward: chain(gradient, kept) to x. Twice differentiable and vmappable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, y: Tensor, kept: Tensor, chain: Chain) -> Tensor:
        return y.detach()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, Chain], output: Tensor) -> None:
        ctx.save_for_backward(inputs[2])
        ctx.save_for_forward(inputs[2])
        ctx.chain = inputs[3]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return ctx.chain(gradient, ctx.saved_tensors[0]), None, None, None


class _ChainedDual(_Chained):
    """The same with forward-mode derivatives."""

    @staticmethod
    def jvp(ctx: Any, tangent_x: Tensor, tangent_y: Tensor | None, tangent_kept: Tensor | None, chain: None) -> Tensor:
        tangent: Tensor = ctx.chain(tangent_x, ctx.saved_tensors[0])
        return tangent


def chained(x: Tensor, y: Tensor, kept: Tensor, chain: Chain) -> Tensor:
    """Tensor equal to `y` bit for bit, whose gradient with respect to `x` is `chain(gradient, kept)`: linear in it."""
    function = _Chained if torch.compiler.is_compiling() else _ChainedDual
    result: Tensor = function.apply(x, y, kept, chain)
    return result


def weighted(x: Tensor, y: Tensor, derivative: Tensor) -> Tensor:
    """Tensor equal to `y` bit for bit whose derivative with respect to `x` is `derivative`, broadcast to its shape."""
    return chained(x, y, derivative, torch.mul)


def leaking(slope: float) -> Chain:
    """The chain of a ReLU that leaks: 1 where its value y, which is kept, is positive, and `slope` elsewhere."""

    def chain(gradient: Tensor, y: Tensor) -> Tensor:
        return torch.ops.aten.leaky_relu_backward(gradient, y, slope, False)  # type: ignore[no-any-return]

    return chain


def linear(function: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Calls an elementwise `function(x, ...)` so that its derivative with respect to x is the identity.

    In place, x itself is overwritten and returned, outside of autograd: its history stays as it was, which is
    the identity, and its version counter moves on as it would have. A leaf that requires grad is refused as ever.
    """
    x: Tensor = args[0]
    if not in_place(function, args, kwargs):
        with torch.no_grad():
            y = function(*args, **kwargs)
        return straight_through(x, y)
    if x.requires_grad and x.is_leaf and torch.is_grad_enabled():
        return function(*args, **kwargs)  # raises autograd's own error
    if torch.compiler.is_compiling():  # the compiler follows no_grad, eager forward mode follows detach
        with torch.no_grad():
            function(*args, **kwargs)
    else:
        function(x.detach(), *args[1:], **kwargs)
    return x


class _Both(torch.autograd.Function):
    """forward(a, b) = a; backward passes the gradient to both. Twice differentiable and vmappable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        return a.detach()

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Nothing to keep."""

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, gradient


def with_weight(through_input: Tensor, function: Callable[..., Tensor], args: tuple[Any, ...]) -> Tensor:
    """The value of `function(x, weight)`, the gradient of x by `through_input`, that of the weight by the function."""
    with torch._C.DisableTorchFunction():  # the call has been counted
        through_weight = function(args[0].detach(), args[1])
    return _Both.apply(through_input, through_weight)  # type: ignore[no-any-return]


def bridged(
    bridge: Callable[[Tensor, Tensor], Tensor],
    function: Callable[..., Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Tensor:
    """Calls `y = function(x, ...)` and returns `bridge(x, y)`, in place where the call was.

    `bridge` gives y's value; both of its arguments have their own history, so that it decides over the derivative.
    """
    x: Tensor = args[0]
    if not in_place(function, args, kwargs):
        return bridge(x, function(*args, **kwargs))
    return x.copy_(bridge(x, function(x.clone(), *args[1:], **kwargs)))
