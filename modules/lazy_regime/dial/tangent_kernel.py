"""The neural tangent kernel of two-layer ReLU nets whose first layer is trained, and how far it has moved.

    K(x, x') = sum over trained parameters of df(x) df(x') = (1 / m) x . x' #{s: both gates of neuron s are open}

with x . x' + 1 for nets with trained biases. In the lazy regime K stays what it was at initialisation (Jacot et al.
2018, Chizat et al. 2019); a net of fixed features would have a constant K exactly.
"""

import torch
from torch import Tensor

from modules.lazy_regime.nets import LazyNets


@torch.no_grad()
def kernel(nets: LazyNets, x: Tensor) -> Tensor:
    """K (S, N, N) at points (N, d)."""
    gates = (nets.inner(x) > 0).to(x.dtype)
    products = x @ x.mT if nets.bias is None else x @ x.mT + 1
    shared: Tensor = gates @ gates.mT / nets.shape[1]
    return products * shared


def drift(nets: LazyNets, start: LazyNets, x: Tensor) -> Tensor:
    """||K - K_0|| / ||K_0|| (S,), Frobenius norms over the points (N, d)."""
    before = kernel(start, x)
    moved: Tensor = torch.linalg.matrix_norm(kernel(nets, x) - before) / torch.linalg.matrix_norm(before)
    return moved
