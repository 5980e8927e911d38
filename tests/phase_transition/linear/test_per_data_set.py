"""eps_star to the letter: each data set's own."""

from functools import cache
from math import inf

import pytest
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.adversarial_risk import population_risk
from modules.phase_transition.data_sets import DataSets, draw, in_row_space
from modules.phase_transition.linear.minimum import clean_estimate, minimise
from modules.phase_transition.linear.per_data_set import Crossing, crossing

CPU = torch.device("cpu")
SIGMA = 0.5


def data_sets(d: int, n: int, repeats: int) -> DataSets:
    return in_row_space(draw("crossings", range(repeats), n, d, SIGMA, 1.0, 3, CPU))


@cache
def crossings(d: int, n: int, repeats: int) -> Crossing:
    return crossing(data_sets(d, n, repeats), SIGMA)


def clean_test(data: DataSets) -> Tensor:
    clean = clean_estimate(data)[:, None]
    return population_risk(data.distance2(clean)[:, 0], torch.linalg.vector_norm(clean, dim=-1)[:, 0], SIGMA)


@pytest.mark.parametrize(("d", "n"), [(2, 60), (12, 60), (60, 10)])
def test_the_least_training_loss_crosses_the_clean_test_loss_there_and_nowhere_else(d: int, n: int) -> None:
    data, found = data_sets(d, n, 40), crossings(d, n, 40)
    test, y2 = clean_test(data), data.y.square().mean(-1)
    finite = found.eps_star.isfinite()
    assert finite.sum() > 5 and float(found.gap.max()) < 1e-3
    for factor, above in ((0.99, False), (1.01, True)):
        at = torch.where(finite, found.eps_star, 1.0)[:, None] * factor
        loss = minimise(data, at, 1e-8).risk[:, 0]
        assert ((loss > test) == above)[finite].all()
    none, everything = found.eps_star == -inf, found.eps_star == inf
    assert torch.equal(none, found.delta < 0)
    assert torch.equal(everything, (found.delta >= 0) & (y2 <= test))


def test_below_the_border_the_luck_of_the_noise_decides_whether_eps_star_exists() -> None:
    """Of 1,000 data sets of d = 2, n = 800 a share of 54 % has one; five standard errors are 8 %."""
    found = crossings(2, 800, 1000)
    share = float((found.eps_star > -inf).double().mean())
    assert share == pytest.approx(theory.exists_in(800, 2), abs=0.08) and share < 0.65


def test_delta_has_the_mean_square_of_the_fourth_moments() -> None:
    """E Delta^2 = 2 sigma^4 / n + 4 sigma^4 d^2 / n^2 within five standard errors, at both sides of the border."""
    for d, n, repeats in ((2, 800, 1000), (30, 400, 300)):
        squares = crossings(d, n, repeats).delta.square()
        expected = theory.gap_deviation(n, SIGMA) ** 2 + theory.generalisation_gap(n, d, SIGMA, 1.0) ** 2
        error = float(squares.std()) / repeats**0.5
        assert abs(float(squares.mean()) - expected) < 5 * error and error < 0.1 * expected


@pytest.mark.parametrize(("d", "n", "repeats"), [(2, 800, 1000), (30, 400, 300)])
def test_the_median_where_it_exists_is_the_derived_one(d: int, n: int, repeats: int) -> None:
    """Within 15 %: 3 standard errors of a median of 540 values, and the derivation's next term, of order d/n."""
    own = crossings(d, n, repeats).eps_star
    border = theory.gap_in_deviations(n, d)
    derived = theory.eps_star_deviation(n, d, SIGMA, 1.0) * theory.median_where_positive(border)
    assert float(own[own.isfinite()].median()) == pytest.approx(derived, rel=0.15)


def test_the_median_of_a_normal_law_where_it_is_positive() -> None:
    normal = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for mean in (0.0, 0.5, 2.0):
        shifted = normal + mean
        assert theory.median_where_positive(mean) == pytest.approx(float(shifted[shifted > 0].median()), abs=0.01)
    assert theory.median_where_positive(0.0) == pytest.approx(0.67449, abs=1e-5)
    assert theory.median_where_positive(30.0) == pytest.approx(30.0)


def test_other_data_sets_in_the_batch_change_nothing() -> None:
    data = data_sets(4, 40, 6)
    alone = [crossing(DataSets(*(value[r : r + 1] for value in vars(data).values())), SIGMA) for r in range(6)]
    assert torch.allclose(torch.cat([one.eps_star for one in alone]), crossing(data, SIGMA).eps_star, rtol=1e-3)
