"""Slopes with other columns beside them, against scipy and by coverage."""

import numpy as np
import pytest
from scipy.stats import linregress, t

from suite.statistics import slope_of


def test_alone_it_is_the_slope_of_a_straight_line() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 12))
    line, found = linregress(x, y), slope_of(x, y, of="points")
    half = t.ppf(0.975, 10) * line.stderr
    assert (found.value, found.low, found.high) == pytest.approx((line.slope, line.slope - half, line.slope + half))
    assert (found.n, found.of) == (12, "points")


def test_beside_other_columns_it_is_exact_where_they_explain_the_rest() -> None:
    x = np.linspace(0, 1, 9)
    found = slope_of(x, 1 + 2 * x - 3 * x**2, [x**2])
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2), abs=1e-9)


def test_its_limits_hold_the_slope_in_95_of_100() -> None:
    """2,000 draws of 7 points: 4 standard errors of a share of .95 are .02."""
    rng, x = np.random.default_rng(1), np.arange(7.0)
    found = [slope_of(x, 2 * x - 0.3 * x**2 + rng.standard_normal(7), [x**2]) for _ in range(2000)]
    assert np.mean([one.low < 2 < one.high for one in found]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("x", "y", "beside"),
    [([], [], []), ([0, 1], [0, 1], []), ([0, 1, 2], [0, 1, np.nan], []), ([0, 1, 2, 3], [0, 1, 2, 4], [[0, 2, 4, 6]]),
     ([1, 1, 1], [0, 1, 2], [])],
)  # fmt: skip
def test_where_points_do_not_determine_it_there_is_none(x: list[float], y: list[float], beside: list[float]) -> None:
    found = slope_of(x, y, beside)  # type: ignore[arg-type]
    assert np.isnan([found.value, found.low, found.high]).all() and found.n == len(x)
