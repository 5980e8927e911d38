"""The statements of the proof: laws at initialisation, bounds on nets that try to break them, condition, cone."""

from math import cos, inf, isfinite, log, pi, sin, sqrt

import pytest
import torch
from torch import Tensor

from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets, initial
from modules.lazy_regime.theory import bounds, given_nets
from modules.lazy_regime.theory.gradient_change import on_the_way

D, M, GAMMA = 40, 200, 0.2


def unit(n: int, d: int, seed: int = 0) -> Tensor:
    drawn = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=-1)


@pytest.fixture(scope="module")
def nets() -> LazyNets:
    """600 independent nets at initialisation."""
    return initial(range(600), M, D, dtype=torch.float64)


@pytest.fixture(scope="module")
def at_x(nets: LazyNets) -> tuple[Tensor, Tensor, Tensor]:
    """f, its gradient and w . x of every net at one point: (600,), (600, D), (600, M)."""
    x = unit(1, D)
    f, gradient = nets.value_and_gradient(x)
    return f[:, 0], gradient[:, 0], nets.inner(x).detach()[:, 0]


def share_tolerance(p: float, n: int) -> float:
    """Four standard errors of a share."""
    return 4 * sqrt(p * (1 - p) / n)


def test_the_laws_at_initialisation(at_x: tuple[Tensor, Tensor, Tensor]) -> None:
    f, gradient, _ = at_x
    n = len(f)
    # E f^2 = 1/2 exactly; f^2 has a standard deviation of about sqrt(2) E f^2, four standard errors are 4 sqrt(2/n)
    assert float(f.square().mean()) == pytest.approx(bounds.INITIAL_VALUE_STD**2, rel=8 / sqrt(2 * n))
    assert float(gradient.square().sum(-1).mean()) == pytest.approx(
        bounds.initial_gradient_norm(D) ** 2, rel=4 * sqrt(2 / D / n + 1 / M / n)
    )
    flips = f.abs() / gradient.norm(dim=-1)
    assert float(flips.mean()) == pytest.approx(bounds.initial_flip(D), rel=4 * sqrt(pi / 2 - 1) / sqrt(n) + 0.02)


@pytest.mark.parametrize("angle", [0.1, 0.5, pi])
def test_the_change_in_a_chosen_direction_keeps_to_its_law(nets: LazyNets, angle: float) -> None:
    """Given k of M neurons with another sign, the squared change is about k / M times chi2 of D degrees."""
    x, across = unit(2, D, 5)
    across = torch.nn.functional.normalize(across - (across @ x) * x, dim=0)
    _, here = nets.value_and_gradient(x[None])
    _, there = nets.value_and_gradient((cos(angle) * x + sin(angle) * across)[None])
    squared = (there - here).square().sum(-1).mean()
    tolerance = 4 * sqrt((2 / D + pi / (M * angle)) / len(nets.weight))
    assert float(squared) == pytest.approx(bounds.initial_change(D, angle) ** 2, rel=tolerance)


def test_value_and_gradient_bounds_fail_as_often_as_gamma_allows(at_x: tuple[Tensor, Tensor, Tensor]) -> None:
    f, gradient, _ = at_x
    broken = float((f.abs() > bounds.value_bound(M, 0, GAMMA)).double().mean())
    assert GAMMA / 20 < broken <= GAMMA + share_tolerance(GAMMA, len(f))  # near enough to be a bound worth having
    below = bounds.gradient_bound(D, M, 0, GAMMA) + bounds.drift_bound(D, M, 0, GAMMA / 2)  # without what W adds
    share = float((gradient.norm(dim=-1) < below).double().mean())
    assert share <= GAMMA + share_tolerance(GAMMA, len(f))
    assert below > 0.7 * bounds.initial_gradient_norm(D)


def test_sign_changes_keep_to_their_law_and_bound(at_x: tuple[Tensor, Tensor, Tensor]) -> None:
    c0 = 3.0
    count = given_nets.may_change_sign(at_x[2], c0 / sqrt(M)).double()
    expected = M * torch.erf(torch.tensor(c0 / sqrt(2 * M))).item()
    p = expected / M
    assert float(count.mean()) == pytest.approx(expected, abs=4 * sqrt(M * p * (1 - p) / len(count)))
    bound = bounds.sign_changes_bound(M, c0, GAMMA)
    assert float((count > bound).double().mean()) <= GAMMA + share_tolerance(GAMMA, len(count))
    assert expected < bound <= c0 * sqrt(2 * M / pi) + sqrt(M * log(1 / GAMMA) / 2)  # O(sqrt m)


def test_the_largest_value_is_attained_and_never_passed() -> None:
    nets, x, rho = initial([1, 2], 50, 6, dtype=torch.float64), unit(1, 6, 3), 0.4
    top = given_nets.largest_value(nets.inner(x).detach()[:, 0], nets.signs, rho)
    at_top = LazyNets(nets.weight.detach() + rho * nets.signs[..., None] * x, nets.signs)
    assert torch.allclose(at_top(x)[:, 0], top)
    for seed in range(200):
        moved = unit(100, 6, seed).view(2, 50, 6) * rho
        assert bool((LazyNets(nets.weight.detach() + moved, nets.signs)(x)[:, 0] <= top).all())
    bottom = -given_nets.largest_value(nets.inner(x).detach()[:, 0], -nets.signs, rho)
    assert torch.allclose(LazyNets(nets.weight.detach() - rho * nets.signs[..., None] * x, nets.signs)(x)[:, 0], bottom)
    assert bool((top <= nets(x)[:, 0] + rho * sqrt(50)).all())  # Lemma 4.1: + C0


def test_neurons_that_may_change_are_those_that_some_net_in_the_ball_changes() -> None:
    nets, x, rho = initial([5], 300, 8, dtype=torch.float64), unit(1, 8, 1), 0.1
    z = nets.inner(x).detach()
    towards_zero = nets.weight.detach() - rho * z.sign().mT * x
    changed = (LazyNets(towards_zero, nets.signs).inner(x) > 0) != (z > 0)
    assert int(changed.sum()) == int(given_nets.may_change_sign(z, rho)) > 0


@pytest.mark.parametrize("c0", [0.5, 4.0])
def test_drift_and_difference_stay_below_their_bounds_for_a_net_that_tries(nets: LazyNets, c0: float) -> None:
    x, radius, nets = unit(1, D), 0.2, nets.at(slice(100))
    z, (_, before) = nets.inner(x).detach(), nets.value_and_gradient(x)
    rho = c0 / sqrt(M)
    away = before / before.norm(dim=-1, keepdim=True)
    for moves in (nets.signs[..., None] * away, -z.sign().mT * x):  # along the gradient; every sign that can change
        moved = LazyNets(nets.weight.detach() + rho * moves, nets.signs)
        _, after = moved.value_and_gradient(x)
        assert bool(((after - before).norm(dim=-1) <= bounds.drift_bound(D, M, c0, GAMMA)).all())
        step = away.expand(-1, 1, -1)
        change = on_the_way(moved, x.expand(len(z), 1, D), step, torch.full((len(z), 1), radius, dtype=torch.float64))
        assert bool((change <= bounds.difference_bound(D, M, c0, radius, GAMMA)).all())


def test_below_zero_the_outline_forces_the_flip() -> None:
    nets, x = initial(range(10), 500, 100, dtype=torch.float64), unit(10, 100, 4).expand(10, 10, 100)
    f, gradient = nets.value_and_gradient(x)
    length = gradient.norm(dim=-1)
    step = -f.sign()[..., None] * gradient / length[..., None]
    flips = flip_steps(nets, x, step)
    forced = 0
    for ratio in (1.1, 1.5, 3.0):
        size = ratio * f.abs() / length
        outline = given_nets.outline(f, length, on_the_way(nets, x, step, size, places=50), size)
        assert bool((flips[outline < 0] <= size[outline < 0]).all())
        forced += int((outline < 0).sum())
    assert forced > 100
    assert float(given_nets.outline(torch.tensor(-2.0), torch.tensor(4.0), torch.tensor(0.0), torch.tensor(0.5))) == 0


def test_scaling_the_weights_changes_no_flip() -> None:
    """The cone: positive multiples of lazy nets have the same flips, at a step eta that is shorter by the factor."""
    nets, x = initial(range(3), 60, 9, dtype=torch.float64), unit(20, 9, 2)
    for factor in (0.01, 7.0):
        scaled = LazyNets(factor * nets.weight.detach(), nets.signs)
        (f, g), (scaled_f, scaled_g) = nets.value_and_gradient(x), scaled.value_and_gradient(x)
        assert torch.allclose(scaled_f, factor * f) and torch.allclose(scaled_g, factor * g)
        size, scaled_size = (flip_steps(n, x, v, -f.sign()) for n, v in ((nets, g), (scaled, scaled_g)))
        assert torch.allclose(size, scaled_size, rtol=1e-9) and bool(size.isfinite().any())
        known = size.isfinite()
        eta, scaled_eta = size / g.norm(dim=-1), scaled_size / scaled_g.norm(dim=-1)
        assert torch.allclose(scaled_eta[known], eta[known] / factor)


def test_the_chain_closes_for_large_dimensions_only() -> None:
    small = bounds.chain(784, 1000, 1)
    assert not small.closes and small.margin == pytest.approx(
        small.value - small.size * (small.gradient - small.difference)
    )
    first = bounds.closing_dimension(1, 2.4)
    assert first is not None and bounds.chain(first, first**2.4, 1).closes
    assert not bounds.chain(first / 10, (first / 10) ** 2.4, 1).closes
    small, large = (bounds.chain(factor * first, (factor * first) ** 2.4, 1) for factor in (10, 1000))
    assert large.size == pytest.approx(small.size / 10, rel=0.3)  # O(1 / sqrt d)
    assert bounds.closing_dimension(1, 1.0) is None  # m = d is no over-parametrisation


def test_bounds_loosen_with_the_ball_and_with_certainty() -> None:
    for c0, wider in ((0.0, 1.0), (1.0, 10.0)):
        assert bounds.value_bound(M, c0, GAMMA) < bounds.value_bound(M, wider, GAMMA)
        assert bounds.gradient_bound(D, M, c0, GAMMA) > bounds.gradient_bound(D, M, wider, GAMMA)
        assert bounds.difference_bound(D, M, c0, 0.1, GAMMA) < bounds.difference_bound(D, M, wider, 0.1, GAMMA)
    assert bounds.value_bound(M, 1, 0.01) > bounds.value_bound(M, 1, 0.1)
    assert all(isfinite(bound) for bound in (bounds.rows_norm(0, D, M, 0.1), bounds.rows_norm(M, D, M, 0.1)))


def test_a_net_narrower_than_its_input_has_bounds_too() -> None:
    assert isfinite(bounds.difference_bound(784, 30, 1, 0.1, GAMMA)) and not bounds.chain(784, 30, 1).closes
    # Lines through the origin of the plane make 2 n cells, n planes in general position at most 2^n.
    assert bounds.log_cells(50, 2) > log(2 * 50) and bounds.log_cells(3, 10) == pytest.approx(log(8))


def test_the_worst_linear_flip_is_the_largest_cosine_in_a_ball_around_the_gradient() -> None:
    x, g = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([0.6, 2.0], dtype=torch.float64)
    angles = torch.linspace(0, 2 * pi, 100_001, dtype=torch.float64)
    for reach in (0.0, 0.7, 1.9):
        around = g + reach * torch.stack([angles.cos(), angles.sin()], -1)
        largest = (around @ x / around.norm(dim=-1)).max()
        assert float(given_nets.worst_flip(g @ x, g.norm(), reach)) == pytest.approx(float(largest), abs=1e-7)
    assert float(given_nets.worst_flip(g @ x, g.norm(), 2.1)) == 1
    assert float(given_nets.worst_flip(-(g @ x), g.norm(), 0.0)) == pytest.approx(float(g @ x / g.norm()))


def test_markov_gives_the_corollary() -> None:
    assert bounds.robust_error_fails(0.005) == pytest.approx(0.05)
    assert bounds.robust_error_fails(0.5) == 1
    assert inf > bounds.initial_flip(25) > bounds.initial_flip(784)
