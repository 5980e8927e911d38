"""ReLU in the forward pass, SiLU in the backward pass: the first half of BPA."""

from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.gradients.rectified import Rectified, from_start
from suite.gradients.rectifiers import corners, in_place
from suite.gradients.rule import changing
from suite.gradients.straight_through import bridged, chained
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
    if at is None or not at.is_relu:
        raise SuiteError(
            f"silu replaces the derivative of ReLU, and the model calls {function.__name__}",
            "choose a start behind it, or leaky(slope=...), which takes any rectifier",
        )
    overwritten = in_place(function, args, kwargs)  # and x is kept for the backward pass

    def bridge(x: Tensor, y: Tensor) -> Tensor:
        return chained(x, y.detach(), x.clone() if overwritten else x, _chain)

    return bridged(bridge, function, args, kwargs)


def _chain(gradient: Tensor, x: Tensor) -> Tensor:
    if not torch.is_grad_enabled():  # one kernel; torch does not differentiate it once more
        return torch.ops.aten.silu_backward(gradient, x)  # type: ignore[no-any-return]
    s = torch.sigmoid(x)
    return gradient * torch.addcmul(s, x * s, 1 - s)
