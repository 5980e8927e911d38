"""The walk of `iterate` in tensors of fixed shapes: for devices that compute while the host runs ahead.

`iterate` looks at every step who is fooled, and leaves them out: on a CPU that saves work, on a GPU the host would wait
for the device at every step. Here a fooled sample stays in the batch and stands still, masks are `torch.where`, and how
many paths there are is known from the radii alone. With early stop the host waits every few steps, and what is fooled
on all its paths leaves then.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from suite.attacks.differentiate import Differentiator
from suite.attacks.losses import against
from suite.attacks.waiting import WINDOW
from suite.attacks.walk import Settings, Trajectory, step_in_ball


def iterate_in_fixed_shapes(
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
    """Attacks (N, ...) images of (N,) labels under E strengths: arguments and results as `iterate`'s.

    Cost: K backward and K+1 forward passes over E*N rows, or N until the smallest ball binds; K+1 passes of the judge.
    """
    radii = torch.stack([images.new_full((), eps) for eps in epsilons])  # filled there: copies from the host wait
    look = _Look(differentiate, predict, judge, settings)
    paths = _Paths.begin(images, labels, start)
    ends = _Ends(images, len(epsilons), settings)
    for step in range(settings.steps):
        prediction, gradient = look.with_gradient(paths, check=step == 0, everyone=step in readings)
        paths = paths.read(prediction, settings)
        if settings.early_stop and step % WINDOW == WINDOW - 1:
            ends.write(paths)
            left = (~paths.still).any(0).nonzero().squeeze(1)
            paths, gradient = paths.select(left), gradient[:, left]
            if not len(left):
                return ends.trajectory()
        if start is None:
            count = 1 + sum(settings.travelled(step) > eps for eps in epsilons[:-1])
            paths, gradient = paths.fork(count), _fork(gradient, count)
        paths = paths.move(gradient, radii[: len(paths.x)], settings)
    ends.write(paths.read(look.at_the_end(paths), settings))
    return ends.trajectory()


@dataclass(frozen=True)
class _Paths:
    """M samples on L paths, one for each strength; the last stands for all larger ones, too: no ball has bound on it.

    sample (M,) their places among the N; base (M, ...) their images, y (M,) labels; x (L, M, ...) iterates; still
    (L, M): left at its first misclassified iterate; prediction (L, M); fooled: (L, M) for each step so far.
    """

    sample: Tensor
    base: Tensor
    y: Tensor
    x: Tensor
    still: Tensor
    prediction: Tensor
    fooled: tuple[Tensor, ...] = ()

    @staticmethod
    def begin(images: Tensor, labels: Tensor, start: Tensor | None) -> "_Paths":
        """All samples at their first iterates."""
        x = images[None] if start is None else start
        sample = torch.arange(len(images), device=images.device)
        nobody = torch.zeros(x.shape[:2], dtype=torch.bool, device=images.device)
        return _Paths(sample, images, labels, x, nobody, torch.full_like(nobody, -1, dtype=torch.int64))

    def fork(self, count: int) -> "_Paths":
        """`count` paths: new ones begin as the last one."""
        x, still, prediction, *fooled = (
            _fork(each, count) for each in (self.x, self.still, self.prediction, *self.fooled)
        )
        return replace(self, x=x, still=still, prediction=prediction, fooled=tuple(fooled))

    def select(self, left: Tensor) -> "_Paths":
        """Some of the samples."""
        x, still, prediction, *fooled = (each[:, left] for each in (self.x, self.still, self.prediction, *self.fooled))
        return _Paths(self.sample[left], self.base[left], self.y[left], x, still, prediction, tuple(fooled))

    def read(self, prediction: Tensor, settings: Settings) -> "_Paths":
        """What was predicted (L, M) at the iterates; where a sample stands still, what was predicted before."""
        fooled = self.still | ((prediction == self.y) == settings.targeted)
        return replace(
            self,
            prediction=torch.where(self.still, self.prediction, prediction),
            still=fooled if settings.early_stop else self.still,
            fooled=(*self.fooled, fooled),
        )

    def move(self, gradient: Tensor, radii: Tensor, settings: Settings) -> "_Paths":
        """One step along the gradients (L, M, ...) in balls of the radii (L,); who stands still stays."""
        rows, ones = self.x.flatten(0, 1), [1] * (self.x.ndim - 2)
        base, radius = self.base.expand_as(self.x).flatten(0, 1), radii.repeat_interleave(len(self.y)).view(-1, *ones)
        ahead = step_in_ball(rows, base, gradient.flatten(0, 1), radius, settings)
        return replace(self, x=torch.where(self.still.view(-1, *ones), rows, ahead).view_as(self.x))


@dataclass(frozen=True)
class _Look:
    """What the models say at the iterates of paths: predictions (L, M), and gradients like the iterates."""

    differentiate: Differentiator
    predict: Callable[[Tensor], Tensor]
    judge: Callable[[Tensor], Tensor] | None
    settings: Settings

    def with_gradient(self, paths: _Paths, *, check: bool, everyone: bool) -> tuple[Tensor, Tensor]:
        """At a step; with `check` labels must be classes, if looking at them does not wait for a device."""
        rows, labels = paths.x.flatten(0, 1), paths.y.repeat(len(paths.x))
        check = check and labels.device.type == "cpu"
        logits, gradient = self.differentiate(rows, against(self.settings.loss, labels, check=check))
        prediction = self._judged(rows, logits.argmax(1), labels, everyone)
        return prediction.view_as(paths.still), gradient.view_as(paths.x)

    def at_the_end(self, paths: _Paths) -> Tensor:
        """At the last iterates."""
        looked = self.predict if self.judge is None else self.judge
        with torch.no_grad():
            prediction = looked(paths.x.flatten(0, 1)).argmax(1)
        return prediction.view_as(paths.still)

    def _judged(self, rows: Tensor, prediction: Tensor, labels: Tensor, everyone: bool) -> Tensor:
        """Predictions of the true model where the other claims success, or everywhere."""
        if self.judge is None:
            return prediction
        with torch.no_grad():
            truth = self.judge(rows).argmax(1)
        return truth if everyone else torch.where((prediction == labels) == self.settings.targeted, truth, prediction)


class _Ends:
    """Where samples were when they left, for every strength."""

    def __init__(self, images: Tensor, count: int, settings: Settings) -> None:
        shape, device = (count, len(images)), images.device
        self.count, self.steps = count, settings.steps
        self.fooled = torch.zeros(*shape, settings.steps + 1, dtype=torch.bool, device=device)
        self.prediction = torch.full(shape, -1, device=device)
        self.adversarials = images.expand(count, *images.shape).clone()

    def write(self, paths: _Paths) -> None:
        """Samples as they are now; who stands still was fooled to the end."""
        paths = paths.fork(self.count)
        seen = torch.stack(paths.fooled, -1)
        rest = seen[..., -1:].expand(*seen.shape[:2], self.steps + 1 - seen.shape[2])
        self.fooled[:, paths.sample] = torch.cat([seen, rest], -1)
        self.prediction[:, paths.sample] = paths.prediction
        self.adversarials[:, paths.sample] = paths.x

    def trajectory(self) -> Trajectory:
        return Trajectory(self.fooled, self.prediction, self.adversarials)


def _fork(rows: Tensor, paths: int) -> Tensor:
    """(L, M, ...) -> (paths, M, ...): new paths begin as the last one."""
    if len(rows) == paths:
        return rows
    return torch.cat([rows, rows[-1:].expand(paths - len(rows), *rows.shape[1:])])
