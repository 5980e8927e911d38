"""The backward pass through smoothed rectifiers, the forward pass through the true ones."""

from functools import partial
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.gradients.rectified import Rectified, from_start
from suite.gradients.rectifiers import Corners, corners
from suite.gradients.rule import changing
from suite.gradients.straight_through import bridged, weighted
from suite.gradients.view import Forward


@changing("rectifiers")
def softplus(model: nn.Module, beta: float, start: str | int = "all") -> nn.Module:
    """The model whose backward pass takes every rectifier for a smooth one of sharpness `beta`.

    ReLU counts as softplus log(1 + exp(βz)) / β: derivative sigmoid(βz) in place of 1[z > 0]. A rectifier with two
    corners loses both: ReLU6 has sigmoid(βz) - sigmoid(β(z - 6)), which is less than 1 in between; a leaky ReLU of
    slope a has a + (1 - a) sigmoid(βz). β → ∞ is backpropagation (but for 1/2 at z = 0), and β → 0 makes every ReLU
    the factor 1/2, LinBP up to scale in a plain chain of layers.

    Args:
        model: any nn.Module; it is not touched.
        beta: > 0, in units of 1 / z.
        start: where it begins, as in LinBP: a module path, the index of a rectifier call, `all` or `none`.

    Raises:
        SuiteError: beta out of range; a start that does not exist (suite.gradients.from_start). At the first forward
            pass: a rectifier from `start` on that is not piecewise linear (GELU, ELU), which has no corner to smooth.
    """
    if isinstance(beta, bool | str) or not (beta > 0 and isfinite(beta)):
        raise SuiteError(f"beta={beta} of softplus", "give a positive number; large ones are close to backpropagation")
    return from_start(model, start, lambda first: Rectified(first, partial(_smoothed, beta)))


def _smoothed(beta: float, function: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    found = corners(function, args, kwargs)
    if found is None:
        raise SuiteError(
            f"softplus smooths the corners of piecewise linear rectifiers, and the model calls {function.__name__}",
            "it knows ReLU, ReLU6, leaky ReLU, hardtanh; choose a start behind the others, or leaky(slope=...)",
        )
    return bridged(lambda x, y: weighted(x, y.detach(), _derivative(x, found, beta)), function, args, kwargs)


def _derivative(x: Tensor, at: Corners, beta: float) -> Tensor:
    """at.outside + (1 - at.outside) times a sigmoid, or the difference of two."""
    slope = torch.sigmoid(beta * (x - at.low if at.low else x))
    if isfinite(at.high):
        slope = slope - torch.sigmoid(beta * (x - at.high))
    return slope if at.is_zero_outside else at.outside + (1 - at.outside) * slope
