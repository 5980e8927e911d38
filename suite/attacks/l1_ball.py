"""The way back into an l1 ball that is cut to the pixels' range (Croce and Hein, Mind the box, ICML 2021, Sec. 2).

Going to the ball and then to the box would end off the border, and not at the nearest point. Both at once: with the
offset's signs s and sizes a, and the room r that each coordinate has in its direction, the nearest point moves by
m_i = min(max(a_i - t, 0), r_i) along s_i, with the least t >= 0 at which they sum to no more than the radius. The sum
is a piecewise linear function of t, whose corners are sorted.
"""

import torch
from torch import Tensor


def nearest_in_l1(images: Tensor, x: Tensor, eps: float) -> Tensor:
    """The points nearest to x (N, ...), in l2, of the balls of radius eps around images (N, ...) in [0, 1].

    Cost: a sort of two numbers a pixel.
    """
    offset = x - images
    size = offset.abs().flatten(1)
    room = torch.where(offset > 0, 1 - images, images).flatten(1)
    moves = torch.minimum((size - _cut(size, room, eps)).clamp(min=0), room)
    return (images + offset.sign() * moves.view_as(x)).clamp(0, 1)


def _cut(size: Tensor, room: Tensor, eps: float) -> Tensor:
    """t (N, 1) of sizes and rooms (N, d): a coordinate begins to shrink at size - room, and is at rest at its size."""
    ones = torch.ones_like(size)
    corners, order = torch.cat([(size - room).clamp(min=0), size], 1).sort(dim=1)
    shrinking = torch.cat([ones, -ones], 1).gather(1, order).cumsum(1)[:, :-1]  # coordinates, behind each corner
    sums = (shrinking * corners.diff(dim=1)).flip(1).cumsum(1).flip(1)  # at each corner; from the end, where it is 0
    place = ((sums > eps).sum(1, keepdim=True) - 1).clamp(min=0)  # the last corner at which the sum is too large
    t = corners.gather(1, place) + (sums.gather(1, place) - eps) / shrinking.gather(1, place).clamp(min=1)
    return torch.where(sums[:, :1] > eps, t, 0)
