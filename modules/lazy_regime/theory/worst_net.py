"""The net in the lazy ball that best resists a single gradient step at a point: "for all W" from the other side.

Theorem 3.1 holds for one x and all W at once, so each point gets a net of its own: it is moved within the ball such
that the smallest flipping step along -sign(f) grad f grows. With t that step's length, u = grad f / ||grad f|| and
y = x - sign(f) t u the place of the flip,

    h(W) = sign(f) f(y(W); W),    dt/dW = -(dh/dW) / (dh/dt),    dh/dt < 0 at a first crossing

so that t grows where h does. With the gates held, a row of dh/dW lies in the plane of y and q:

    a_r / sqrt m ( sign(f) 1[w_r . y > 0] y - 1[w_r . x > 0] q ),    q = t / ||grad f|| (I - u u^T) grad f(y)

and the steepest way in the 2,inf norm moves every row alike far. Ascents start at the given net and at the net with the
largest |f|, and whatever they pass counts: the size found is attained by a net in the ball, a lower bound of the
largest.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.lazy_regime.ball import project_rows
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets

_FIRST, _LAST = 0.5, 0.02  # length of a step in radii, falling geometrically


@dataclass(frozen=True)
class Resisting:
    """The best found for P points, each with a net of its own.

    size: (P,) length of the smallest flipping step, float64; infinite where none flips. value, gradient: |f| and
    ||grad f|| of that net at its point (P,). distance: (P,) of the net from its start, in radii; 0 where radius = 0.
    """

    size: Tensor
    value: Tensor
    gradient: Tensor
    distance: Tensor


@torch.no_grad()
def resist(start: LazyNets, given: LazyNets, x: Tensor, radius: float, steps: int) -> Resisting:
    """Searches the lazy balls around `start` (P nets, one a point) for the nets that are flipped last.

    Args:
        start: P nets at initialisation, without biases. given: P nets in their balls, where the search begins.
        x: (P, d). radius: C0 / sqrt m.

    Memory: about eight times that of the nets.
    """
    best = _measured(start, given, x, radius)
    if radius == 0:
        return best
    side = given(x[:, None]).sign()  # which sign is defended
    loudest = start.weight + radius * (side * start.signs)[..., None] * x[:, None] / _length(x)[:, None, None]
    for rows in (given.weight, loudest):
        best = _better(best, _ascended(start, rows, side, x, radius, steps))
    return best


def _ascended(start: LazyNets, rows: Tensor, side: Tensor, x: Tensor, radius: float, steps: int) -> Resisting:
    nets = start.at(slice(None))
    nets.weight.copy_(rows)
    best = here = _measured(start, nets, x, radius)
    for step in range(steps):
        length = _FIRST * (_LAST / _FIRST) ** (step / max(1, steps - 1)) * radius
        size = torch.where(here.size.isfinite(), here.size, 0).to(x.dtype)
        rows = nets.weight + length * _uphill(nets, side, x, size)
        nets.weight.copy_(project_rows(rows, start.weight, radius))
        here = _measured(start, nets, x, radius)
        best = _better(best, here)
    return best


def _uphill(nets: LazyNets, side: Tensor, x: Tensor, size: Tensor) -> Tensor:
    """The rows of dh/dW (P, m, d), each of length 1 or 0, for steps of length `size` (P,); side: sign of f (P, 1)."""
    _, gradient = nets.value_and_gradient(x[:, None])
    slope = _length(gradient).clamp(min=torch.finfo(x.dtype).tiny)[..., None]  # (P, 1, 1)
    unit = gradient / slope
    y = x[:, None] - side[..., None] * size[:, None, None] * unit
    _, there = nets.value_and_gradient(y)
    q = size[:, None, None] / slope * (there - (there * unit).sum(-1, keepdim=True) * unit)
    at_y, at_x = ((nets.inner(points) > 0).mT.to(x.dtype) for points in (y, x[:, None]))  # (P, m, 1)
    pull = at_y * side[..., None] * y - at_x * q
    length = _length(pull)[..., None]
    return nets.signs[..., None] * pull / torch.where(length > 0, length, 1)


def _measured(start: LazyNets, nets: LazyNets, x: Tensor, radius: float) -> Resisting:
    value, gradient = nets.value_and_gradient(x[:, None])
    size = flip_steps(nets, x[:, None], gradient, -value.sign())
    moved = _length(nets.weight - start.weight).amax(-1)
    distance = moved / radius if radius else torch.zeros_like(moved)
    return Resisting(size[:, 0], value[:, 0].abs(), _length(gradient)[:, 0], distance)


def _better(one: Resisting, other: Resisting) -> Resisting:
    """Of each point's two nets the one with the larger size."""
    first = one.size >= other.size
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("size", "value", "gradient", "distance"))
    return Resisting(*(torch.where(first, left, right) for left, right in pairs))


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return length
