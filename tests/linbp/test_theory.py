"""Every equation of the theory against autograd, a closed form or a Monte Carlo with a tolerance from its size."""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.linbp import theory

SIGMAS = 5  # of a Monte Carlo's mean: one of 20 coordinates is outside by chance once in 90,000 tests


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def off(sample: Tensor, expected: Tensor) -> Tensor:
    """How many standard errors the mean over the first axis is off, by coordinate."""
    return (sample.mean(0) - expected) / (sample.std(0) / sqrt(len(sample)))


def ratio(sample: Tensor, formula: Tensor) -> tuple[float, float]:
    """Least-squares factor between the sample's mean and a formula, with its standard error."""
    along = sample @ formula / (formula @ formula)
    return float(along.mean()), float(along.std() / sqrt(len(along)))


def relu_linear_backward(z: Tensor) -> Tensor:
    """The rectifier's value, the identity's derivative."""
    return z + (z.relu() - z).detach()


# Gradients


@pytest.mark.parametrize("rectifier", [torch.relu, relu_linear_backward])
def test_attack_gradients_are_those_of_autograd(
    generator: torch.Generator, rectifier: Callable[[Tensor], Tensor]
) -> None:
    """Eq. 11 is the gradient of Eq. 10; Eq. 12 that with the rectifiers' backward pass made linear."""
    W, V = normal(generator, 5, 6, 9), normal(generator, 5, 4, 6)
    x, x_star = normal(generator, 5, 3, 9).requires_grad_(), normal(generator, 5, 1, 9)
    target = theory.two_layer(W, V, x_star)
    loss = (rectifier(x @ W.mT) @ V.mT - target).square().sum(-1) / 2
    torch.testing.assert_close(loss, theory.attack_loss(W, V, x, target))
    (expected,) = torch.autograd.grad(loss.sum(), x)
    ours = theory.bp_attack_gradient if rectifier is torch.relu else theory.linbp_attack_gradient
    torch.testing.assert_close(ours(W, V, x, target), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rectifier", [torch.relu, relu_linear_backward])
def test_training_gradients_are_those_of_autograd(
    generator: torch.Generator, rectifier: Callable[[Tensor], Tensor]
) -> None:
    X, w = normal(generator, 5, 20, 4), normal(generator, 5, 3, 4).requires_grad_()
    target = theory.one_layer(X, normal(generator, 5, 1, 4))
    loss = (rectifier(w @ X.mT) - target).square().sum(-1) / 2
    torch.testing.assert_close(loss, theory.training_loss(X, w, target))
    (expected,) = torch.autograd.grad(loss.sum(), w)
    ours = theory.bp_training_gradient if rectifier is torch.relu else theory.linbp_training_gradient
    torch.testing.assert_close(ours(X, w, target), expected, rtol=1e-12, atol=1e-12)


def test_both_gradients_at_once_are_the_two(generator: torch.Generator) -> None:
    W, V, x = normal(generator, 5, 6, 9), normal(generator, 5, 4, 6), normal(generator, 5, 2, 3, 9)
    target = theory.two_layer(W, V, normal(generator, 5, 1, 9))
    two = [theory.bp_attack_gradient(W, V, x[:, 0], target), theory.linbp_attack_gradient(W, V, x[:, 1], target)]
    torch.testing.assert_close(theory.attack_gradients(W, V, x, target), torch.stack(two, 1))
    X, w = normal(generator, 5, 20, 4), normal(generator, 5, 2, 4)
    answers = theory.one_layer(X, normal(generator, 5, 1, 4))
    two = [theory.bp_training_gradient(X, w[:, :1], answers), theory.linbp_training_gradient(X, w[:, 1:], answers)]
    torch.testing.assert_close(theory.training_gradients(X, w, answers), torch.cat(two, 1))


# Expectations


def test_angles_near_and_far() -> None:
    e = torch.tensor([1.0, 0.0], dtype=torch.float64)
    for angle in (0.0, 1e-9, 0.3, pi / 2, 3.0, pi - 1e-9, pi):
        turned = torch.tensor([np.cos(angle), np.sin(angle)])
        assert float(theory.angle(e, 7 * turned)) == pytest.approx(angle, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("angle", [0.0, 0.7, pi / 2, 2.5, pi])
def test_tian_in_the_plane_is_the_integral_over_directions(angle: float) -> None:
    """For d = 2: N E[r^2] / (2 pi) times the integral of u (u.w) over directions u seen by both e and w."""
    e, w = torch.tensor([1.0, 0.0], dtype=torch.float64), 3 * torch.tensor([np.cos(angle), np.sin(angle)])
    n = 200_000
    phi = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 * pi
    u = torch.stack([phi.cos(), phi.sin()], 1)
    seen = (u @ e > 0) & (u @ w > 0)
    expected = 7 * 2 * (u * (u @ w)[:, None] * seen[:, None]).sum(0) / n
    torch.testing.assert_close(theory.tian(e, w, 7), expected, rtol=0, atol=1e-3)


def test_tian_by_monte_carlo(generator: torch.Generator) -> None:
    """Tian's Theorem 1, N = 20, d = 6, 20,000 draws."""
    e = torch.nn.functional.normalize(normal(generator, 6), dim=0)
    w, X = normal(generator, 6), normal(generator, 20_000, 20, 6)
    seen = ((X @ e > 0) & (X @ w > 0)) * (X @ w)
    sample = (X * seen[..., None]).sum(1)
    assert off(sample, theory.tian(e, w, 20)).abs().max() < SIGMAS


@pytest.mark.parametrize(("d1", "d2", "d3"), [(10, 20, 7), (5, 8, 10), (6, 6, 1)])
def test_lemma_1_needs_the_factor_d3(generator: torch.Generator, d1: int, d2: int, d3: int) -> None:
    """As printed it is off by the factor d3; times d3 it is inside the sampling error (20,000 draws)."""
    e = torch.nn.functional.normalize(normal(generator, d1), dim=0)
    x = normal(generator, d1)
    W, V = normal(generator, 20_000, d2, d1), normal(generator, 20_000, d3, d2)
    hidden = (W @ x).relu()[..., None]
    sample = (W.mT @ ((W @ e > 0)[..., None] * (V.mT @ (V @ hidden))))[..., 0]
    assert off(sample, theory.lemma_1(e, x, d2, d3)).abs().max() < SIGMAS
    factor, error = ratio(sample, theory.lemma_1(e, x, d2))
    assert factor == pytest.approx(d3, abs=SIGMAS * error)
    assert d3 == 1 or abs(factor - 1) > 20 * error


@pytest.mark.parametrize(
    ("gradient", "expectation"),
    [
        (theory.bp_attack_gradient, theory.expected_bp_gradient),
        (theory.linbp_attack_gradient, theory.expected_linbp_gradient),
    ],
    ids=["Eq. 13", "Eq. 14"],
)
def test_expected_attack_gradients_need_the_factor_d3(
    generator: torch.Generator, gradient: Callable[..., Tensor], expectation: Callable[..., Tensor]
) -> None:
    """d1 = 12, d2 = 8, d3 = 5, 30,000 networks; printed: units = d2."""
    x, x_star = normal(generator, 12), 1 + 2 * normal(generator, 12)
    W, V = normal(generator, 30_000, 8, 12), normal(generator, 30_000, 5, 8)
    target = theory.two_layer(W, V, x_star.expand(30_000, 1, -1))
    sample = gradient(W, V, x.expand(30_000, 1, -1), target)[:, 0]
    assert off(sample, expectation(x, x_star, 8 * 5)).abs().max() < SIGMAS
    factor, error = ratio(sample, expectation(x, x_star, 8))
    assert factor == pytest.approx(5, abs=SIGMAS * error)
    assert abs(factor - 1) > 20 * error


@pytest.mark.parametrize(
    ("gradient", "expectation"),
    [
        (theory.bp_training_gradient, theory.expected_bp_gradient),
        (theory.linbp_training_gradient, theory.expected_linbp_gradient),
    ],
    ids=["Eq. 73", "Eq. 74"],
)
def test_expected_training_gradients(
    generator: torch.Generator, gradient: Callable[..., Tensor], expectation: Callable[..., Tensor]
) -> None:
    """N = 15, d = 6, 20,000 sets of samples; units = N, as printed."""
    w, w_star, X = normal(generator, 6), 1 + 3 * normal(generator, 6), normal(generator, 20_000, 15, 6)
    sample = gradient(X, w.expand(20_000, 1, -1), theory.one_layer(X, w_star.expand(20_000, 1, -1)))[:, 0]
    assert off(sample, expectation(w, w_star, 15)).abs().max() < SIGMAS


def test_expected_bp_is_a_difference_of_lemmas(generator: torch.Generator) -> None:
    """Eq. 13: G(x / |x|, x) - G(x / |x|, x*)."""
    x, x_star = normal(generator, 7, 4), normal(generator, 7, 4)
    e = torch.nn.functional.normalize(x, dim=-1)
    expected = theory.lemma_1(e, x, 6, 3) - theory.lemma_1(e, x_star, 6, 3)
    torch.testing.assert_close(theory.expected_bp_gradient(x, x_star, 18), expected)


def test_expected_linbp_is_never_shorter_than_expected_bp() -> None:
    """Sec. 3.1, after Theorem 1, on a grid of angles and lengths; alike only where x and x* have one direction."""
    angle, length = torch.meshgrid(
        torch.linspace(0, pi, 91, dtype=torch.float64), torch.logspace(-2, 2, 81, dtype=torch.float64), indexing="ij"
    )
    x = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(91, 81, 2)
    x_star = torch.stack([length * angle.cos(), length * angle.sin()], -1)
    bp, linbp = (f(x, x_star, 1).norm(dim=-1) for f in (theory.expected_bp_gradient, theory.expected_linbp_gradient))
    assert (linbp - bp >= -1e-12 * length).all()
    assert (linbp > bp)[1:].all()


# What the theorems assume


def test_the_condition_is_the_sum_of_eq_21(generator: torch.Generator) -> None:
    """Along any trajectory, by the printed formula, for two rates at once."""
    start, x_star, rates = normal(generator, 3, 5), normal(generator, 3, 5), [0.03, 0.3]
    states = [start, *normal(generator, 6, 3, 5)]
    condition = theory.StepSizeCondition(start, x_star, torch.tensor(rates, dtype=torch.float64))
    mixed = []
    for m, state in enumerate(states, 1):
        holds = condition.after(state)
        for k, r in enumerate(rates):
            terms = [r / pi * (1 - r) ** (m - 1 - j) * theory.deviation(states[j], x_star) for j in range(m)]
            expected = torch.stack(terms).sum(0).abs() < ((1 - r) ** m * (x_star - start)).abs()
            assert torch.equal(holds[k], expected)
            mixed += expected.flatten().tolist()
    assert {True, False} == set(mixed)


def test_while_it_has_held_expected_bp_is_on_the_side_where_it_began(generator: torch.Generator) -> None:
    """The use of Eq. 21 in the proof: x* - x^(m) keeps its sign; without it, it need not."""
    start, x_star, units, eta = normal(generator, 200, 6), 1 + 2 * normal(generator, 200, 6), 20, 0.01
    condition = theory.StepSizeCondition(start, x_star, torch.tensor([eta * units / 2], dtype=torch.float64))
    x, crossed, held = start, 0, torch.ones(200, 6, dtype=torch.bool)
    for _ in range(30):
        held &= condition.after(x)[0]
        x = x - eta * theory.expected_bp_gradient(x, x_star, units)
        same = (x_star - x).sign() == (x_star - start).sign()
        assert same[held].all()
        crossed += int((~same).sum())
    assert crossed and held.any() and not held.all()


@pytest.mark.parametrize("case", [(1, 1, 1, 2, 0, 1), (0.4, 2.5, -1, 0.5, 0.3, 2), (2, 0.1, 0, 3, 0, 1)])
def test_lemma_2_by_monte_carlo(case: tuple[float, ...]) -> None:
    u, v, mu1, sigma1, mu2, sigma2 = case
    rng = np.random.default_rng(0)
    a, b = rng.normal(mu1, sigma1, 400_000), rng.normal(mu2, sigma2, 400_000)
    sample = (u * a - v * b) * np.sign(a - b)
    error = sample.std() / sqrt(len(sample))
    assert theory.lemma_2(*case) == pytest.approx(sample.mean(), abs=SIGMAS * error)


def test_lemma_2_is_positive_where_the_paper_says_so() -> None:
    """u, v > 0 and mu2 = 0; and for u = v = 1, mu1 = mu2 it is E|a - b| = sqrt(2 / pi) sqrt(sigma1^2 + sigma2^2)."""
    for u, v, mu1 in [(0.1, 3, -2), (3, 0.1, 2), (1, 1, -0.01)]:
        assert theory.lemma_2(u, v, mu1, 2, 0, 1) > 0
    assert theory.lemma_2(1, 1, 4, 3, 4, 4) == pytest.approx(sqrt(2 / pi) * 5)
