"""I-FGSM and PGD for all strengths at once, read at every step.

Kurakin et al. (2017): x_{k+1} = clip(x_k + step * sign(grad)), and its l2 form x_k + step * grad / |grad|_2.
What nobody reads is not computed:
- the logits that give the gradient at x_k also tell whether x_k fools the model;
- until the smallest ball binds, all strengths walk the same path, so they share one row until then;
- a fooled sample leaves the batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from suite.attacks.arguments import (
    check_batch,
    check_bounds,
    check_choice,
    check_count,
    check_positive,
    check_radii,
    check_shape,
)
from suite.attacks.differentiate import Differentiator
from suite.attacks.losses import LOSSES, against

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


def iterate(
    differentiate: Differentiator,
    predict: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    epsilons: tuple[float, ...],
    settings: Settings,
    *,
    start: Tensor | None = None,
    judge: Callable[[Tensor], Tensor] | None = None,
    readings: tuple[int, ...] = (),
) -> Trajectory:
    """Attacks (N, ...) images of (N,) labels under E strengths.

    Args:
        differentiate: logits and input gradient of the model under some gradient rule.
        predict: logits of the model; the same values as `differentiate` gives.
        epsilons: radii >= 0, ascending.
        start: (E, N, ...) first iterates; None starts at the images.
        judge: logits of the true model, asked before a row counts as fooled, and about every row at the steps
            `readings` and the last; None where `predict` is the true model.

    Raises SuiteError for a batch, radii or starts of another kind, and for labels that are not the model's classes.

    Cost: at most K backward and K+1 forward passes over E*N rows; N rows until the smallest ball binds.
    """
    check_batch(images, labels, empty=True)
    check_radii(epsilons, zero=True)
    if start is not None:
        check_shape("start", start, (len(epsilons), *images.shape))
    rows = _Rows.begin(images, len(epsilons), start)
    record = _Record(images, len(epsilons), settings)
    radii = torch.tensor(epsilons, dtype=images.dtype, device=images.device)
    for step in range(settings.steps + 1):
        last = step == settings.steps
        y = labels[rows.sample]
        if last:
            with torch.no_grad():
                logits = predict(rows.x)
        else:
            logits, gradient = differentiate(rows.x, against(settings.loss, y, check=step == 0))
        prediction = logits.argmax(1)
        if judge is not None:
            prediction = _judged(judge, rows.x, prediction, y, settings.targeted, everyone=last or step in readings)
        fooled = (prediction == y) == settings.targeted
        record.step(step, rows, prediction, fooled)
        if last:
            break
        if settings.early_stop and bool(fooled.any()):
            gradient, rows = gradient[~fooled], rows.select(~fooled)
        if not len(rows.x):
            break
        # A ball that is touched but for rounding counts as binding; pixels are rounded in proportion to their range.
        travelled = (step + 1) * settings.step_size + 1e-5 * max(map(abs, settings.bounds))
        rows, gradient = rows.split(epsilons, travelled, gradient)
        base, radius = images[rows.sample], radii[rows.level]
        rows.x = step_in_ball(rows.x, base, gradient, radius.view(-1, *[1] * (images.ndim - 1)), settings)
    return record.trajectory()


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


def _judged(
    judge: Callable[[Tensor], Tensor],
    x: Tensor,
    prediction: Tensor,
    y: Tensor,
    targeted: bool,
    everyone: bool,
) -> Tensor:
    """Predictions of the true model where the fast one claims success (or everywhere)."""
    asked = torch.ones_like(y, dtype=torch.bool) if everyone else (prediction == y) == targeted
    if not bool(asked.any()):
        return prediction
    prediction = prediction.clone()
    with torch.no_grad():
        prediction[asked] = judge(x[asked]).argmax(1)
    return prediction


@dataclass
class _Rows:
    """The batch: iterates x (R, ...), their samples (R,) and strengths (R,).

    Rows whose level is `shared` stand for every strength from there on: no ball has bound on their path yet.
    """

    x: Tensor
    sample: Tensor
    level: Tensor
    shared: int

    @staticmethod
    def begin(images: Tensor, count: int, start: Tensor | None) -> "_Rows":
        samples = torch.arange(len(images), device=images.device)
        if start is None:
            return _Rows(images, samples, torch.zeros_like(samples), 0)
        levels = torch.arange(count, device=images.device).repeat_interleave(len(images))
        return _Rows(start.flatten(0, 1), samples.repeat(count), levels, count - 1)

    def select(self, keep: Tensor) -> "_Rows":
        return _Rows(self.x[keep], self.sample[keep], self.level[keep], self.shared)

    def split(self, epsilons: tuple[float, ...], travelled: float, gradient: Tensor) -> tuple["_Rows", Tensor]:
        """Gives strengths whose ball may bind within `travelled` rows of their own; duplicates gradients alongside."""
        rows = self
        while rows.shared < len(epsilons) - 1 and travelled > epsilons[rows.shared]:
            forked = (rows.level == rows.shared).nonzero().squeeze(1)
            index = torch.cat([torch.arange(len(rows.x), device=forked.device), forked])
            level = torch.cat([rows.level, rows.level[forked] + 1])
            rows = _Rows(rows.x[index], rows.sample[index], level, rows.shared + 1)
            gradient = gradient[index]
        return rows, gradient


class _Record:
    """Collects what the rows say about each (strength, sample)."""

    def __init__(self, images: Tensor, count: int, settings: Settings) -> None:
        shape = (count, len(images))
        self.early_stop = settings.early_stop
        self.fooled = torch.zeros(*shape, settings.steps + 1, dtype=torch.bool, device=images.device)
        self.prediction = torch.full(shape, -1, device=images.device)
        self.adversarials = images.expand(count, *images.shape).clone()

    def step(self, step: int, rows: _Rows, prediction: Tensor, fooled: Tensor) -> None:
        for level in range(len(self.fooled)):
            mine = (rows.level == level) | ((rows.level == rows.shared) & (level > rows.shared))
            sample = rows.sample[mine]
            self.prediction[level, sample] = prediction[mine]
            self.adversarials[level, sample] = rows.x[mine]
            if self.early_stop:
                self.fooled[level, sample[fooled[mine]], step:] = True
            else:
                self.fooled[level, sample, step] = fooled[mine]

    def trajectory(self) -> Trajectory:
        return Trajectory(self.fooled, self.prediction, self.adversarials)
