"""A curve in weight space between two models, with one trained middle point (Garipov et al. 2018, Sec. 3).

Every point here is a combination c_0 w_0 + c_1 w_1 + c_2 w_2 of the start, the middle and the end, given by its three
coefficients: a point of the curve, of the segment from start to end, or of the plane through the three.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from suite.training import Evaluation, evaluate, recompute_batch_norm
from suite.training.batches import Data

Curve = Literal["bezier", "polychain"]
Weights = Mapping[str, Tensor]
"""A model's parameters by name."""


def coefficients(curve: Curve, t: Tensor) -> Tensor:
    """Of the points at t in [0, 1] (...): (..., 3), not negative, of sum 1 (Garipov et al. 2018, Eq. 3 and 4).

    "bezier": (1-t)^2, 2t(1-t), t^2; "polychain": two segments that meet in the middle at t = 1/2.
    """
    if curve == "bezier":
        return torch.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], -1)
    places = torch.arange(3, dtype=t.dtype, device=t.device)
    return (1 - (2 * t[..., None] - places).abs()).clamp(min=0)


def segment(t: Tensor) -> Tensor:
    """Coefficients of the straight line from start to end at t in [0, 1] (...): (..., 3)."""
    return torch.stack([1 - t, torch.zeros_like(t), t], -1)


def combine(coefficients: Tensor, start: Weights, middle: Weights, end: Weights) -> dict[str, Tensor]:
    """The weights with these coefficients (3,); differentiable in all of them."""
    c0, c1, c2 = coefficients.unbind()
    return {name: c0 * start[name] + c1 * middle[name] + c2 * end[name] for name in start}


def parameters_of(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters by name, without gradients and not to be changed by its training."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@dataclass(frozen=True, eq=False)
class CurveObjective:
    """The loss at a uniform point of the curve, whose mean the middle point makes small (Garipov et al. 2018, Eq. 2).

    An objective of `suite.training.fit`, where the model in training is the middle: its parameters' gradient is exact,
    c_1(t) times that of the loss at the point. One t is drawn for each batch. The logits are those at the point.

    Args:
        curve: its family.
        start, end: the models at t = 0 and 1.
        decay: coefficient of the l2 penalty on the point's weights, as in Garipov et al.'s code; the recipe's own
            weight decay would be on the middle's.
    """

    curve: Curve
    start: Weights
    end: Weights
    decay: float = 0.0

    def __call__(self, model: nn.Module, pixels: Tensor, labels: Tensor, adversary: object) -> tuple[Tensor, Tensor]:
        t = torch.rand((), device=pixels.device)
        weights = combine(coefficients(self.curve, t), self.start, dict(model.named_parameters()), self.end)
        logits: Tensor = functional_call(model, weights, (pixels,))
        loss = F.cross_entropy(logits.float() if logits.dtype == torch.bfloat16 else logits, labels)
        if self.decay:
            loss = loss + self.decay / 2 * torch.stack([value.square().sum() for value in weights.values()]).sum()
        return loss, logits


class Surface:
    """The clean loss at combinations of three models, on a set of samples.

    Batch-norm statistics are recomputed from the samples at every point: those of a model do not fit its neighbours.

    Args:
        model: of their architecture; its weights are overwritten.
        start, middle, end: the three.
        data: images and labels.
    """

    def __init__(self, model: nn.Module, start: Weights, middle: Weights, end: Weights, data: Data) -> None:
        self.model, self.data = model, data
        self.corners = start, middle, end

    def at(self, coefficients: Tensor) -> Evaluation:
        """Mean cross-entropy in nats and accuracy at the point with these coefficients (3,)."""
        with torch.no_grad():
            for name, value in combine(coefficients.to(self.data[1].device), *self.corners).items():
                self.model.get_parameter(name).copy_(value)
        recompute_batch_norm(self.model, self.data[0])
        return evaluate(self.model, *self.data)
