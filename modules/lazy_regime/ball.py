"""The lazy ball (Def. 2.1): nets whose every neuron is within C0 / sqrt m of its initial place, the 2,inf norm.

A neuron is its row w_s and, where the nets have biases, b_s with it: the released code's protocol trains them and
counts them in the distance. Radii are one number a net, (S,), or one for all.
"""

import math

import torch
from torch import Tensor

from modules.lazy_regime.nets import LazyNets


def radius(c0: float, m: int) -> float:
    """C0 / sqrt m."""
    return c0 / math.sqrt(m)


@torch.no_grad()
def neurons(nets: LazyNets) -> Tensor:
    """What is trained, a row a neuron: a copy of W (S, m, d), or of W and b side by side (S, m, d + 1)."""
    return nets.weight.clone() if nets.bias is None else torch.cat([nets.weight, nets.bias[..., None]], -1)


@torch.no_grad()
def set_neurons(nets: LazyNets, rows: Tensor) -> None:
    """Writes rows of `neurons` back into the nets."""
    d = nets.shape[2]
    nets.weight.copy_(rows[..., :d])
    if nets.bias is not None:
        nets.bias.copy_(rows[..., d])


def lengths(rows: Tensor) -> Tensor:
    """l2 norms (S, m) of rows (S, m, d)."""
    length: Tensor = torch.linalg.vector_norm(rows, dim=-1)
    return length


def row_distance(rows: Tensor, start: Tensor) -> Tensor:
    """max_s ||w_s - w_s,0|| (S,) of rows of `neurons` at present and initially."""
    return lengths(rows - start).amax(-1)


def distance(nets: LazyNets, start: LazyNets) -> Tensor:
    """The nets' 2,inf distance (S,) from where they began."""
    return row_distance(neurons(nets), neurons(start))


def project_rows(rows: Tensor, start: Tensor, radii: Tensor | float) -> Tensor:
    """The rows with each one moved straight towards its start until it is within the net's radius; new tensor."""
    moved = rows - start
    length = lengths(moved)
    limit = torch.as_tensor(radii, dtype=rows.dtype, device=rows.device).expand(len(rows))[:, None]
    return start + moved * (limit / length.clamp(min=torch.finfo(rows.dtype).tiny)).clamp(max=1)[..., None]


def project(nets: LazyNets, start: LazyNets, radii: Tensor | float) -> None:
    """Projects the nets onto their lazy balls, in place (Wang et al., Algorithm 1)."""
    set_neurons(nets, project_rows(neurons(nets), neurons(start), radii))
