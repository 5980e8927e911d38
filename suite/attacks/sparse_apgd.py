"""APGD in l1: steps of a few pixels, whose number follows the iterate's own (Croce and Hein, Mind the box, ICML 2021).

A step of the radius' length is shared by two thirds as many coordinates as the best iterate has changed. Where that
number still falls, the step is as long as the radius again, else shorter. Two balls larger than the last are climbed
first (Sec. 4.1): from their best iterates it is nearer to the good corners of the small one.
"""

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from suite.attacks.ball import Ball, each, steepest
from suite.attacks.climb import climb, of_rows
from suite.attacks.differentiate import Differentiator
from suite.attacks.objectives import Objective

RADII = (3, 2, 1)  # of the balls in turn, in those of the last
FIRST = 0.3  # share of the steps in each of the first two
FEWER = 1.5  # the changed coordinates over those of a step; and a step over the next, where it becomes shorter
FALLS = 0.95  # below this share of the number before, changed coordinates still become fewer
SHORTEST = 0.1  # of a step, in radii
AT_FIRST = 0.3  # share of the coordinates that counts as changed in an image that nothing has changed yet
CHECKED = 0.04  # share of a ball's steps from one look at them to the next


def sparse_apgd(
    differentiate: Differentiator,
    images: Tensor,
    labels: Tensor,
    eps: float,
    steps: int,
    start: Tensor,
    *,
    objective: Objective,
    early_stop: bool,
) -> tuple[Tensor, Tensor]:
    """What `suite.attacks.apgd` returns, in l1; start (N, ...) is brought into the first ball, of radius 3 eps.

    Cost: steps + 3 forward and backward passes, at least two for each ball.
    """
    first = max(round(FIRST * steps), 1)
    x = start
    for radius, count in zip(RADII, (first, first, max(steps - 2 * first, 1)), strict=True):
        ball, last = Ball(images, radius * eps, "l1"), radius == RADII[-1]
        begin = partial(_Walk.begin, ball, max(int(CHECKED * count), 1))
        fooled, x = climb(
            differentiate, ball.project(x), labels, count, begin, objective=objective, early_stop=last and early_stop
        )
    return fooled, x


@dataclass(frozen=True, eq=False)
class _Walk:
    """Where R samples are (suite.attacks.climb.Walk), and how many coordinates they had changed at the last look."""

    ball: Ball
    every: int
    rows: Tensor
    x: Tensor
    gradient: Tensor
    best: Tensor
    best_loss: Tensor
    best_gradient: Tensor
    size: Tensor
    changed: Tensor

    @staticmethod
    def begin(ball: Ball, every: int, rows: Tensor, x: Tensor, loss: Tensor, gradient: Tensor) -> "_Walk":
        """At the first iterates, with what was measured there; looks at the steps after `every` of them."""
        size, changed = torch.full_like(loss, ball.eps), _changed(x, ball)
        changed = torch.where(changed > 0, changed, int(AT_FIRST * x[0].numel()))
        return _Walk(ball, every, rows, x, gradient, x, loss, gradient, size, changed)

    def select(self, rows: Tensor) -> "_Walk":
        """Some of the samples."""
        return replace(self, ball=self.ball.select(rows), **of_rows(self, rows))

    def ready(self, step: int) -> "_Walk":
        """Where the best iterate changes fewer coordinates than it did: back to it with the longest step."""
        if not step or step % self.every:
            return self
        changed = _changed(self.best, self.ball)
        fewer = changed < FALLS * self.changed
        back, longest = each(fewer, self.x), torch.full_like(self.size, self.ball.eps)
        return replace(
            self,
            x=torch.where(back, self.best, self.x),
            gradient=torch.where(back, self.best_gradient, self.gradient),
            size=torch.where(fewer, longest, (self.size / FEWER).clamp(min=SHORTEST * self.ball.eps)),
            changed=changed,
        )

    def next(self, step: int) -> Tensor:
        """The next iterates."""
        share = (self.changed / FEWER).ceil().long().clamp(min=1)
        return self.ball.project(self.x + each(self.size, self.x) * steepest(self.gradient, "l1", share))

    def arrived(self, x: Tensor, loss: Tensor, gradient: Tensor) -> "_Walk":
        """At the next iterates, with what was measured there."""
        better = loss > self.best_loss
        return replace(
            self,
            x=x,
            gradient=gradient,
            best=torch.where(each(better, x), x, self.best),
            best_gradient=torch.where(each(better, x), gradient, self.best_gradient),
            best_loss=torch.maximum(self.best_loss, loss),
        )


def _changed(x: Tensor, ball: Ball) -> Tensor:
    """How many coordinates of (R, ...) differ from the image's, (R,)."""
    return (x != ball.images).flatten(1).sum(1)
