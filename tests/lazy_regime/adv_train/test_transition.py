"""The logistic fit of a passage through one half, and powers of such places: closed forms and honest gaps."""

from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.special import expit

from modules.lazy_regime.adv_train.transition import STEEPEST, power, transition, width

GRID = np.array([0.05, 0.08, 0.125, 0.2, 0.3, 0.5, 0.8])


@pytest.mark.parametrize("steepness", [3.0, -2.0, 8.0])
@pytest.mark.parametrize("place", [0.1, 0.23, 0.5])
def test_exact_logistic_shares_are_found_again(steepness: float, place: float) -> None:
    found = transition(GRID, expit(steepness * np.log(GRID / place)))
    assert found is not None and found.low == found.high
    assert found.place == pytest.approx(place, rel=1e-4)
    assert found.steepness == pytest.approx(steepness, rel=1e-3)


def test_the_order_of_the_grid_means_nothing() -> None:
    shares = expit(4 * np.log(GRID / 0.2)) ** 1.3
    shuffled = np.random.default_rng(0).permutation(len(GRID))
    one, other = transition(GRID, shares), transition(GRID[shuffled], shares[shuffled])
    assert one == other and one is not None


def test_a_unit_of_x_scales_the_place_alone() -> None:
    shares = expit(4 * np.log(GRID / 0.2)) ** 1.3
    one, other = transition(GRID, shares), transition(10 * GRID, shares)
    assert one is not None and other is not None
    assert other.place == pytest.approx(10 * one.place, rel=1e-5)
    assert other.steepness == pytest.approx(one.steepness, rel=1e-4)


def test_it_recovers_a_threshold_from_counts() -> None:
    """500 images a share: the mean of 40 fits within 4 standard errors of the truth."""
    rng, places = np.random.default_rng(3), []
    for _ in range(40):
        shares = rng.binomial(500, expit(-5 * np.log(GRID / 0.17))) / 500
        found = transition(GRID, shares)
        assert found is not None
        places.append(log(found.place))
    error = np.std(places, ddof=1) / sqrt(len(places))
    assert abs(np.mean(places) - log(0.17)) < 4 * error and error < 0.01


@pytest.mark.parametrize("shares", [[0.6] * 7, [0.0] * 7, [1.0] * 7, [0.5] * 7, [0.1, 0.2, 0.3, 0.4, 0.45, 0.48, 0.5]])
def test_no_passage_is_none(shares: list[float]) -> None:
    assert transition(GRID, shares) is None


def test_one_value_is_no_grid() -> None:
    assert transition([0.1], [0.7]) is None


def test_a_step_is_known_to_its_gap_only() -> None:
    """Perfect separation: every place in the gap has the same likelihood."""
    for shares in ([1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1]):
        found = transition(GRID, [float(share) for share in shares])
        assert found is not None and found.steepness is None
        assert (found.low, found.high) == pytest.approx((log(0.125), log(0.2)))
        assert found.place == pytest.approx(sqrt(0.125 * 0.2))


def test_nearly_a_step_is_one_too() -> None:
    found = transition(GRID, [1, 1, 0.999, 0.001, 0, 0, 0])
    assert found is not None and found.steepness is None


def test_shares_far_from_any_curve_do_not_place_it_off_the_grid() -> None:
    """One value above one half among many low ones: the fit never gets there."""
    assert transition(GRID, [0.0, 0.0, 0.0, 0.51, 0.0, 0.0, 0.0]) is None


def test_the_steepest_fit_follows_the_finest_gap() -> None:
    steepest = STEEPEST / np.diff(np.log(GRID)).min()
    found = transition(GRID, expit(0.9 * steepest * np.log(GRID / 0.16)))
    assert found is not None and found.steepness == pytest.approx(0.9 * steepest, rel=1e-2)


def test_a_power_law_is_found_again() -> None:
    d = [25, 64, 144, 784]
    places = [log(3 * value**-0.5) for value in d]
    low, high = power(d, places, places)
    assert low == high == pytest.approx(-0.5)
    bent = np.add(places, (0.1, -0.3, 0.2, 0))
    slope = np.polyfit(np.log(d), bent, 1)[0]
    assert power(d, bent, bent) == pytest.approx((slope, slope))


def test_steps_leave_a_power_between_limits() -> None:
    """With every corner of the gaps tried."""
    d, lows, highs = np.array([25.0, 64.0, 784.0]), [-1.0, -1.5, -2.6], [-0.7, -1.5, -2.2]
    low, high = power(d, lows, highs)
    corners = [np.polyfit(np.log(d), [(lows, highs)[bits >> k & 1][k] for k in range(3)], 1)[0] for bits in range(8)]
    assert (low, high) == pytest.approx((min(corners), max(corners)))


def test_width_is_the_factor_between_a_tenth_and_nine_tenths() -> None:
    for steepness in (2.0, -5.0):
        factor = width(steepness)
        assert expit(abs(steepness) * log(sqrt(factor))) == pytest.approx(0.9)
    assert width(4.0) == pytest.approx(exp(log(81) / 4))
