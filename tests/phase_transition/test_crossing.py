"""Where losses cross the threshold: closed forms, bounds, isotonic losses, bisection, seeds."""

from math import inf, isnan, nan

import numpy as np
import pytest
from scipy.stats import t as student

from modules.phase_transition.crossing import Crossing, crossing, next_strength, over_seeds


def test_it_is_where_the_broken_line_meets_the_threshold() -> None:
    found = crossing([0.2, 0.0, 0.1], [1.1, 0.1, 0.5], 0.2)
    assert found == Crossing("bracketed", pytest.approx(0.025), 0.0, 0.1, True)
    assert crossing([0.0, 0.1, 0.2], [0.1, 0.5, 1.1], 0.8).estimate == pytest.approx(0.15)


def test_any_threshold_is_met_again_on_the_broken_line() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        eps, losses = np.sort(rng.random(6)), np.sort(rng.random(6))
        threshold = rng.uniform(losses[0], losses[-1])
        found = crossing(eps.tolist(), losses.tolist(), threshold)
        assert found.outcome == "bracketed" and found.monotone
        assert np.interp(found.estimate, eps, losses) == pytest.approx(threshold, abs=1e-12)
        assert found.low <= found.estimate <= found.high


def test_a_loss_that_is_the_threshold_is_not_above_it_and_the_largest_such_strength_counts() -> None:
    assert crossing([0, 1, 2, 3], [0.1, 0.2, 0.2, 0.4], 0.2).estimate == 2
    assert crossing([0, 1], [0.1, 0.2], 0.2).outcome == "above"


def test_outside_the_strengths_there_are_bounds_and_no_estimate() -> None:
    below, above = crossing([0.1, 0.2], [0.5, 0.6], 0.4), crossing([0.1, 0.2], [0.5, 0.6], 0.7)
    assert (below.outcome, below.low, below.high) == ("below", 0, 0.1)
    assert (above.outcome, above.low, above.high) == ("above", 0.2, inf)
    assert isnan(below.estimate) and isnan(above.estimate)


def test_losses_that_fall_are_made_isotonic_and_flagged() -> None:
    # 0.5 and 0.3 become their mean, as least squares demands of two neighbours in the wrong order.
    found = crossing([0, 1, 2, 3], [0.1, 0.5, 0.3, 0.8], 0.6)
    assert not found.monotone and found.estimate == pytest.approx(2.5)
    assert crossing([0, 1, 2, 3], [0.1, 0.5, 0.3, 0.8], 0.4).estimate == pytest.approx(2)


@pytest.mark.parametrize(
    ("strengths", "losses", "threshold"),
    [([], [], 1), ([0, 0], [1, 2], 1), ([-1, 1], [1, 2], 1), ([0, 1], [1, nan], 1), ([0, 1], [1, 2], inf)],
)
def test_what_is_no_curve_is_refused(strengths: list[float], losses: list[float], threshold: float) -> None:
    with pytest.raises(ValueError):
        crossing(strengths, losses, threshold)
    with pytest.raises(ValueError):
        crossing([0, 1], [1], 1)


@pytest.mark.parametrize(("root", "first"), [(0.037, (0.1,)), (0.7, (0.1,)), (0.2, (0.05, 0.4))])
def test_bisection_closes_in_on_the_root_of_any_rising_curve(root: float, first: tuple[float, ...]) -> None:
    def loss(eps: float) -> float:
        return (eps / root) ** 2  # the threshold 1 is met at the root

    points = {0.0: loss(0), **{eps: loss(eps) for eps in first}}
    steps = 0
    while (strength := next_strength(found := crossing([*points], [*points.values()], 1.0), 0.05, 1.0)) is not None:
        assert strength not in points
        points[strength] = loss(strength)
        steps += 1
    assert found.outcome == "bracketed" and found.low < root < found.high
    assert found.high - found.low <= 0.05 * found.estimate and steps <= 12


def test_bisection_ends_where_nothing_is_to_be_found() -> None:
    assert next_strength(crossing([0, 0.5], [0.5, 0.6], 0.4), 0.1, 1.0) is None  # clean training is above it
    assert next_strength(crossing([0, 0.7], [0.1, 0.2], 0.4), 0.1, 1.0) == 1.0
    assert next_strength(crossing([0, 1.0], [0.1, 0.2], 0.4), 0.1, 1.0) is None
    assert next_strength(Crossing("none", nan, 0.0, inf, True), 0.1, 1.0) is None
    # The estimate shrinks with the bracket when the threshold is the clean loss: it ends below a grey level.
    points, steps = {0.0: 0.2, 0.1: 0.3}, 0
    while (strength := next_strength(crossing([*points], [*points.values()], 0.2), 0.1, 1.0)) is not None:
        points[strength], steps = 0.2 + strength, steps + 1
    assert steps <= 10


def test_over_seeds_it_is_students_interval_or_a_bound() -> None:
    whole = over_seeds([Crossing("bracketed", value, 0.1, 0.4, True) for value in (0.2, 0.3, 0.25)])
    half = student.ppf(0.975, 2) * np.std([0.2, 0.3, 0.25], ddof=1) / 3**0.5
    assert (whole.mean, whole.low, whole.high) == pytest.approx((0.25, 0.25 - half, 0.25 + half))
    assert whole.n == 3 and str(whole.times(10)).startswith("2.5 [")
    mixed = over_seeds([Crossing("bracketed", 0.2, 0.1, 0.4, False), Crossing("above", nan, 0.5, inf, True)])
    assert (mixed.outcome, mixed.at_least, mixed.at_most, mixed.isotonic) == ("mixed", 0.1, inf, 1)
    assert isnan(mixed.mean) and str(mixed) == "between 0.1 and inf"
    assert str(over_seeds([Crossing("above", nan, 0.5, inf, True)])) == "> 0.5"
    assert str(over_seeds([Crossing("below", nan, 0.0, 0.1, True)])) == "< 0.1"
    assert str(over_seeds([crossing([0, 0.1], [0.5, 0.6], 0.4)])) == "none: clean training is above R*"
    assert str(over_seeds([Crossing("bracketed", 0.2, 0.1, 0.4, True)])) == "0.2"
    assert str(over_seeds([])) == "no training left"
