"""Balls around images within the pixels' range: the way back into them, steps as long as they are measured, starts."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from suite.attacks.keyed_draws import uniform
from suite.attacks.l1_ball import nearest_in_l1

BallNorm = Literal["linf", "l2", "l1"]
TINY = 1e-12  # below any length that float32 pixels can have


@dataclass(frozen=True, eq=False)
class Ball:
    """Balls of one radius around images (N, ...) with pixels in [0, 1], cut to that range.

    Args:
        images: the centres.
        eps: radius > 0 in the norm.
        norm: `linf`, `l2` or `l1`.
    """

    images: Tensor
    eps: float
    norm: BallNorm

    def select(self, rows: Tensor) -> "Ball":
        """Those of some images, by index or mask."""
        return Ball(self.images[rows], self.eps, self.norm)

    def project(self, x: Tensor) -> Tensor:
        """The nearest points of the balls to x (N, ...), in l2 up to the pixels' range, which is applied last."""
        if self.norm == "linf":
            low, high = (self.images - self.eps).clamp(min=0), (self.images + self.eps).clamp(max=1)
            return torch.minimum(torch.maximum(x, low), high)
        if self.norm == "l1":
            return nearest_in_l1(self.images, x, self.eps)
        offset = x - self.images
        shrink = (self.eps / lengths(offset, self.norm).clamp(min=TINY)).clamp(max=1)
        return (self.images + each(shrink, x) * offset).clamp(0, 1)

    def on_the_border(self, draws: Tensor) -> Tensor:
        """Points (N, ...) on the balls' borders, then cut to the pixels' range, from uniform draws (N, d) in [0, 1).

        In l1 the nearest ones to normally distributed points, as in the released APGD: inside where those are.
        """
        draws = draws.to(self.images)
        # The ends of the draws, multiples of 2^-24, would be infinitely far out in a normal distribution.
        spread = 2 * draws - 1 if self.norm == "linf" else torch.special.ndtri(draws.clamp(2.0**-25, 1 - 2.0**-24))
        offset = spread.view_as(self.images)
        if self.norm == "l1":
            return self.project(self.images + offset)
        scale = self.eps / lengths(offset, self.norm).clamp(min=TINY)
        return (self.images + each(scale, offset) * offset).clamp(0, 1)


def start_in(ball: Ball, ids: Tensor, seed: int, step: int, purpose: int) -> Tensor:
    """A random point of each ball's border, cut to the pixels' range, keyed by (seed, id, step, purpose)."""
    return ball.on_the_border(uniform(seed, ids, step, ball.images[0].numel(), purpose))


def steepest(gradient: Tensor, norm: BallNorm, share: Tensor | None = None) -> Tensor:
    """The ascent direction of length 1 in the norm for each gradient of (N, ...); none where it is zero.

    In l1 that is one coordinate, the largest; with `share` (N,) so many share the length evenly.
    """
    if norm == "linf":
        return gradient.sign()
    if norm == "l1":
        return _sparse(gradient, torch.ones_like(gradient.flatten(1)[:, 0]).long() if share is None else share)
    return gradient / each(lengths(gradient, norm).clamp(min=TINY), gradient)


def lengths(offsets: Tensor, norm: BallNorm) -> Tensor:
    """(N, ...) -> (N,)."""
    rows = offsets.flatten(1)
    return rows.abs().amax(1) if norm == "linf" else rows.norm(p=2 if norm == "l2" else 1, dim=1)


def each(values: Tensor, like: Tensor) -> Tensor:
    """(N,) values as one per sample of (N, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))


def _sparse(gradient: Tensor, share: Tensor) -> Tensor:
    """Signs of the `share` (N,) largest coordinates of each gradient, and of those as large, over their number."""
    sizes = gradient.abs().flatten(1)
    least = sizes.sort(dim=1, descending=True).values.gather(1, share[:, None] - 1)
    signs = torch.where(each(least[:, 0], gradient) <= gradient.abs(), gradient.sign(), 0)
    return signs / each(signs.abs().flatten(1).sum(1).clamp(min=1), gradient)
