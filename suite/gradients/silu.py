"""ReLU in the forward pass, SiLU in the backward pass: the first half of BPA."""

from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.gradients.rectified import Rectified, from_start
from suite.gradients.rectifiers import Corners, corners, in_place
from suite.gradients.rule import changing
from suite.gradients.straight_through import bridged
from suite.gradients.view import Forward


@changing("rectifiers")
def silu(model: nn.Module, start: str | int = "all") -> nn.Module:
    """The model whose ReLUs have SiLU's derivative: s(z) (1 + z (1 - s(z))) with the sigmoid s, in place of 1[z > 0].

    Wang, Tong, He, Rethinking the Backward Propagation for Adversarial Transferability (NeurIPS 2023). With
    `softpool` it is their BPA: `silu(start=layer3.1)+softpool(temperature=10)` in a ResNet-50. The derivative lies
    between -0.1 and 1.1; it is negative below z = -1.28 and 1/2 at 0.

    Args:
        model: any nn.Module; it is not touched.
        start: where it begins, as in LinBP: a module path, the index of a rectifier call, `all` or `none`.

    Raises:
        SuiteError: a start that does not exist (suite.gradients.from_start). At the first forward pass: a rectifier
            from `start` on that is no ReLU, for which the paper defines nothing.

    Cost: that of the model.
    """
    return from_start(model, start, lambda first: Rectified(first, _substituted))


def _substituted(function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    at = corners(function, args, kwargs)
    if at is None or not at.is_zero_outside or at != Corners():
        raise SuiteError(
            f"silu replaces the derivative of ReLU, and the model calls {function.__name__}",
            "choose a start behind it, or leaky(slope=...), which takes any rectifier",
        )
    overwritten = in_place(function, args, kwargs)  # and x is kept for the backward pass
    return bridged(lambda x, y: _apply(x.clone() if overwritten else x, y.detach()), function, args, kwargs)


class _SiLU(torch.autograd.Function):
    """forward(x, y) = y; backward by SiLU's derivative at x, computed there. Twice differentiable and vmappable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, y: Tensor) -> Tensor:
        return y.detach()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * _derivative(ctx.saved_tensors[0]), None


class _SiLUDual(_SiLU):
    """The same with forward-mode derivatives; apart, since the compiler does not trace a custom `jvp`."""

    @staticmethod
    def jvp(ctx: Any, tangent_x: Tensor, tangent_y: Tensor | None) -> Tensor:
        return tangent_x * _derivative(ctx.saved_tensors[0])


def _apply(x: Tensor, y: Tensor) -> Tensor:
    function = _SiLU if torch.compiler.is_compiling() else _SiLUDual
    return function.apply(x, y)  # type: ignore[no-any-return]


def _derivative(x: Tensor) -> Tensor:
    s = torch.sigmoid(x)
    return torch.addcmul(s, x * s, 1 - s)
