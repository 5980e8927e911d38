"""What a walk to an adversarial image is: its settings, its steps, and where it went.

Kurakin et al. (2017): x_{k+1} = clip(x_k + step * sign(grad)), and its l2 form x_k + step * grad / |grad|_2.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from suite.attacks.arguments import check_bounds, check_choice, check_count, check_positive
from suite.attacks.losses import LOSSES

Norm = Literal["linf", "l2"]


@dataclass(frozen=True)
class Settings:
    """One attack's settings.

    Args:
        steps: number of gradient steps K >= 1.
        step_size: length of a step in the units of epsilon: sup-norm or l2 norm.
        norm: `linf` (sign steps) or `l2` (normalised steps).
        loss: a name in suite.attacks.losses.LOSSES.
        unit: pixels per unit of epsilon and step size, broadcast over a sample: 1.0 attacks pixels, the
            standard deviations (C, 1, 1) attack normalised images.
        bounds: valid pixel range, always respected.
        early_stop: a sample is left at its first misclassified iterate; else every sample walks all K steps.
        targeted: `labels` are the classes to reach, and the loss descends.

    Raises SuiteError for values outside these ranges.
    """

    steps: int
    step_size: float
    norm: Norm = "linf"
    loss: str = "ce"
    unit: float | Tensor = 1.0
    bounds: tuple[float, float] = (0.0, 1.0)
    early_stop: bool = True
    targeted: bool = False

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_positive("step_size", self.step_size)
        check_choice("norm", self.norm, get_args(Norm))
        check_choice("loss", self.loss, LOSSES)
        check_bounds(self.bounds)
        if not isinstance(self.unit, Tensor):
            check_positive("unit", self.unit)

    def travelled(self, step: int) -> float:
        """How far from the first iterate `step` (from 0) can lead.

        A ball that is touched but for rounding counts as binding; pixels are rounded in proportion to their range.
        """
        return (step + 1) * self.step_size + 1e-5 * max(map(abs, self.bounds))


@dataclass(frozen=True)
class Trajectory:
    """Where N samples went under E strengths in K steps.

    fooled (E, N, K+1): whether the iterate of step k is misclassified (from the first hit on, when stopped early);
    prediction (E, N): class of the last iterate; adversarials (E, N, ...): the last iterate.
    """

    fooled: Tensor
    prediction: Tensor
    adversarials: Tensor

    @property
    def first_fooled(self) -> Tensor:
        """(E, N): the first step whose iterate is misclassified, 0 for the start, -1 for never."""
        return torch.where(self.fooled.any(-1), self.fooled.int().argmax(-1), -1)


def step_in_ball(x: Tensor, base: Tensor, gradient: Tensor, radius: Tensor, settings: Settings) -> Tensor:
    """One step from x along the loss's gradient, then back into the ball around `base` and into the bounds.

    `radius` is broadcast over a sample. The order of operations is Foolbox's: results agree bit for bit.
    """
    unit, length = settings.unit, settings.step_size * (-1 if settings.targeted else 1)
    if settings.norm == "linf":
        x = x + (length * unit) * gradient.sign()
        x = base + (x - base).clamp(-radius * unit, radius * unit)
    else:
        x = x + length * unit * _normalised(gradient * unit)
        offset = (x - base) / unit
        x = base + unit * offset * (_l2(offset).reciprocal() * radius).clamp(max=1)
    return x.clamp(*settings.bounds)


def _l2(v: Tensor) -> Tensor:
    """(B, ...) -> (B, 1, ...) norms, away from zero."""
    norms: Tensor = v.flatten(1).square().sum(1).sqrt().clamp(min=1e-12)  # as Foolbox rounds; norm() differs
    return norms.view(-1, *[1] * (v.ndim - 1))


def _normalised(v: Tensor) -> Tensor:
    return v * (1 / _l2(v))
