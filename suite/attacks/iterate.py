"""I-FGSM and PGD for all strengths at once, read at every step.

Kurakin et al. (2017): x_{k+1} = clip(x_k + step * sign(grad)), and its l2 form x_k + step * grad / |grad|_2.
What nobody reads is not computed:
- the logits that give the gradient at x_k also tell whether x_k fools the model;
- until the smallest ball binds, all strengths walk the same path, so they share one row until then;
- a fooled sample leaves the batch.

On a GPU, where looking at who is fooled makes the host wait, the walk is that of suite.attacks.fixed_shape.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from suite.attacks.arguments import check_batch, check_radii, check_shape
from suite.attacks.differentiate import Differentiator
from suite.attacks.fixed_shape import iterate_in_fixed_shapes
from suite.attacks.losses import against
from suite.attacks.walk import Settings, Trajectory, step_in_ball


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

    Raises SuiteError for a batch, radii or starts of another kind, and, on a CPU, for labels that are not the model's
    classes: elsewhere they are not looked at.

    Cost: at most K backward and K+1 forward passes over E*N rows; N rows until the smallest ball binds.
    """
    check_batch(images, labels, empty=True)
    check_radii(epsilons, zero=True)
    if start is not None:
        check_shape("start", start, (len(epsilons), *images.shape))
    if images.device.type == "cuda":
        return iterate_in_fixed_shapes(
            differentiate, predict, images, labels, epsilons, settings, start=start, judge=judge, readings=readings
        )
    rows = _Rows.begin(images, len(epsilons), start)
    record = _Record(images, len(epsilons), settings)
    radii = torch.tensor(epsilons, dtype=images.dtype, device=images.device)
    for step in range(settings.steps + 1):
        last = step == settings.steps
        y = labels[rows.sample]
        if last:
            with torch.no_grad():
                prediction = (predict if judge is None else judge)(rows.x).argmax(1)
        else:
            logits, gradient = differentiate(rows.x, against(settings.loss, y, check=step == 0))
            prediction = logits.argmax(1)
            if judge is not None:
                prediction = _judged(judge, rows.x, prediction, y, settings.targeted, everyone=step in readings)
        fooled = (prediction == y) == settings.targeted
        record.step(step, rows, prediction, fooled)
        if last:
            break
        if settings.early_stop and bool(fooled.any()):
            gradient, rows = gradient[~fooled], rows.select(~fooled)
        if not len(rows.x):
            break
        rows, gradient = rows.split(epsilons, settings.travelled(step), gradient)
        base, radius = images[rows.sample], radii[rows.level]
        rows.x = step_in_ball(rows.x, base, gradient, radius.view(-1, *[1] * (images.ndim - 1)), settings)
    return record.trajectory()


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
