"""The batched paths against a loop, and the certified minimum of the adversarial risk."""

from itertools import islice

import pytest
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.linear_data import DataSets, draw, in_row_space
from modules.phase_transition.linear_minimum import _lower_bound, clean_estimate, minimise
from modules.phase_transition.linear_paths import clean_end, descend

CPU = torch.device("cpu")
SHAPES = [(3, 25), (30, 6)]


def data_sets(d: int, n: int, repeats: int = 4) -> DataSets:
    return draw("paths", range(repeats), n, d, 0.5, 1.0, 7, CPU)


def strengths(d: int, n: int, *multiples: float) -> Tensor:
    return theory.eps_star_order(n, d) * torch.tensor(multiples, dtype=torch.float64)


@pytest.mark.parametrize(("d", "n"), SHAPES)
def test_the_batch_is_the_loop(d: int, n: int) -> None:
    """One data set and strength after another, with the gradient of the closed form, in all d dimensions."""
    data, eps, rate = data_sets(d, n), strengths(d, n, 0, 0.2, 1, 2), 0.2 / theory.curvature(n, d)
    states = list(islice(descend(in_row_space(data), eps, rate), 31))
    for r in range(4):
        for e, strength in enumerate(eps):
            theta = torch.zeros(d, dtype=torch.float64)
            for state in states:
                risk = theory.adversarial_risk(data.X[r], data.y[r], theta, strength)
                assert float(state.risk(eps)[r, e]) == pytest.approx(float(risk), rel=1e-9)
                assert float(state.norm[r, e]) == pytest.approx(float(theta.norm()), rel=1e-9, abs=1e-12)
                theta = theta - rate * theory.adversarial_gradient(data.X[r], data.y[r], theta, strength)


@pytest.mark.parametrize(("d", "n"), SHAPES)
def test_the_row_space_keeps_lengths_and_the_distance_to_theta0(d: int, n: int) -> None:
    data = data_sets(d, n)
    turned = in_row_space(data)
    full, small = clean_estimate(data), clean_estimate(turned)
    assert turned.X.shape[-1] == min(n, d)
    assert torch.allclose(full.norm(dim=-1), small.norm(dim=-1), rtol=1e-9)
    assert torch.allclose(data.distance2(full[:, None]), turned.distance2(small[:, None]), rtol=1e-9)
    assert torch.allclose(data.distance2(full[:, None])[:, 0], (full - data.theta0).square().sum(-1), rtol=1e-9)


@pytest.mark.parametrize(("d", "n"), SHAPES)
def test_the_clean_end_is_the_end_of_the_clean_path(d: int, n: int) -> None:
    data, rate = data_sets(d, n), 0.3 / theory.curvature(n, d)
    state = next(islice(descend(data, strengths(d, n, 0), rate), 40, None))
    theta, loss = clean_end(data, rate, 40)
    assert torch.allclose(theta, state.theta[:, 0], rtol=1e-9, atol=1e-12)
    assert torch.allclose(loss, state.squared[:, 0], rtol=1e-9, atol=1e-12)


def test_the_first_step_is_the_same_at_all_strengths_and_a_start_is_kept() -> None:
    data, eps = data_sets(3, 25), strengths(3, 25, 0, 1, 5)
    first = next(islice(descend(data, eps, 0.01), 1, None)).theta
    assert torch.equal(first, first[:, :1].expand_as(first))
    start = torch.ones(4, 3, 3, dtype=torch.float64)
    assert torch.equal(next(descend(data, eps, 0.01, start)).theta, start)


def test_draws_are_keyed_by_repeat_and_stream() -> None:
    together, alone = data_sets(3, 25), draw("paths", [2], 25, 3, 0.5, 1.0, 7, CPU)
    assert torch.equal(together.X[2], alone.X[0]) and torch.equal(together.y[2], alone.y[0])
    assert not torch.equal(alone.X, draw("null", [2], 25, 3, 0.5, 1.0, 7, CPU).X)
    assert not torch.equal(alone.X, draw("paths", [2], 25, 3, 0.5, 1.0, 8, CPU).X)


@pytest.mark.parametrize(("d", "n"), [*SHAPES, (20, 60)])
def test_the_minimum_is_certified(d: int, n: int) -> None:
    """The gap bounds what is left; no other theta is better; the slope is the derivative in eps."""
    data, eps = in_row_space(data_sets(d, n)), strengths(d, n, 0.05, 0.3, 0.8, 1.0)
    least = minimise(data, eps, tolerance=1e-6)
    assert float(least.gap.max()) < 1e-6
    X, y = data.X[:, None], data.y[:, None]
    assert torch.allclose(theory.adversarial_risk(X, y, least.theta, eps), least.risk, rtol=1e-12)
    for seed in range(60):
        other = torch.randn(least.theta.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        nearby = least.theta + 10.0 ** (-seed / 10) * other
        assert (theory.adversarial_risk(X, y, nearby, eps) >= least.risk * (1 - 1e-6)).all()
        alpha = torch.randn(len(y), len(eps), n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        assert (_lower_bound(data, alpha, eps) <= least.risk).all()
    width = 1e-3 * eps
    above, below = minimise(data, eps + width, 1e-9), minimise(data, eps - width, 1e-9)
    assert torch.allclose((above.risk - below.risk) / (2 * width), least.slope, rtol=2e-2)


def test_the_minimum_is_zero_from_the_collapse_on_and_the_interpolator_up_to_its_strength() -> None:
    """Both thresholds are sharp: just beyond them another theta is better."""
    data = in_row_space(data_sets(30, 6))
    collapse, unchanged = theory.collapse_strength(data.X, data.y), theory.unchanged_strength(data.X, data.y)
    clean = clean_estimate(data)
    for r in range(4):
        one = DataSets(*(value[r : r + 1] for value in (data.X, data.y, data.theta0, data.hidden, data.noise2)))
        least = minimise(
            one, torch.stack([collapse[r] * 1.01, collapse[r] * 0.97, unchanged[r] * 0.99, unchanged[r] * 1.03])
        )
        zero, small, same, other = least.theta[0]
        assert not zero.any() and small.any()
        assert torch.equal(same, clean[r])
        assert float((other - clean[r]).norm()) > 1e-4 * float(clean[r].norm())
        at_clean = theory.adversarial_risk(one.X, one.y, clean[r : r + 1], unchanged[r] * 1.03)
        assert float(least.risk[0, 3]) < float(at_clean)
        assert float(least.risk[0, 1]) < float(one.y.square().mean())


def test_for_vanishing_strength_the_minimum_is_least_squares() -> None:
    data = data_sets(3, 25)
    least = minimise(data, torch.tensor([1e-7], dtype=torch.float64))
    assert torch.allclose(least.theta[:, 0], clean_estimate(data), atol=1e-5)
