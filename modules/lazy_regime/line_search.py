"""The released code's search for the smallest flipping step: along the ray, in small equal steps."""

import torch
from torch import Tensor

from modules.lazy_regime.nets import LazyNets


@torch.no_grad()
def line_search(nets: LazyNets, x: Tensor, directions: Tensor, *, step: float = 0.001, steps: int = 5000) -> Tensor:
    """The first k step (S, N), k = 1 to `steps`, at which f(x + k step v / |v|) has another sign; else infinite.

    As in the released code, f is computed anew at every step, but for all points at once; flipped ones drop out.

    Args:
        nets, x, directions: as in `exact_flip.flip_steps`.
    """
    S, N = len(nets.weight), x.shape[-2]
    lengths = torch.full((S, N), torch.inf, dtype=torch.float64, device=x.device)
    for place in range(S):
        net, points = nets.at([place]), x if x.dim() == 2 else x[place]
        v = directions[place].expand_as(points)
        length = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
        increment = step * v / torch.where(length > 0, length, 1)
        todo, signs = torch.arange(N, device=x.device), net(points)[0].sign()
        for k in range(1, steps + 1):
            flipped = net(points[todo] + k * increment[todo])[0].sign() != signs[todo]
            lengths[place, todo[flipped]] = k * step
            todo = todo[~flipped]
            if not len(todo):
                break
    return lengths
