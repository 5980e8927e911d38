"""Balls around images within the pixels' range: the way back into them, steps as long as they are measured, starts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from suite.attacks.iterate import Norm
from suite.attacks.keyed_draws import uniform

TINY = 1e-12  # below any length that float32 pixels can have


@dataclass(frozen=True, eq=False)
class Ball:
    """Balls of one radius around images (N, ...) with pixels in [0, 1], cut to that range.

    Args:
        images: the centres.
        eps: radius > 0 in the norm.
        norm: `linf` or `l2`.
    """

    images: Tensor
    eps: float
    norm: Norm

    def select(self, rows: Tensor) -> "Ball":
        """Those of some images, by index or mask."""
        return Ball(self.images[rows], self.eps, self.norm)

    def project(self, x: Tensor) -> Tensor:
        """The nearest points of the balls to x (N, ...), in l2 up to the pixels' range, which is applied last."""
        if self.norm == "linf":
            low, high = (self.images - self.eps).clamp(min=0), (self.images + self.eps).clamp(max=1)
            return torch.minimum(torch.maximum(x, low), high)
        offset = x - self.images
        shrink = (self.eps / lengths(offset, self.norm).clamp(min=TINY)).clamp(max=1)
        return (self.images + each(shrink, x) * offset).clamp(0, 1)

    def on_the_border(self, draws: Tensor) -> Tensor:
        """Points (N, ...) on the balls' borders, then cut to the pixels' range, from uniform draws (N, d) in [0, 1)."""
        draws = draws.to(self.images)
        # The ends of the draws, multiples of 2^-24, would be infinitely far out in a normal distribution.
        spread = 2 * draws - 1 if self.norm == "linf" else torch.special.ndtri(draws.clamp(2.0**-25, 1 - 2.0**-24))
        offset = spread.view_as(self.images)
        scale = self.eps / lengths(offset, self.norm).clamp(min=TINY)
        return (self.images + each(scale, offset) * offset).clamp(0, 1)


def start_in(ball: Ball, ids: Tensor, seed: int, step: int, purpose: int) -> Tensor:
    """A random point of each ball's border, cut to the pixels' range, keyed by (seed, id, step, purpose)."""
    return ball.on_the_border(uniform(seed, ids, step, ball.images[0].numel(), purpose))


def steepest(gradient: Tensor, norm: Norm) -> Tensor:
    """The ascent direction of length 1 in the norm for each gradient of (N, ...); none where it is zero."""
    if norm == "linf":
        return gradient.sign()
    return gradient / each(lengths(gradient, norm).clamp(min=TINY), gradient)


def lengths(offsets: Tensor, norm: Norm) -> Tensor:
    """(N, ...) -> (N,)."""
    rows = offsets.flatten(1)
    return rows.abs().amax(1) if norm == "linf" else rows.norm(dim=1)


def each(values: Tensor, like: Tensor) -> Tensor:
    """(N,) values as one per sample of (N, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))
