"""Ascent against linear losses, whose trajectories are known, and image networks against their definitions."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from modules.pgd_dynamics.image_ascent import ascend, into_ball, norms, onto_sphere, tangential
from modules.pgd_dynamics.image_networks import cross_entropy, initial_network, margin, mean_norm, pgd_adversary
from suite import data
from suite.errors import SuiteError
from suite.models import architecture

SLOPE = torch.tensor([3.0, -4.0, 0.0], dtype=torch.float64)  # |slope| = 5


def linear(x: Tensor) -> Tensor:
    """slope . x, shared by all rows."""
    return x @ SLOPE


def radii(*values: float) -> Tensor:
    """Radii in float64."""
    return torch.tensor(values, dtype=torch.float64)


def test_raw_steps_cross_a_ball_in_two_eps_over_eta_and_slope() -> None:
    eps = radii(1.0, 10.0)
    start = -eps[:, None] * SLOPE / 5  # the minimum on the sphere
    climb = ascend(linear, start, eps, steps=50, rule="raw", size=0.1)
    expected = torch.minimum(-5 * eps[:, None] + 0.1 * 25 * torch.arange(51), 5 * eps[:, None])
    assert torch.allclose(climb.losses, expected, rtol=1e-12)
    arrival = (climb.losses > 5 * eps[:, None] * (1 - 1e-9)).int().argmax(1)
    assert arrival.tolist() == [math.ceil(2 * value / (0.1 * 5)) for value in eps.tolist()]
    assert torch.allclose(climb.end, eps[:, None] * SLOPE / 5)


@pytest.mark.parametrize("slope", [1e-100, 1.0, 1e5])
def test_unit_steps_do_not_depend_on_the_radius_or_the_slope(slope: float) -> None:
    eps = radii(0.01, 1.0, 100.0)
    climb = ascend(lambda x: slope * linear(x), -eps[:, None] * SLOPE / 5, eps, steps=50, rule="unit", size=0.05)
    share = (climb.losses - climb.losses[:, :1]) / (10 * slope * eps[:, None])
    assert torch.allclose(share, (torch.arange(51).double() / 40).clamp(max=1).expand(3, -1), rtol=1e-9)
    assert [int(value) for value in (share >= 0.9 - 1e-12).int().argmax(1)] == [36, 36, 36]


def test_a_zero_gradient_moves_nothing() -> None:
    start = torch.ones(2, 3, dtype=torch.float64)
    for rule in ("raw", "unit"):
        climb = ascend(lambda x: 0 * x.sum(1), start, radii(5.0, 5.0), steps=3, rule=rule, size=1.0)  # type: ignore[arg-type]
        assert torch.equal(climb.end, start)


def test_projections() -> None:
    points = torch.tensor([[3.0, 4.0], [0.3, 0.4]], dtype=torch.float64)
    assert torch.allclose(norms(into_ball(points, radii(1.0, 1.0))), radii(1.0, 0.5))
    assert torch.allclose(norms(onto_sphere(points, radii(2.0, 2.0))), radii(2.0, 2.0))
    assert torch.allclose((tangential(torch.ones_like(points), points) * points).sum(1), radii(0.0, 0.0), atol=1e-12)


def test_losses_of_perturbations_are_exact_where_softmax_cancels() -> None:
    logits = torch.tensor([[40.0, 0.0, 1.0], [0.0, 2.0, 1.0], [-900.0, 0.0, 0.0]], dtype=torch.float64)
    labels = torch.zeros(3, dtype=torch.int64)
    loss = cross_entropy(torch.nn.Identity(), logits, labels)(torch.zeros_like(logits))
    wrong = math.log(1 + math.e) - 40
    assert float(loss[0]) == pytest.approx(math.log1p(math.exp(wrong)), rel=1e-12)  # 1e-17: 1 - p_y would be 0
    assert float(loss[1]) == pytest.approx(float(F.cross_entropy(logits[1:2], labels[1:2])), rel=1e-12)
    assert float(loss[2]) == pytest.approx(900 + math.log(2), rel=1e-12)
    moved = margin(torch.nn.Identity(), logits, labels)(torch.ones_like(logits))
    assert float(moved[0]) == pytest.approx(wrong, rel=1e-12)  # adding one to all logits changes nothing


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits")


def test_initial_network_is_xavier_without_biases_and_soft(digits: data.Dataset) -> None:
    network = initial_network(architecture("two-layer(width=4000)", digits), "softplus", 0)
    weight = network.network.get_submodule("fc1").weight.detach()  # 4000 x 64
    expected = 2 / (4000 + 64)
    # var of a mean of squares of n normal numbers is 2 sigma^4 / n
    assert float(weight.square().mean()) == pytest.approx(expected, rel=5 * math.sqrt(2 / weight.numel()))
    assert all(not bool(value.any()) for name, value in network.named_parameters() if name.endswith("bias"))
    first, second = (initial_network(architecture("digits-cnn", digits), "relu", seed) for seed in (0, 1))
    again = initial_network(architecture("digits-cnn", digits), "softplus", 0)
    assert torch.equal(first.network.get_submodule("fc1").weight, again.network.get_submodule("fc1").weight)
    assert not torch.equal(first.network.get_submodule("fc1").weight, second.network.get_submodule("fc1").weight)


def test_softplus_needs_relu_modules(digits: data.Dataset) -> None:
    with pytest.raises(SuiteError, match="cannot be replaced by softplus"):
        initial_network(architecture("resnet20", digits), "softplus", 0)


def test_a_relu_network_without_biases_is_homogeneous(digits: data.Dataset) -> None:
    """f(s x) = s f(x): for such a network a scale changes nothing but the size of the logits."""
    network = initial_network(architecture("digits-cnn", digits), "relu", 0).double()
    pixels = digits.test.pixels(digits.test.labels[:4] * 0).double()
    assert torch.allclose(network(100 * pixels), 100 * network(pixels), rtol=1e-12)


def test_mean_norm(digits: data.Dataset) -> None:
    whole = digits.train.pixels().double().flatten(1).norm(dim=1).mean()
    assert mean_norm(digits.train, size=100) == pytest.approx(float(whole), rel=1e-6)


def test_training_adversary_stays_in_the_ball_without_bounds_and_raises_the_loss(digits: data.Dataset) -> None:
    network = initial_network(architecture("digits-cnn", digits), "relu", 0)
    pixels, labels = digits.test.pixels()[:32], digits.test.targets()[:32]
    torch.manual_seed(0)
    crafted = pgd_adversary(network, 2.0, 5)(pixels, labels)
    assert float(norms(crafted - pixels).max()) <= 2.0 * (1 + 1e-5)
    assert float(crafted.min()) < 0 < 1 < float(crafted.max())
    with torch.no_grad():
        assert float(F.cross_entropy(network(crafted), labels)) > float(F.cross_entropy(network(pixels), labels))
