"""Two-layer nets: gradients against autograd, the attack, and the limit of great width."""

from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.two_layer_net import ACTIVATIONS, Nets, attacked, train
from modules.phase_transition.two_layer_scene import initial
from modules.phase_transition.two_layer_tables import by_width, claims, powers


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
        theta = theta - rate * theory.adversarial_gradient(X.expand(-1, 2, -1, -1), y, theta, eps.expand(3, 2))
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


def test_a_power_is_found_and_judged() -> None:
    columns: dict[str, list[float]] = {}
    rng = np.random.default_rng(0)
    for h in (64, 16, 256):  # in any order
        for repeat in range(6):
            row = {"d": 4, "n": 12, "scale": "one", "activation": "tanh", "eps": 0.0, "eps_over_order": 0.0, "h": h}
            far = 3 / h * np.exp(0.01 * rng.standard_normal())
            row |= dict.fromkeys(("path", "end", "path_from_zero", "end_from_zero", "prediction"), far)
            row |= {"loss": 0.5, "repeat": repeat, "gone": float(repeat == 5 and h == 16)}
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
    found = {row["quantity"]: row for row in powers(columns)}
    assert found["path"]["power"] == pytest.approx(-1, abs=0.02) and found["path"]["seeds"] == 5
    verdicts = {row["claim"].split(": ")[1]: row["verdict"] for row in claims(list(found.values()))}
    assert verdicts["coefficients, all steps"] == "reproduced"
    assert verdicts["training loss over that of 0, last step"] == "differs"
    rows = [row for row in by_width(columns) if row["quantity"] == "path"]
    assert [(row["h"], row["diverged"]) for row in rows] == [(64, 0), (16, 1), (256, 0)]
