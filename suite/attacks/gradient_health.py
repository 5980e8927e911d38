"""Whether a model gives gradients that an attack can follow."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.attacks.differentiate import Autograd
from suite.attacks.losses import Cotangent


@dataclass(frozen=True)
class GradientHealth:
    """Shares in [0, 1] of the images whose input gradient an attack cannot use.

    Args:
        zero: it is zero in every pixel.
        not_finite: it has a NaN or an infinity.
    """

    zero: float
    not_finite: float


def gradient_health(model: nn.Module, images: Tensor, cotangent: Cotangent) -> GradientHealth:
    """Looks at the gradient of a loss (suite.attacks.losses) at the images (N, C, H, W) themselves."""
    with torch.enable_grad():
        _, gradient = Autograd(model)(images, cotangent)
    rows = gradient.flatten(1)
    return GradientHealth(
        zero=float((rows == 0).all(1).double().mean()), not_finite=float((~rows.isfinite()).any(1).double().mean())
    )
