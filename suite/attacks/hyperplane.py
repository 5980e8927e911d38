"""The shortest move from a point of the box [0, 1]^d to a hyperplane that stays in the box, for many points at once.

Every coordinate moves towards the hyperplane, if it can. In l_inf all move by the same length, in l2 in proportion to
their weight, until they meet the box: the distance to the plane is a piecewise linear function of the length, whose
corners are sorted (Hein and Andriushchenko, NeurIPS 2017, App. B; Croce and Hein, ICML 2020 b, Sec. 2.2).
"""

import torch
from torch import Tensor

from suite.attacks.iterate import Norm


def to_hyperplane(points: Tensor, normals: Tensor, offsets: Tensor, norm: Norm) -> Tensor:
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
    speeds = (weights > 0).to(weights) if norm == "linf" else weights
    length = _length(weights, speeds, room, gaps.abs())[:, None]
    return signs * torch.where(speeds > 0, torch.minimum(length * speeds, room), 0)


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
