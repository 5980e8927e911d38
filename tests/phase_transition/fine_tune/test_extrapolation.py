"""eps_star from few losses: closed forms, invariants, what has no answer, and the paper's own numbers."""

from math import isnan

import numpy as np
import pytest

from modules.phase_transition.fine_tune.extrapolation import METHODS, curve
from modules.phase_transition.fine_tune.published import ROWS, recomputed

EVERY = tuple(METHODS)
FITS = ("least-squares", "isotonic", "spline")


@pytest.mark.parametrize("method", EVERY)
def test_losses_on_a_line_are_met_inside_and_outside(method: str) -> None:
    line = curve(method, 0.1, (1.0, 2.0, 4.0), (0.15, 0.2, 0.3))
    np.testing.assert_allclose(line(np.array([0.0, 1.5, 4.0, 10.0])), [0.1, 0.175, 0.3, 0.6], rtol=1e-12)
    assert line.crossing(0.17) == (pytest.approx(1.4), "within")
    assert line.crossing(0.6) == (pytest.approx(10), "beyond")
    assert line.crossing(0.1 + 1e-12).eps == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("method", EVERY)
def test_one_point_is_the_line_through_the_clean_one(method: str) -> None:
    assert curve(method, 0.1, (0.5,), (0.3,)).crossing(0.9) == (pytest.approx(2), "beyond")


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize("threshold", [0.2, 0.31, 0.9])
def test_eps_star_scales_with_the_unit_and_not_with_an_offset_of_the_loss(method: str, threshold: float) -> None:
    eps, losses = (1.0, 2.0, 3.0), (0.18, 0.24, 0.33)
    one = curve(method, 0.1, eps, losses).crossing(threshold)
    other = curve(method, 2.1, tuple(e / 255 for e in eps), tuple(x + 2 for x in losses)).crossing(threshold + 2)
    assert other == (pytest.approx(one.eps / 255), one.where)
    assert curve(method, 0.1, eps, losses)(np.array(one.eps)) == pytest.approx(threshold)


def test_least_squares_is_the_regression_with_the_clean_point_in_it() -> None:
    eps, losses = (0.25, 0.5, 1.0), (0.0426, 0.0829, 0.2008)
    slope, intercept = np.polyfit([0, *eps], [0.0403, *losses], 1)
    fit = curve("least-squares", 0.0403, eps, losses)
    np.testing.assert_allclose(fit(np.array([0.0, 1.0, 3.0])), intercept + slope * np.array([0, 1, 3]))
    assert fit.crossing(0.441).eps == pytest.approx((0.441 - intercept) / slope)


@pytest.mark.parametrize(("count", "used"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2)])
def test_one_point_takes_the_middle_one_and_calls_what_is_beyond_it_extrapolated(count: int, used: int) -> None:
    eps = np.arange(1.0, count + 1)
    losses = eps**2
    fit = curve("1-point", 0.0, tuple(eps), tuple(losses))
    assert fit.end_slope == pytest.approx(eps[used])
    assert fit.crossing(0.9 * losses[used]).where == "within"
    assert fit.crossing(1.1 * losses[used]).where == "beyond"


@pytest.mark.parametrize("method", ["isotonic", "spline"])
def test_losses_that_fall_are_pooled_and_the_curve_stays_monotone(method: str) -> None:
    fit = curve(method, 0.1, (1.0, 2.0, 3.0, 4.0), (0.4, 0.2, 0.5, 0.7))
    at = np.linspace(0, 6, 200)
    assert (np.diff(fit(at)) >= -1e-12).all()
    np.testing.assert_allclose(fit(np.array([1.0, 1.5, 2.0])), 0.3)
    assert fit.crossing(0.3 + 1e-9).eps == pytest.approx(2, abs=1e-3), "the largest eps that is not above"


def test_the_spline_is_smooth_where_the_broken_line_is_not_and_goes_on_in_its_tangent() -> None:
    spline = curve("spline", 0.0, (1.0, 2.0, 3.0), (0.1, 0.3, 0.7))
    broken = curve("isotonic", 0.0, (1.0, 2.0, 3.0), (0.1, 0.3, 0.7))
    # Fritsch and Carlson's one-sided slope at the end: (3 m_3 - m_2) / 2 on an even grid.
    assert spline.end_slope == pytest.approx((3 * 0.4 - 0.2) / 2)
    assert broken.end_slope == pytest.approx(0.4)
    np.testing.assert_allclose(spline(np.array([1.0, 2.0, 3.0])), [0.1, 0.3, 0.7])
    assert spline.crossing(1.2) == (pytest.approx(4), "beyond")


@pytest.mark.parametrize("method", EVERY)
def test_a_clean_loss_above_the_threshold_has_no_eps_star(method: str) -> None:
    """As the paper's MART: training loss .432 at eps = 0, threshold .3411 (Table B.5)."""
    found = curve(method, 0.432, (1.0, 2.0), (0.5989, 0.8447)).crossing(0.3411)
    assert isnan(found.eps) and found.where == "starts above"


def test_a_regression_line_can_start_above_where_the_clean_loss_does_not() -> None:
    """Concave losses: the line through all points is too high at 0."""
    typed = (0.0, (1.0, 2.0, 3.0), (1.0, 1.1, 1.2))
    assert curve("least-squares", *typed).crossing(0.1).where == "starts above"
    assert curve("isotonic", *typed).crossing(0.1) == (pytest.approx(0.1), "within")


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize("losses", [(0.2, 0.2, 0.2), (0.19, 0.18, 0.17)])
def test_losses_that_do_not_rise_never_reach_the_threshold(method: str, losses: tuple[float, ...]) -> None:
    found = curve(method, 0.2, (1.0, 2.0, 3.0), losses).crossing(0.5)
    assert isnan(found.eps) and found.where == "never"


@pytest.mark.parametrize("method", FITS)
def test_what_is_reached_within_the_points_is_no_extrapolation(method: str) -> None:
    fit = curve(method, 0.1, (1.0, 2.0, 3.0), (0.2, 0.28, 0.42))
    assert fit.crossing(0.25).where == "within"
    assert fit.crossing(0.6).where == "beyond"


def test_the_papers_losses_give_the_papers_table_4() -> None:
    """To the printed digit, rounded or truncated; the 50,000-sample rows need the threshold .179, not .1837."""
    compared = [row for row in recomputed() if row["published"] is not None]
    assert len(compared) == 2 * len(ROWS)
    for row in compared:
        digit = 0.01 if row["published"] < 1 else 0.1
        assert abs(row["eps_star"] - row["published"]) < 0.55 * digit, row
        if row["samples"] == 50_000:
            assert abs(row["eps_star_at_it"] - row["published"]) > 2 * digit, row


def test_recomputed_values_of_table_4_in_all_digits() -> None:
    found = {(r["attack"], r["samples"], r["norm"], r["method"]): (r["eps_star"], r["eps_star_at_it"])
             for r in recomputed()}  # fmt: skip
    expected = {
        ("pgd", 10_000, "linf"): (4.70, 2.50, 4.70, 2.50),
        ("fgm", 10_000, "linf"): (1.73, 2.08, 1.73, 2.08),
        ("pgd", 50_000, "l2"): (20.10, 17.95, 21.02, 18.75),
        ("fgm", 50_000, "l2"): (18.38, 17.37, 19.21, 18.13),
        ("pgd", 50_000, "linf"): (0.584, 0.521, 0.611, 0.543),
        ("fgm", 50_000, "linf"): (0.526, 0.594, 0.550, 0.622),
    }
    for key, values in expected.items():
        measured = [found[*key, method][place] for place in (0, 1) for method in ("1-point", "least-squares")]
        assert measured == pytest.approx(values, abs=0.006), key
