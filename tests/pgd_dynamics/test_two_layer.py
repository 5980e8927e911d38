"""The closed forms against autograd in float64, and the initialisation against its moments."""

from collections.abc import Callable
from math import log

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from modules.pgd_dynamics.two_layer import RELU, Activation, TwoLayer, softplus, xavier

ACTIVATIONS = [softplus(), softplus(7.0), RELU]
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.name)


def network_and_points(activation: Activation) -> tuple[TwoLayer, Tensor]:
    points = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return xavier([4, 1, 9], 40, 4, activation), points


def one_network(net: TwoLayer, s: int) -> Callable[[Tensor], Tensor]:
    """f of one network at one point, spelled with torch's own functions."""
    if net.activation is RELU:
        return lambda u: net.a[s] @ torch.relu(net.W[s] @ u)
    beta = net.activation.sharpness
    return lambda u: net.a[s] @ F.softplus(net.W[s] @ u, beta, 40)


@each_activation
def test_values_and_derivatives_are_autograds(activation: Activation, at_each: Callable[..., Tensor]) -> None:
    net, points = network_and_points(activation)
    gradient = at_each(lambda s, _, u: torch.func.grad(one_network(net, s))(u), points)
    hessian = at_each(lambda s, _, u: torch.func.hessian(one_network(net, s))(u), points)
    vectors = points.flip(1)
    torch.testing.assert_close(net.value(points), at_each(lambda s, _, u: one_network(net, s)(u), points))
    torch.testing.assert_close(net.gradient(points), gradient)
    torch.testing.assert_close(net.value_and_gradient(points), (net.value(points), gradient))
    torch.testing.assert_close(net.hessian(points), hessian)
    torch.testing.assert_close(net.hessian_vector(points, vectors), (hessian @ vectors[..., None])[..., 0])


def test_large_hessians_go_another_way_to_the_same_place() -> None:
    net = xavier([0, 1], 30, 9)
    points = torch.randn(2, 3, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    identity = torch.eye(9, dtype=torch.float64)
    columns = [net.hessian_vector(points, row.expand(2, 3, 9)) for row in identity]
    torch.testing.assert_close(net.hessian(points), torch.stack(columns, -1))


def test_linear_gradient_skips_the_activations_derivative() -> None:
    net, points = network_and_points(softplus())
    u = points.clone().requires_grad_()
    z = u @ net.W.mT
    output = ((z + (F.softplus(z) - z).detach()) @ net.a[..., None]).sum()
    (expected,) = torch.autograd.grad(output, u)
    torch.testing.assert_close(net.linear_gradient().expand_as(points), expected)


@each_activation
def test_sharpness_bounds_the_third_derivative(activation: Activation) -> None:
    z = torch.linspace(-30, 30, 4001, dtype=torch.float64).requires_grad_()
    curvature = activation.curvature(z)
    third = torch.autograd.grad(curvature.sum(), z)[0] if curvature.requires_grad else torch.zeros_like(z)
    assert (third.abs() <= activation.sharpness * curvature * (1 + 1e-12)).all()


def test_softplus_tends_to_relu() -> None:
    z = torch.linspace(-3, 3, 101, dtype=torch.float64)
    gap = softplus(200.0).value(z) - RELU.value(z)
    assert gap.min() >= 0
    assert gap.max() <= log(2) / 200 + 1e-15  # attained at 0


def test_xavier_has_the_paper_s_moments_and_depends_on_its_seed_alone() -> None:
    m, d = 20_000, 5
    net = xavier([3, 8], m, d)
    n = m * d
    assert (net.W.mean((1, 2)).abs() < 4 * (1 / d / n) ** 0.5).all()
    assert ((net.W.square().mean((1, 2)) * d - 1).abs() < 4 * (2 / n) ** 0.5).all()
    assert torch.equal(net.a.abs(), torch.full_like(net.a, m**-0.5))
    assert ((net.a > 0).double().mean(1) - 0.5).abs().max() < 4 * 0.5 / m**0.5
    assert torch.equal(xavier([8], m, d).W[0], net.W[1])
    assert not torch.equal(net.W[0], net.W[1])


def test_no_network_without_neurons_or_inputs() -> None:
    for m, d in ((0, 2), (3, 0)):
        with pytest.raises(ValueError, match="width"):
            xavier([0], m, d)
