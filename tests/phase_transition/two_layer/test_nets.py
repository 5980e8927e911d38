"""Two-layer nets: gradients against autograd, the attack, and the limit of great width."""

from math import sqrt

import pytest
import torch
from torch import Tensor

from modules.phase_transition.adversarial_risk import adversarial_gradient
from modules.phase_transition.two_layer.measure import initial
from modules.phase_transition.two_layer.nets import ACTIVATIONS, Nets, attacked, learning_rate, train


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    """X (3, 1, 12, 4) and y (3, 1, 12)."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(3, 1, 12, 4, generator=generator, dtype=torch.float64)
    return X, X[..., 0] + 0.1 * torch.randn(3, 1, 12, generator=generator, dtype=torch.float64)


def nets(activation: str = "softplus", h: int = 7, scale: str = "one", decay: float = 0.1) -> Nets:
    return initial(0, range(3), h, 4, 2, scale, decay, torch.device("cpu"), activation)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_vanish_at_zero_and_have_these_derivatives(activation: str) -> None:
    phi = ACTIVATIONS[activation]
    z = torch.linspace(-4, 4, 81, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(phi.value(z).sum(), z)
    assert torch.allclose(phi.first(z), first, atol=1e-12)
    zero = torch.zeros(1, dtype=torch.float64)
    assert float(phi.value(zero)) == pytest.approx(0, abs=1e-15)
    assert float(phi.first(zero)) == pytest.approx(phi.slope)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_autograds(activation: str, inputs: tuple[Tensor, Tensor]) -> None:
    X, y = inputs
    net = nets(activation)
    x = X.expand(-1, 2, -1, -1).clone().requires_grad_()
    theta = net.theta.clone().requires_grad_()
    f = Nets(theta, net.a, net.phi).value(x)
    (of_input,) = torch.autograd.grad(f.sum(), x, retain_graph=True)
    (of_loss,) = torch.autograd.grad((f - y).square().mean(-1).sum(), theta)
    assert torch.allclose(net.input_gradient(x.detach()), of_input, atol=1e-12)
    assert torch.allclose(net.loss_gradient(x.detach(), y), of_loss, atol=1e-12)


def test_the_attack_keeps_to_the_ball_and_more_steps_lose_nothing(inputs: tuple[Tensor, Tensor]) -> None:
    X, y = inputs
    net, eps = nets(decay=1e-3, h=30), torch.tensor([0.0, 0.7], dtype=torch.float64)
    losses = []
    for steps in (1, 20):
        at = attacked(net, X, y, eps, steps)
        length = torch.linalg.vector_norm(at - X, dim=-1)
        assert (length <= eps[:, None] * (1 + 1e-12)).all()
        assert torch.equal(at[:, 0], X[:, 0])
        losses.append((net.value(at) - y).square().mean(-1)[:, 1])
    assert (losses[1] >= losses[0] * (1 - 1e-6)).all()
    assert (losses[0] > (net.value(X) - y).square().mean(-1)[:, 1]).all()


@pytest.mark.parametrize(("scale", "comes"), [("one", True), ("norm", False)])
def test_wide_nets_take_the_linear_step_only_if_preactivations_vanish(
    scale: str, comes: bool, inputs: tuple[Tensor, Tensor]
) -> None:
    """After ten steps the effective coefficient is the linear one up to a per cent, if |a_j| is about 1."""
    X, y = inputs
    eps, rate = torch.tensor([0.0, 0.05], dtype=torch.float64), 0.05
    start = nets(h=3000, scale=scale, decay=1.0)
    paths = train(start, X[:, 0], y[:, 0], eps, rate, 1)
    for _ in range(11):
        net = next(paths)
    theta = start.effective()
    for _ in range(10):
        theta = theta - rate * adversarial_gradient(X.expand(-1, 2, -1, -1), y, theta, eps.expand(3, 2))
    apart = torch.linalg.vector_norm(net.effective() - theta, dim=-1) / torch.linalg.vector_norm(theta, dim=-1)
    assert (float(apart.max()) < 0.01) == comes


def test_the_initial_law() -> None:
    net = initial(0, range(2), 4000, 5, 1, "one", 0.5, torch.device("cpu"), "tanh")
    expected = 1 / (5 * 4000**1.5)
    spread = net.theta.square().mean()
    assert float(spread) == pytest.approx(expected, rel=4 * sqrt(2 / net.theta.numel()))
    assert float(net.a.abs().min()) >= 0.5 and float(net.a.abs().max()) <= 1.5
    assert abs(float(net.a.sign().mean())) < 4 / sqrt(net.a.numel())
    norm = initial(0, range(2), 40, 5, 1, "norm", 0.5, torch.device("cpu"), "tanh").a.norm(dim=-1)
    assert torch.allclose(norm, torch.ones_like(norm))


def test_a_nets_first_step_is_the_linear_models_at_the_rate_of_proposition_1(inputs: tuple[Tensor, Tensor]) -> None:
    """At theta = 0 the linearisation is exact: phi'(0) sum_j a_j theta_j / sqrt(h) moves by the linear step."""
    (X, y), slope, rate = (values[0, 0] for values in inputs), 0.5, 0.07
    a = torch.rand(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.3
    theta = torch.zeros(40, 4, dtype=torch.float64, requires_grad=True)
    f = (slope * X @ theta.T) @ a / sqrt(40)
    (gradient,) = torch.autograd.grad((f - y).square().mean(), theta)
    moved = -learning_rate(rate, a, slope) * gradient
    expected = -rate * adversarial_gradient(X, y, torch.zeros(4, dtype=torch.float64), torch.tensor(0.0))
    assert torch.allclose(slope * a @ moved / sqrt(40), expected, rtol=1e-12)
