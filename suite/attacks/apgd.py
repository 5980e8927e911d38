"""APGD: PGD that finds its step size (Croce and Hein, ICML 2020, Algorithm 1)."""

from dataclasses import dataclass, fields, replace
from math import ceil
from typing import get_args

import torch
from torch import Tensor

from suite.attacks.arguments import check_batch, check_choice, check_classes, check_count, check_positive, check_shape
from suite.attacks.ball import Ball, each, steepest
from suite.attacks.differentiate import Differentiator
from suite.attacks.iterate import Norm
from suite.attacks.objectives import Objective, cross_entropy_of

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
    norm: Norm = "linf",
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
        start: (N, ...) first iterates within the ball; None: the images.
        norm: `linf` (sign steps) or `l2` (normalised ones).
        objective: the loss that is climbed (suite.attacks.objectives); None: cross-entropy.
        early_stop: a sample leaves at its first misclassified iterate, which then stands for that of the largest loss.

    Raises SuiteError for values outside these ranges, and for labels that are not the model's classes.

    Cost: steps + 1 forward and backward passes over all samples, or over those that have not left.
    """
    check_positive("eps", eps)
    check_count("steps", steps)
    check_choice("norm", norm, get_args(Norm))
    check_batch(images, labels)
    if start is not None:
        check_shape("start", start, images.shape)
    objective = objective or cross_entropy_of(labels)

    def measure(x: Tensor, rows: Tensor, *, check: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        losses: list[Tensor] = []

        def cotangent(logits: Tensor) -> Tensor:
            if check:
                check_classes(labels, logits.shape[1])
            values, derivative = objective(logits, rows)
            losses.append(values)
            return derivative

        logits, gradient = differentiate(x, cotangent)
        return losses[0], gradient, logits.argmax(1) != labels[rows]

    first, everyone = images if start is None else start, torch.arange(len(images), device=images.device)
    loss, gradient, hit = measure(first, everyone, check=True)
    walk = _Walk.begin(Ball(images, eps, norm), everyone, first, loss, gradient)
    fooled, found = hit.clone(), first.clone()
    milestones = checkpoints(steps)
    for step in range(steps):  # from x^(step) to x^(step + 1)
        if early_stop and bool(hit.any()):
            found[walk.rows[hit]] = walk.x[hit]
            walk = walk.select(~hit)
            if not len(walk.rows):
                return fooled, found
        walk = walk.back_to_the_best()
        if step in milestones[1:]:
            walk = walk.at_a_checkpoint(step - milestones[milestones.index(step) - 1])
        x = walk.next(momentum=step > 0)
        loss, gradient, hit = measure(x, walk.rows)
        fooled[walk.rows] |= hit
        walk = walk.arrived(x, loss, gradient)
    found[walk.rows] = torch.where(each(hit, walk.x), walk.x, walk.best) if early_stop else walk.best
    return fooled, found


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
    def begin(ball: Ball, rows: Tensor, x: Tensor, loss: Tensor, gradient: Tensor) -> "_Walk":
        size = torch.full_like(loss, 2 * ball.eps)
        nothing, nobody = torch.zeros_like(loss), torch.zeros_like(loss, dtype=torch.bool)
        return _Walk(ball, rows, x, x, loss, gradient, x, loss, gradient, size, nothing, nobody, size, loss)

    def select(self, rows: Tensor) -> "_Walk":
        """Some of the samples."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {name: value[rows] for name, value in own.items() if isinstance(value, Tensor)}
        return replace(self, ball=self.ball.select(rows), **kept)

    def back_to_the_best(self) -> "_Walk":
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

    def at_a_checkpoint(self, since: int) -> "_Walk":
        """Conditions 1 and 2 on the `since` steps since the last one: few of them rose, or nothing has changed."""
        same = (self.size == self.seen_size) & (self.best_loss == self.seen_best)
        return replace(
            self,
            halve=(self.rises < ENOUGH * since) | same,
            seen_size=self.size,
            seen_best=self.best_loss,
            rises=torch.zeros_like(self.rises),
        )

    def next(self, *, momentum: bool) -> Tensor:
        """The next iterates."""
        ahead = self.ball.project(self.x + each(self.size, self.x) * steepest(self.gradient, self.ball.norm))
        if not momentum:
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
