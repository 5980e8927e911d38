"""The polynomial is the network up to rounding, or is refused."""

import pytest
import torch

from modules.pgd_dynamics.ascent import uniform_in_ball
from modules.pgd_dynamics.chebyshev import polynomial
from modules.pgd_dynamics.two_layer import RELU, softplus, xavier


def ball(scale: float, eps: float, networks: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    centre = scale * torch.tensor([0.6, 0.8], dtype=torch.float64).expand(networks, 1, 2)
    return centre, torch.full((networks, 1, 1), eps, dtype=torch.float64)


@pytest.mark.parametrize(
    ("scale", "eps", "beta"), [(1.0, 0.5, 1.0), (100.0, 1.0, 1.0), (0.01, 1e-4, 1.0), (1.0, 0.1, 5.0)]
)
def test_values_and_gradients_are_the_networks(scale: float, eps: float, beta: float) -> None:
    net = xavier(range(3), 500, 2, softplus(beta))
    centre, radius = ball(scale, eps)
    fast = polynomial(net, centre, radius, 10**6)
    assert fast is not None
    points = centre + eps * uniform_in_ball(300, 2, range(3))
    value, gradient = fast.value_and_gradient(points)
    size = 1e-13 * (net.a.abs()[:, None] * net.activation.value(points @ net.W.mT)).sum(-1)  # of a sum of m terms
    assert ((value - net.value(points)).abs() <= size).all()
    assert ((gradient - net.gradient(points)).abs() <= 100 / eps * size[..., None] + 1e-13).all()


def test_it_is_refused_where_it_does_not_pay_or_does_not_apply() -> None:
    centre, radius = ball(1.0, 0.5)
    assert polynomial(xavier(range(3), 50, 2), centre, radius, 100) is None
    assert polynomial(xavier(range(3), 50, 2), centre, 1000 * radius, 10**6) is None
    assert polynomial(xavier(range(3), 50, 2, RELU), centre, radius, 10**6) is None
    assert polynomial(xavier(range(3), 50, 3), centre, radius, 10**6) is None
