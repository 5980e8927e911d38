"""Whether a model gives gradients that an attack can follow."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class GradientHealth:
    """Shares in [0, 1] of the images whose input gradient an attack cannot use.

    Args:
        zero: it is zero in every pixel.
        not_finite: it has a NaN or an infinity.
    """

    zero: float
    not_finite: float


def gradient_health(model: nn.Module, images: Tensor, labels: Tensor) -> GradientHealth:
    """Looks at the gradient of the cross-entropy at the images (N, C, H, W) themselves, with labels (N,)."""
    x = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        loss = F.cross_entropy(model(x), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
    rows = gradient.flatten(1)
    return GradientHealth(
        zero=float((rows == 0).all(1).double().mean()), not_finite=float((~rows.isfinite()).any(1).double().mean())
    )
