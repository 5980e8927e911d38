"""The shortest move from a point of the box [0, 1]^d to a hyperplane that stays in the box, for many points at once.

Every coordinate moves towards the hyperplane, if it can. In l_inf all move by the same length, in l2 in proportion to
their weight, until they meet the box: the distance to the plane is a piecewise linear function of the length, whose
corners are sorted. In l1 one after another moves as far as it can, the heaviest first (Hein and Andriushchenko, NeurIPS
2017, App. B; Croce and Hein, ICML 2020 b, Sec. 2.2).
"""

import torch
from torch import Tensor

from suite.attacks.ball import BallNorm


def to_hyperplane(points: Tensor, normals: Tensor, offsets: Tensor, norm: BallNorm) -> Tensor:
    """Moves (B, d) from points (B, d) to <normals, x> = offsets.

    Where the box does not reach the hyperplane, the move leads to the corner nearest to it; a normal of zeros moves
    nothing.

    Args:
        points: in [0, 1].
        normals: (B, d).
        offsets: (B,).
        norm: in which the move is the shortest.

    Cost: a sort of d numbers a point.
    """
    gaps = offsets - (normals * points).sum(1)
    signs = normals.sign() * gaps.sign()[:, None]
    weights = normals.abs()
    room = torch.where(signs > 0, 1 - points, torch.where(signs < 0, points, 0))
    if norm == "l1":
        return signs * _one_by_one(weights, room, gaps.abs())
    speeds = (weights > 0).to(weights) if norm == "linf" else weights
    length = _length(weights, speeds, room, gaps.abs())[:, None]
    return signs * torch.where(speeds > 0, torch.minimum(length * speeds, room), 0)


def _one_by_one(weights: Tensor, room: Tensor, gaps: Tensor) -> Tensor:
    """How far each coordinate goes (B, d): the heaviest first, each as far as it can, until the gap is closed."""
    heaviest, order = weights.sort(dim=1, descending=True)
    room = room.gather(1, order)
    most = heaviest * room
    left = (gaps[:, None] - (most.cumsum(1) - most)).clamp(min=0)  # of the gap, when its turn comes
    gone = torch.where(heaviest > 0, torch.minimum(left / heaviest, room), 0)
    return torch.zeros_like(gone).scatter(1, order, gone)


def _length(weights: Tensor, speeds: Tensor, room: Tensor, gaps: Tensor) -> Tensor:
    """The t (B,) at which sum_i weights_i min(t speeds_i, room_i) reaches the gap; infinite where it never does."""
    stops = torch.where(speeds > 0, room / speeds, torch.inf)
    stops, order = stops.sort(dim=1)
    stopped, moving = ((weights * each).gather(1, order) for each in (room, speeds))
    stopped = stopped.cumsum(1)  # what those that have met the box contribute
    before = torch.cat([torch.zeros_like(stopped[:, :1]), stopped[:, :-1]], 1)
    slopes = moving.flip(1).cumsum(1).flip(1)  # of those that have not, added up from the end lest they cancel
    lengths = (gaps[:, None] - before) / slopes
    reached = (lengths <= stops) & (slopes > 0)
    first = reached.int().argmax(1, keepdim=True)
    return torch.where(reached.any(1), lengths.gather(1, first)[:, 0].clamp(min=0), torch.inf)
