"""Closed forms of adversarial linear regression against autograd, brute force and Monte-Carlo."""

from math import pi, sqrt

import pytest
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.linear_data import draw, in_row_space
from modules.phase_transition.linear_minimum import clean_estimate
from suite.stats import mean_interval

CPU = torch.device("cpu")
SIGMA, NORM = 0.7, 1.3
MANY = 0.99994  # level of an interval of 4 standard errors


def problem(d: int = 4, n: int = 30) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """X (5, n, d), y (5, n), theta (5, d), eps (5,)."""
    data = draw("theory", range(5), n, d, SIGMA, NORM, 0, CPU)
    theta = torch.randn(5, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return data.X, data.y, theta, torch.tensor([0.0, 0.05, 0.3, 1.0, 4.0], dtype=torch.float64)


def test_no_perturbation_of_length_eps_beats_the_closed_form_and_the_attack_attains_it() -> None:
    X, y, theta, eps = problem()
    risk = theory.adversarial_risk(X, y, theta, eps)

    def mean_loss(delta: Tensor) -> Tensor:
        return (((X + delta) @ theta[..., None]).squeeze(-1) - y).square().mean(-1)

    delta = theory.attack(X, y, theta, eps)
    assert torch.linalg.vector_norm(delta, dim=-1) == pytest.approx(eps[:, None].expand(5, 30).numpy(), abs=1e-12)
    assert mean_loss(delta) == pytest.approx(risk.numpy(), rel=1e-12)
    for seed in range(50):
        other = torch.randn(X.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        other = eps[:, None, None] * theory.unit(other)
        assert (mean_loss(other) <= risk + 1e-12).all()


@pytest.mark.parametrize(("d", "n"), [(4, 30), (12, 5)])
def test_the_gradient_is_autograds(d: int, n: int) -> None:
    X, y, theta, eps = problem(d, n)
    theta.requires_grad_()
    (expected,) = torch.autograd.grad(theory.adversarial_risk(X, y, theta, eps).sum(), theta)
    assert torch.allclose(theory.adversarial_gradient(X, y, theta.detach(), eps), expected, rtol=1e-10, atol=1e-12)


def test_at_the_zero_start_the_gradient_is_the_clean_one() -> None:
    X, y, theta, eps = problem()
    zero = torch.zeros_like(theta)
    gradient = theory.adversarial_gradient(X, y, zero, eps)
    assert torch.equal(gradient, theory.adversarial_gradient(X, y, zero, 0 * eps))
    assert torch.allclose(gradient, -2 / 30 * (X.mT @ y[..., None]).squeeze(-1), rtol=1e-12)


def test_the_population_risk_by_fresh_samples() -> None:
    theta, theta0, eps = torch.tensor([0.4, -1.0, 0.3]), torch.tensor([NORM, 0, 0]), 0.8
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(400_000, 3, generator=generator)
    y = x @ theta0 + SIGMA * torch.randn(400_000, generator=generator)
    losses = ((x @ theta - y).abs() + eps * theta.norm()).square()
    interval = mean_interval(losses.double().numpy(), level=MANY)
    expected = theory.population_risk((theta - theta0).square().sum(), theta.norm(), SIGMA, eps)
    assert interval.low < float(expected) < interval.high
    assert interval.high - interval.low < 0.05 * float(expected)


@pytest.mark.parametrize(("d", "n"), [(6, 30), (60, 10), (20, 8)])
def test_variance_and_gap_by_monte_carlo(d: int, n: int) -> None:
    """Lemma 1 with the term it drops for d > n, and the expectation of Delta."""
    data = in_row_space(draw("variance", range(4000), n, d, SIGMA, NORM, 0, CPU))
    theta = clean_estimate(data)
    shrunk = min(1.0, n / d)
    spread = (theta - shrunk * data.theta0).square().sum(-1) + shrunk**2 * data.hidden
    interval = mean_interval(spread.numpy(), level=MANY)
    assert interval.low < theory.variance_trace(n, d, SIGMA, NORM) < interval.high
    printed = theory.lemma_1_printed(n, d, SIGMA)
    assert (interval.low < printed < interval.high) == (d < n)
    training = ((data.X @ theta[..., None]).squeeze(-1) - data.y).square().mean(-1)
    testing = theory.population_risk(
        data.distance2(theta[:, None])[:, 0], torch.linalg.vector_norm(theta, dim=-1), SIGMA
    )
    interval = mean_interval((testing - training).numpy(), level=MANY)
    assert interval.low < theory.generalisation_gap(n, d, SIGMA, NORM) < interval.high


def test_lemma_1_is_the_case_of_the_papers_table() -> None:
    """n = 10, d = 60, sigma = |theta0| = 1: printed 10/49, and 10/60 * 50/60 more."""
    assert theory.lemma_1_printed(10, 60, 1.0) == pytest.approx(0.2041, abs=1e-4)
    assert theory.variance_trace(10, 60, 1.0, 1.0) == pytest.approx(0.3430, abs=1e-4)
    assert theory.variance_trace(60, 10, 1.0, 1.0) == theory.lemma_1_printed(60, 10, 1.0)


def test_orders() -> None:
    assert theory.eps_star_order(100, 4) == 0.2
    small = theory.eps_star_first_order(10**6, 10, SIGMA, NORM)
    assert small == pytest.approx(sqrt(pi / 2) * SIGMA / NORM * 1e-5, rel=1e-4)
    assert theory.collapse_order(10, 10**6, SIGMA, NORM) == pytest.approx(sqrt(pi / 2 * 1e5), rel=1e-3)
    data = draw("collapse", range(200), 200, 20, SIGMA, NORM, 0, CPU)
    interval = mean_interval(theory.collapse_strength(data.X, data.y).numpy(), level=MANY)
    assert interval.mean == pytest.approx(theory.collapse_order(200, 20, SIGMA, NORM), rel=0.03)
    assert theory.curvature(100, 25) == 2 * 1.5**2


def test_a_nets_first_step_is_the_linear_models_at_the_rate_of_proposition_1() -> None:
    """At theta = 0 the linearisation is exact: phi'(0) sum_j a_j theta_j / sqrt(h) moves by the linear step."""
    X, y, _, _ = problem()
    X, y, slope, rate = X[0], y[0], 0.5, 0.07
    a = torch.rand(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.3
    theta = torch.zeros(40, 4, dtype=torch.float64, requires_grad=True)
    f = (slope * X @ theta.T) @ a / sqrt(40)
    (gradient,) = torch.autograd.grad((f - y).square().mean(), theta)
    moved = -theory.two_layer_rate(rate, a, slope) * gradient
    expected = -rate * theory.adversarial_gradient(X, y, torch.zeros(4, dtype=torch.float64), torch.tensor(0.0))
    assert torch.allclose(slope * a @ moved / sqrt(40), expected, rtol=1e-12)
