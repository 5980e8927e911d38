"""The smallest step along a ray at which a two-layer ReLU net changes its sign: exactly, for many nets and points.

Along x + t v with |v| = 1 the input z_s + t u_s of every neuron is affine, so f is piecewise linear in t with a kink
where a neuron passes zero, at t_s = -z_s / u_s > 0. Between two kinks f(t) = A + B t. At a kink a neuron begins to
count (u_s > 0) or ceases to (u_s < 0): with h = a / sqrt m, A grows by h_s sign(u_s) z_s and B by h_s |u_s|. With the
kinks in order, running sums give f at each of them, and the first interval that ends on the other side of zero holds
the step.

A small step flips most signs, so few kinks matter: the smallest ones are sorted, and more of them only for the rays on
which those do not suffice.
"""

import torch
from torch import Tensor

from modules.lazy_regime.nets import LazyNets

_BYTES = 1 << 24  # of one array of neurons' inputs, of which about eight live at a time
_FIRST, _MORE = 32, 8  # kinks sorted at first, and how many times as many where they do not suffice
_ROUNDING = 1e-12  # values of f below this share of the sum of their terms' sizes are rounding errors of zero


@torch.no_grad()
def flip_steps(nets: LazyNets, x: Tensor, directions: Tensor, senses: Tensor | None = None) -> Tensor:
    """The smallest t >= 0 (S, N), float64, beyond which f(x + t c v / |v|) has the other sign than f(x).

    Infinite where no step gives it the other sign, so also where v = 0; 0 where f(x) = 0. A net that falls to 0 and
    stays there has not changed its sign.

    Args:
        nets: S nets.
        x: points (N, d), or (S, N, d).
        directions: v (S, N, d), or (S, 1, d) for one a net, of any length.
        senses: c (S, N) of +-1, such as -sign(f) where v is a gradient of f; None: 1.

    Computed in float64 whatever the nets' type, and in chunks of points: 128 MiB at most beside the nets.
    """
    S, m, d = nets.shape
    points = x.expand(S, -1, d)
    lengths = torch.empty(points.shape[:2], dtype=torch.float64, device=x.device)
    for place in range(S):
        net = nets.at([place]).double()
        chunks = torch.arange(points.shape[1], device=x.device).split(max(1, _BYTES // (8 * m)))
        for chunk in chunks:
            v = directions[place, chunk] if directions.shape[1] > 1 else directions[place]
            constant = 0.0 if net.output_bias is None else net.output_bias
            z, u = net.inner(points[place, chunk].double())[0], _unit(v.double()) @ net.weight[0].mT
            u = u.expand_as(z) if senses is None else u * senses[place, chunk, None]
            lengths[place, chunk] = _first_flip(z, u, (net.signs / net.scale)[0], constant)
    return lengths


def _first_flip(z: Tensor, u: Tensor, head: Tensor, constant: Tensor | float) -> Tensor:
    """t (N,) for neurons with inputs z + t u, each (N, m), and weights `head` (m,) of the output."""
    A = z.relu() @ head + constant
    B = (u * (torch.where(z == 0, u, z) > 0)) @ head
    share = _ROUNDING / z.shape[1] ** 0.5  # |head| is 1 / sqrt m
    error_A, error_B = (share * torch.linalg.vector_norm(values, 1, dim=1) for values in (z, u))
    kinks = -z / u
    kinks.masked_fill_(~(kinks > 0), torch.inf)  # also where z or u is 0: the neuron passes no zero on its way
    lengths = torch.where(A.abs() > error_A, torch.inf, torch.zeros_like(A))
    todo, looked_at = lengths.nonzero().squeeze(1), min(_FIRST, z.shape[1])
    while len(todo):
        t, which = (kinks if len(todo) == len(kinks) else kinks[todo]).topk(looked_at, largest=False)
        t, change = torch.cat([torch.zeros_like(t[:, :1]), t], 1), u[todo[:, None], which]
        jump_A = head[which] * change.sign() * z[todo[:, None], which]
        on_A, on_B = (
            torch.cat([first[todo, None], torch.where(t[:, 1:].isinf(), 0, jump)], 1).cumsum(1)
            for first, jump in ((A, jump_A), (B, head[which] * change.abs()))
        )
        complete = t[:, -1].isinf() | (looked_at == z.shape[1])  # whether these are all kinks of the ray
        lengths[todo] = _crossing(on_A, on_B, t, complete, error_A[todo], error_B[todo])
        todo, looked_at = todo[lengths[todo].isinf() & ~complete], min(_MORE * looked_at, z.shape[1])
    return lengths


def _crossing(A: Tensor, B: Tensor, t: Tensor, complete: Tensor, error_A: Tensor, error_B: Tensor) -> Tensor:
    """Where f first gets the other sign than at 0 (N,), infinite where it does not or this is not known.

    f is A + B t from the places t on, each (N, k), to the next of them; behind the last one only where `complete`.
    """
    side = A[:, :1].sign()
    ends = torch.cat([t[:, 1:], torch.full_like(t[:, :1], torch.inf)], 1)
    bounded = ends.isfinite()
    finite = torch.where(bounded, ends, 0)
    value = torch.where(bounded, A + B * finite, B) * side  # towards infinity the slope decides
    error = torch.where(bounded, error_A[:, None] + error_B[:, None] * finite, error_B[:, None])
    flipped = value < -error
    flipped[:, -1] &= complete
    first = flipped.int().argmax(1, keepdim=True)  # the first of the largest
    a, b, start, end = (values.gather(1, first) for values in (A, B, t, ends))
    crossing = torch.minimum(torch.maximum(-a / b, start), end).squeeze(1)
    return torch.where(flipped.any(1), crossing, torch.inf)


def _unit(v: Tensor) -> Tensor:
    """v / |v| row by row, and 0 for 0."""
    length = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
    return v / torch.where(length > 0, length, 1)
