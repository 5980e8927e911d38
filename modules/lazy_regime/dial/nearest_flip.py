"""A smaller flip than the single step's, by many: descent on the direction u in which the sign flips soonest.

Along each direction the flip is found exactly, at y = x + t u. Where the boundary is smooth, the nearest of its points
has u along -sign(f) grad f(y); every step turns u part of the way there. All flips on the way are real, so the smallest
is an upper bound of the distance to the boundary, and never larger than the single step along the gradient, which is
the first.
"""

import torch
from torch import Tensor

from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets

_FIRST, _LAST = 0.5, 0.05  # share of the way that u is turned, falling geometrically


@torch.no_grad()
def nearest_flip(nets: LazyNets, x: Tensor, steps: int) -> Tensor:
    """Length (S, N), float64, of the smallest flipping perturbation found from points (N, d), infinite without one."""
    points = x.expand(nets.shape[0], *x.shape[-2:])
    value, gradient = nets.value_and_gradient(points)
    downhill = -value.sign()[..., None]
    u = _unit(downhill * gradient)
    here = best = flip_steps(nets, points, u)
    for step in range(steps):
        length = torch.where(here.isfinite(), here.to(x.dtype), torch.linalg.vector_norm(points, dim=-1))
        _, there = nets.value_and_gradient(points + length[..., None] * u)
        share = _FIRST * (_LAST / _FIRST) ** (step / max(1, steps - 1))
        u = _unit((1 - share) * u + share * _unit(downhill * there))
        here = flip_steps(nets, points, u)
        best = torch.minimum(best, here)
    return best


def _unit(vectors: Tensor) -> Tensor:
    """v / |v| row by row, and 0 for 0."""
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / torch.where(length > 0, length, 1)
