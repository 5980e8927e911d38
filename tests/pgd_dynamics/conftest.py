"""Networks small enough for autograd, and what they are to be compared with."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from modules.pgd_dynamics.losses import LOSSES
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import softplus, xavier


@pytest.fixture
def objective() -> Callable[..., Objective]:
    """Three networks of 40 neurons on R^4, five inputs each; label 1."""

    def make(loss: str = "quadratic", beta: float = 1.0, m: int = 40, d: int = 4, points: int = 5) -> Objective:
        x = torch.randn(3, points, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return Objective(xavier(range(3), m, d, softplus(beta)), LOSSES[loss], x, torch.ones(1, 1, dtype=torch.float64))

    return make


@pytest.fixture
def at_each() -> Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]:
    """Applies a function of one network's place and one point to all: (S, N, d) -> (S, N, ...)."""

    def apply(function: Callable[..., Tensor], points: Tensor) -> Tensor:
        return torch.stack(
            [
                torch.stack([function(s, n, points[s, n]) for n in range(points.shape[1])])
                for s in range(points.shape[0])
            ]
        )

    return apply
