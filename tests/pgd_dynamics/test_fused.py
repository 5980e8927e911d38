"""The fast evaluation equals the plain one up to rounding, where sums of thousands of neurons are long and short."""

import pytest
import torch

from modules.pgd_dynamics.fused import fused
from modules.pgd_dynamics.two_layer import RELU, TwoLayer, softplus, xavier


@pytest.mark.parametrize(("m", "scale", "beta"), [(3, 1.0, 1.0), (2500, 1.0, 4.0), (1001, 1e3, 1.0), (40, 1e-3, 0.5)])
def test_values_and_gradients_are_the_plain_ones(m: int, scale: float, beta: float) -> None:
    net = xavier([0, 1, 2], m, 2, softplus(beta))
    points = scale * torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fast = fused(net)
    assert type(fast) is not TwoLayer
    bound = 1e-13 * (net.a.abs()[:, None] * (points @ net.W.mT).abs().clamp(min=1)).sum(-1)  # of a sum of m terms
    for _ in range(2):  # the second time in the same memory
        value, gradient = fast.value_and_gradient(points)
        assert ((value - net.value(points)).abs() <= bound).all()
        torch.testing.assert_close(gradient, net.gradient(points), rtol=0, atol=1e-12)


def test_one_thousand_neurons_at_the_kink_do_not_underflow() -> None:
    net = xavier([0], 3000, 2)
    net = TwoLayer(net.W, net.a.abs(), net.activation)
    value, _ = fused(net).value_and_gradient(torch.zeros(1, 1, 2, dtype=torch.float64))
    torch.testing.assert_close(value, 3000**0.5 * torch.tensor([[2.0]], dtype=torch.float64).log())


def test_other_networks_stay_as_they_are() -> None:
    net = xavier([0], 4, 2)
    assert type(fused(TwoLayer(net.W, net.W[..., 0], net.activation))) is TwoLayer
    assert type(fused(xavier([0], 4, 2, RELU))) is TwoLayer
    assert type(fused(xavier([0], 4, 2, dtype=torch.float32))) is TwoLayer
