"""Closed forms of adversarial linear regression against autograd, brute force and Monte-Carlo."""

from math import pi, sqrt

import pytest
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.adversarial_risk import (
    adversarial_gradient,
    adversarial_risk,
    attack,
    collapse_strength,
    population_risk,
    unit,
)
from modules.phase_transition.data_sets import draw, in_row_space
from modules.phase_transition.linear.minimum import clean_estimate

CPU = torch.device("cpu")
SIGMA, NORM = 0.7, 1.3


def standard_errors(values: Tensor, expected: float) -> float:
    """How many standard errors the mean of independent values is above what is expected."""
    return float((values.mean() - expected) / values.std() * len(values) ** 0.5)


def problem(d: int = 4, n: int = 30) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """X (5, n, d), y (5, n), theta (5, d), eps (5,)."""
    data = draw("theory", range(5), n, d, SIGMA, NORM, 0, CPU)
    theta = torch.randn(5, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return data.X, data.y, theta, torch.tensor([0.0, 0.05, 0.3, 1.0, 4.0], dtype=torch.float64)


def test_no_perturbation_of_length_eps_beats_the_closed_form_and_the_attack_attains_it() -> None:
    X, y, theta, eps = problem()
    risk = adversarial_risk(X, y, theta, eps)

    def mean_loss(delta: Tensor) -> Tensor:
        return (((X + delta) @ theta[..., None]).squeeze(-1) - y).square().mean(-1)

    delta = attack(X, y, theta, eps)
    assert torch.linalg.vector_norm(delta, dim=-1) == pytest.approx(eps[:, None].expand(5, 30).numpy(), abs=1e-12)
    assert mean_loss(delta) == pytest.approx(risk.numpy(), rel=1e-12)
    for seed in range(50):
        other = torch.randn(X.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        other = eps[:, None, None] * unit(other)
        assert (mean_loss(other) <= risk + 1e-12).all()


@pytest.mark.parametrize(("d", "n"), [(4, 30), (12, 5)])
def test_the_gradient_is_autograds(d: int, n: int) -> None:
    X, y, theta, eps = problem(d, n)
    theta.requires_grad_()
    (expected,) = torch.autograd.grad(adversarial_risk(X, y, theta, eps).sum(), theta)
    assert torch.allclose(adversarial_gradient(X, y, theta.detach(), eps), expected, rtol=1e-10, atol=1e-12)


def test_at_the_zero_start_the_gradient_is_the_clean_one() -> None:
    X, y, theta, eps = problem()
    zero = torch.zeros_like(theta)
    gradient = adversarial_gradient(X, y, zero, eps)
    assert torch.equal(gradient, adversarial_gradient(X, y, zero, 0 * eps))
    assert torch.allclose(gradient, -2 / 30 * (X.mT @ y[..., None]).squeeze(-1), rtol=1e-12)


def test_the_population_risk_by_fresh_samples() -> None:
    theta, theta0, eps = torch.tensor([0.4, -1.0, 0.3]), torch.tensor([NORM, 0, 0]), 0.8
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(400_000, 3, generator=generator)
    y = x @ theta0 + SIGMA * torch.randn(400_000, generator=generator)
    losses = ((x @ theta - y).abs() + eps * theta.norm()).square()
    expected = population_risk((theta - theta0).square().sum(), theta.norm(), SIGMA, eps)
    assert abs(standard_errors(losses.double(), float(expected))) < 4
    assert float(losses.std()) / 400_000**0.5 < 0.05 / 8 * float(expected)


@pytest.mark.parametrize(("d", "n"), [(6, 30), (60, 10), (20, 8)])
def test_variance_and_gap_by_monte_carlo(d: int, n: int) -> None:
    """Lemma 1 with the term it drops for d > n, and the expectation of Delta."""
    data = in_row_space(draw("variance", range(4000), n, d, SIGMA, NORM, 0, CPU))
    theta = clean_estimate(data)
    shrunk = min(1.0, n / d)
    spread = (theta - shrunk * data.theta0).square().sum(-1) + shrunk**2 * data.hidden
    assert abs(standard_errors(spread, theory.variance_trace(n, d, SIGMA, NORM))) < 4
    printed = theory.lemma_1_printed(n, d, SIGMA)
    assert (abs(standard_errors(spread, printed)) < 4) == (d < n)
    training = ((data.X @ theta[..., None]).squeeze(-1) - data.y).square().mean(-1)
    testing = population_risk(data.distance2(theta[:, None])[:, 0], torch.linalg.vector_norm(theta, dim=-1), SIGMA)
    assert abs(standard_errors(testing - training, theory.generalisation_gap(n, d, SIGMA, NORM))) < 4


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
    collapse = float(collapse_strength(data.X, data.y).mean())
    assert collapse == pytest.approx(theory.collapse_order(200, 20, SIGMA, NORM), rel=0.03)
    assert theory.curvature(100, 25) == 2 * 1.5**2
