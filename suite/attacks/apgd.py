"""APGD: PGD that finds its step size (Croce and Hein, ICML 2020, Algorithm 1)."""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import get_args

import torch
from torch import Tensor

from suite.attacks.arguments import check_batch, check_choice, check_count, check_positive, check_shape
from suite.attacks.ball import Ball, BallNorm, each, steepest
from suite.attacks.climb import climb, of_rows
from suite.attacks.differentiate import Differentiator
from suite.attacks.objectives import Objective, cross_entropy_of
from suite.attacks.sparse_apgd import sparse_apgd

MOMENTUM = 0.75  # alpha
ENOUGH = 0.75  # rho: the share of steps between checkpoints that must raise the loss, lest the step is halved


def apgd(
    differentiate: Differentiator,
    images: Tensor,
    labels: Tensor,
    eps: float,
    steps: int,
    start: Tensor | None = None,
    *,
    norm: BallNorm = "linf",
    objective: Objective | None = None,
    early_stop: bool = False,
) -> tuple[Tensor, Tensor]:
    """Which samples some iterate fools, (N,) booleans, and each sample's iterate of the largest loss, (N, ...).

    Args:
        differentiate: logits and input gradient of the model (suite.attacks.Autograd).
        images: (N, ...) pixels in [0, 1], the centres of the balls.
        labels: (N,).
        eps: radius in the norm, > 0.
        steps: N_iter >= 1.
        start: (N, ...) first iterates within the ball, in l1 within one three times as large; None: the images.
        norm: `linf` (sign steps), `l2` (normalised ones) or `l1` (sparse ones, see suite.attacks.sparse_apgd).
        objective: the loss that is climbed (suite.attacks.objectives); None: cross-entropy.
        early_stop: a sample leaves at its first misclassified iterate, which then stands for that of the largest loss.

    Raises SuiteError for values outside these ranges, and for labels that are not the model's classes.

    Cost: steps + 1 forward and backward passes over all samples, or over those that have not left.
    """
    check_positive("eps", eps)
    check_count("steps", steps)
    check_choice("norm", norm, get_args(BallNorm))
    check_batch(images, labels)
    if start is not None:
        check_shape("start", start, images.shape)
    objective = objective or cross_entropy_of(labels)
    first = images if start is None else start
    if norm == "l1":
        return sparse_apgd(differentiate, images, labels, eps, steps, first, objective=objective, early_stop=early_stop)
    begin = partial(_Walk.begin, Ball(images, eps, norm), checkpoints(steps))
    return climb(differentiate, first, labels, steps, begin, objective=objective, early_stop=early_stop)


def checkpoints(steps: int) -> tuple[int, ...]:
    """w_j = ceil(p_j N_iter), p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06), up to N_iter."""
    shares = [0.0, 0.22]
    while shares[-1] <= 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return tuple(sorted({ceil(round(share * steps, 9)) for share in shares if share <= 1}))


@dataclass(frozen=True, eq=False)
class _Walk:
    """Where R samples are: the step before, the best so far, and what the last checkpoint saw.

    `rows` (R,) says which samples they are, `halve` (R,) whose step size is to be halved before the next move.
    """

    ball: Ball
    checkpoints: tuple[int, ...]
    rows: Tensor
    x: Tensor
    previous: Tensor
    loss: Tensor
    gradient: Tensor
    best: Tensor
    best_loss: Tensor
    best_gradient: Tensor
    size: Tensor
    rises: Tensor
    halve: Tensor
    seen_size: Tensor
    seen_best: Tensor

    @staticmethod
    def begin(
        ball: Ball, checkpoints: tuple[int, ...], rows: Tensor, x: Tensor, loss: Tensor, gradient: Tensor
    ) -> "_Walk":
        """At the first iterates, with what was measured there."""
        size = torch.full_like(loss, 2 * ball.eps)
        nothing, nobody = torch.zeros_like(loss), torch.zeros_like(loss, dtype=torch.bool)
        return _Walk(
            ball, checkpoints, rows, x, x, loss, gradient, x, loss, gradient, size, nothing, nobody, size, loss
        )

    def select(self, rows: Tensor) -> "_Walk":
        """Some of the samples."""
        return replace(self, ball=self.ball.select(rows), **of_rows(self, rows))

    def ready(self, step: int) -> "_Walk":
        """Samples whose step was too long are back; at a checkpoint it is found out whose is."""
        walk = self._back_to_the_best()
        if step not in self.checkpoints[1:]:
            return walk
        return walk._at_a_checkpoint(step - self.checkpoints[self.checkpoints.index(step) - 1])

    def _back_to_the_best(self) -> "_Walk":
        """Samples whose step was too long halve it and go on from their best iterate."""
        halve = each(self.halve, self.x)
        return replace(
            self,
            size=torch.where(self.halve, self.size / 2, self.size),
            x=torch.where(halve, self.best, self.x),
            gradient=torch.where(halve, self.best_gradient, self.gradient),
            loss=torch.where(self.halve, self.best_loss, self.loss),
            halve=torch.zeros_like(self.halve),
        )

    def _at_a_checkpoint(self, since: int) -> "_Walk":
        """Conditions 1 and 2 on the `since` steps since the last one: few of them rose, or nothing has changed."""
        same = (self.size == self.seen_size) & (self.best_loss == self.seen_best)
        return replace(
            self,
            halve=(self.rises < ENOUGH * since) | same,
            seen_size=self.size,
            seen_best=self.best_loss,
            rises=torch.zeros_like(self.rises),
        )

    def next(self, step: int) -> Tensor:
        """The next iterates; all but the first move have momentum."""
        ahead = self.ball.project(self.x + each(self.size, self.x) * steepest(self.gradient, self.ball.norm))
        if step == 0:
            return ahead
        return self.ball.project(self.x + MOMENTUM * (ahead - self.x) + (1 - MOMENTUM) * (self.x - self.previous))

    def arrived(self, x: Tensor, loss: Tensor, gradient: Tensor) -> "_Walk":
        """At the next iterates, with what was measured there."""
        better = loss > self.best_loss
        return replace(
            self,
            x=x,
            previous=self.x,
            loss=loss,
            gradient=gradient,
            rises=self.rises + (loss > self.loss),
            best=torch.where(each(better, x), x, self.best),
            best_gradient=torch.where(each(better, x), gradient, self.best_gradient),
            best_loss=torch.maximum(self.best_loss, loss),
        )
