"""Estimates and tests of numbers: SciPy's own, closed forms, and how often an interval holds the truth."""

import subprocess
import sys
from itertools import product
from math import comb, exp, inf, isnan, nan, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from suite.statistics import (
    Estimate,
    bootstrap_of,
    bracketed_mean_of,
    cluster_mean,
    cluster_rate,
    geometric_mean_of,
    holm_of,
    log_log_slope,
    mcnemar_of,
    mean_of,
    median_of,
    paired_difference_of,
    rate_of,
    ratio_of,
    sign_test_of,
)

COUNTS = [(0, 10), (1, 10), (5, 10), (10, 10), (1, 1), (0, 1), (81, 263), (15, 148), (9999, 10000), (3, 100000)]
TABLES = [(3, 5, 2, 10), (0, 10, 0, 0), (10, 0, 0, 0), (0, 0, 0, 7), (1, 0, 0, 0), (90, 9, 1, 0), (10, 10, 10, 10)]


def three(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def least(trials: int) -> float:
    """The share of intervals that hold the truth, four standard errors below 95 %."""
    return 0.95 - 4 * sqrt(0.95 * 0.05 / trials)


def test_an_estimate_and_its_row() -> None:
    """What does not exist is NaN in one and null in the other; infinite limits stay."""
    estimate = Estimate(1.5, nan, inf, 3, "seeds", "nats")
    row = estimate.columns()
    assert row == {"value": 1.5, "low": None, "high": inf, "n": 3}
    back = Estimate.read({f"loss_{name}": value for name, value in row.items()}, "seeds", "nats", prefix="loss_")
    assert (back.value, back.high, back.n, back.of, back.unit) == (1.5, inf, 3, "seeds", "nats") and isnan(back.low)
    assert Estimate(1, 0.5, 2.0, 3).half_width == 0.75


@pytest.mark.parametrize(("successes", "n"), COUNTS)
def test_a_rate_is_scipys_wilson(successes: int, n: int) -> None:
    found = rate_of(successes, n, "images")
    limits = scipy_stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert three(found) == pytest.approx((successes / n, limits.low, limits.high), abs=1e-12)
    assert (found.low == 0) == (successes == 0) and (found.high == 1) == (successes == n)
    assert (found.n, found.of) == (n, "images")


def test_rates_of_nothing_and_impossible_ones() -> None:
    assert np.isnan(three(rate_of(0, 0))).all()
    for successes, n in [(-1, 10), (11, 10), (1, 0)]:
        with pytest.raises(ValueError, match=f"{successes} successes of {n}"):
            rate_of(successes, n)


def test_a_mean_is_scipys() -> None:
    values = [1.0, 2.0, 4.0, 9.0]
    found = mean_of(values, "seeds", "nats")
    limits = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert three(found) == pytest.approx((4, limits.low, limits.high), abs=1e-12)
    assert (found.n, found.of, found.unit) == (4, "seeds", "nats")


def test_means_of_few_and_of_what_is_no_number() -> None:
    assert mean_of([2.0]).value == 2 and np.isnan(three(mean_of([2.0]))[1:]).all()
    assert mean_of([]).n == 0 and np.isnan(three(mean_of([]))).all()
    assert mean_of([1, nan, 2]).n == 3 and np.isnan(three(mean_of([1, nan, 2]))).all()
    assert mean_of([1, inf]).value == inf and np.isnan(three(mean_of([1, inf]))[1:]).all()
    with pytest.raises(ValueError, match="one axis"):
        mean_of([[1.0, 2.0]])


def test_a_geometric_mean_is_the_exponential_of_the_mean_logarithm() -> None:
    values = [0.5, 2.0, 8.0]
    logs = mean_of(np.log(values))
    assert three(geometric_mean_of(values)) == pytest.approx((2.0, exp(logs.low), exp(logs.high)))
    for wrong in (0.0, -1.0, nan, inf):
        assert np.isnan(three(geometric_mean_of([1, 2, wrong]))).all()
    assert geometric_mean_of([1e-300, 1e300]).high == inf


def test_a_median_has_the_limits_of_the_binomial_distribution() -> None:
    """P(fewer than k of n values are below the median) <= 2.5 % for the k-th value, and not for the next."""
    assert np.isnan(three(median_of([1, 2, 3, 4, 5]))[1:]).all()  # their range misses it in 2 / 2^5 of cases
    for n in (6, 7, 20, 101):
        found = median_of(np.arange(1, n + 1)[::-1])
        k = int(found.low)
        below = [sum(comb(n, i) for i in range(place)) / 2**n for place in (k, k + 1)]
        assert below[0] <= 0.025 < below[1]
        assert three(found) == ((n + 1) / 2, k, n + 1 - k)


def test_a_median_of_censored_values() -> None:
    assert three(median_of([1, 2, 3, 4, inf, inf, inf])) == (4, 1, inf)
    assert three(median_of([1, 2, inf, inf, inf, inf])) == (inf, 1, inf)
    assert np.isnan(three(median_of([1, nan, 2, 3, 4, 5, 6]))).all() and median_of([]).n == 0


@pytest.mark.parametrize("counts", TABLES)
def test_a_paired_difference_is_newcombes(counts: tuple[int, int, int, int]) -> None:
    """Wilson's limits of both rates, squared and added with the correlation of the two (Newcombe 1998, method 10)."""
    both, first, second, neither = counts
    n, one, other = sum(counts), rate_of(both + first, sum(counts)), rate_of(both + second, sum(counts))
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    association = float(both * neither - first * second)
    association = max(association - n / 2, 0.0) if association > 0 else association
    phi = association / margins**0.5 if margins else 0.0

    def joined(a: float, b: float) -> float:
        return float(max(a * a - 2 * phi * a * b + b * b, 0.0) ** 0.5)

    value = one.value - other.value
    low = value - joined(one.value - one.low, other.high - other.value)
    high = value + joined(one.high - one.value, other.value - other.low)
    found = paired_difference_of(*counts, of="images")
    assert three(found) == pytest.approx((value, low, high), abs=1e-12)
    assert found.n == n and found.of == "images"


def test_a_paired_difference_of_nothing() -> None:
    assert np.isnan(three(paired_difference_of(0, 0, 0, 0))).all()


def test_a_paired_difference_without_correlation_is_square_and_add() -> None:
    one, found = rate_of(20, 40), paired_difference_of(10, 10, 10, 10)
    half = sqrt((one.value - one.low) ** 2 + (one.high - one.value) ** 2)
    assert three(found) == pytest.approx((0, -half, half))


def test_ratios() -> None:
    """Paired: the geometric mean of the ratios. Else Welch's interval of the logarithms, whatever the lengths."""
    first, second = [2.0, 6.0, 4.0], [1.0, 2.0, 4.0]
    assert ratio_of(first, second, "seeds") == geometric_mean_of([2.0, 3.0, 1.0], "seeds")
    found = ratio_of(first, second[:2], paired=False)
    limits = scipy_stats.ttest_ind(np.log(first), np.log(second[:2]), equal_var=False).confidence_interval()
    value = 48 ** (1 / 3) / sqrt(2)
    assert three(found) == pytest.approx((value, exp(limits.low), exp(limits.high))) and found.n == 5
    assert np.isnan(three(ratio_of(first, [1.0], paired=False))).tolist() == [False, True, True]
    for paired in (True, False):
        assert np.isnan(three(ratio_of([1, 2], [1, 0], paired=paired))).all()
        assert np.isnan(three(ratio_of([-1, 2], [-1, 2], paired=paired))).all()
    with pytest.raises(ValueError, match="3 values against 2"):
        ratio_of(first, second[:2])


def test_a_bracketed_mean_is_students_where_all_is_known_and_holds_every_mean_in_between() -> None:
    values = [1.0, 2.0, 4.0]
    assert three(bracketed_mean_of(values, values)) == pytest.approx(three(mean_of(values)))
    found = bracketed_mean_of([0, 2, 4], [1, 2, 6])
    for ends in np.random.default_rng(0).uniform([0, 2, 4], [1, 2, 6], (50, 3)):
        inner = mean_of(ends)
        assert found.low <= inner.low and inner.high <= found.high
    assert found.value == mean_of([0.5, 2, 5]).value
    assert three(bracketed_mean_of([0, 2], [1, inf]))[1:] == (-inf, inf)  # a huge value is a huge scatter
    assert np.isnan(three(bracketed_mean_of([0], [1]))).tolist() == [False, True, True]
    for lows, highs in [([1], [0]), ([nan], [1]), ([0, 0], [1])]:
        with pytest.raises(ValueError, match="in this order"):
            bracketed_mean_of(lows, highs)


def test_cluster_means_count_clusters() -> None:
    values, clusters = [1, 3, 5, 10, 10, 10, 10], ["b", "b", "a", "c", "c", "c", "c"]
    assert cluster_mean(values, clusters, "nets", "steps") == mean_of([5, 2, 10], "nets", "steps")
    assert cluster_mean([1, 2, 3], [0, 0, 0]).n == 1 and isnan(cluster_mean([1, 2, 3], [0, 0, 0]).low)
    assert isnan(cluster_mean([1, nan], [0, 1]).value) and cluster_mean([], []).n == 0


def test_cluster_rates_count_clusters() -> None:
    """Clusters that agree within are units; starts of one network say nothing of others; unanimity has no spread."""
    one = cluster_rate([True] * 9 + [False] * 6, [0] * 15, "networks")
    assert (one.value, one.n) == (0.6, 1) and isnan(one.low) and isnan(one.high)
    unanimous = cluster_rate([True] * 300, np.arange(300) % 3)
    assert three(unanimous) == three(rate_of(3, 3)) and unanimous.n == 3
    wide = cluster_rate(np.repeat([True, False] * 10, 50), np.repeat(np.arange(20), 50))
    narrow = cluster_rate(np.tile([True, False], 500), np.repeat(np.arange(20), 50))
    assert wide.half_width > rate_of(10, 20).half_width > narrow.half_width > rate_of(500, 1000).half_width
    assert isnan(cluster_rate(np.array([], bool), []).value)
    with pytest.raises(TypeError, match="booleans"):
        cluster_rate([1, 0], [0, 1])


def test_powers_of_clusters_and_of_one_series() -> None:
    x = np.array([1.0, 10, 100] * 3)
    seeds, power = np.repeat([5, 7, 9], 3), np.repeat([0.4, 0.5, 0.7], 3)
    y = 3 * x**power
    assert three(log_log_slope(x, y, seeds)) == pytest.approx(three(mean_of([0.4, 0.5, 0.7])))
    assert (log_log_slope(x, y, seeds, "seeds").n, log_log_slope(x, y, of="sizes").n) == (3, 9)
    line = scipy_stats.linregress(np.log(x), np.log(y))
    half = scipy_stats.t.ppf(0.975, 7) * line.stderr
    assert three(log_log_slope(x, y)) == pytest.approx((line.slope, line.slope - half, line.slope + half))
    assert three(log_log_slope([1, 2], [1, 4])) == pytest.approx((2, nan, nan), nan_ok=True)
    assert three(log_log_slope([3, 5, 10] * 2, [0.1] * 3 + [0.7] * 3, [0] * 3 + [1] * 3)) == (0, 0, 0)


def test_powers_that_do_not_exist() -> None:
    for x, y in [([1, 2, 3], [1, 0, 2]), ([1, 2, nan], [1, 1, 2]), ([1, 2, 3], [1, inf, 2]), ([2, 2, 2], [1, 2, 3])]:
        assert np.isnan(three(log_log_slope(x, y))).all()
    assert np.isnan(three(log_log_slope([1, 2, 2], [1, 2, 3], [0, 0, 1]))).all()  # the second has one x alone
    assert log_log_slope([], []).n == 0


def test_the_bootstrap_draws_whole_clusters() -> None:
    """For the mean of many clusters it is Student's interval over them."""
    averages = np.random.default_rng(0).normal(size=60)
    values, nets = np.repeat(averages, 3) + np.tile([-1, 0, 1], 60), np.arange(180) // 3
    found = bootstrap_of(lambda rows: {"mean": values[rows].mean(), "rows": len(rows)}, nets, "nets")
    student = mean_of(averages, "nets")
    assert three(found["mean"]) == pytest.approx(three(student), abs=0.1 * student.half_width)
    assert (found["mean"].n, found["mean"].of) == (60, "nets")
    assert three(found["rows"]) == (180, 180, 180)


def test_the_bootstrap_of_few_clusters_reaches_further_out() -> None:
    """Of six, its tails are Phi(-sqrt(6/5) 2.57) = 0.24 %, not 2.5 %; fewer than six have no limits."""
    values = np.array([0.0, 1, 2, 4, 8, 16])
    found = bootstrap_of(lambda rows: {"mean": values[rows].mean()}, range(6))["mean"]
    every = np.mean(list(product(values, repeat=6)), axis=1)
    for limit, tails in ((found.low, (0.0005, 0.006)), (found.high, (0.994, 0.9995))):
        assert np.quantile(every, tails[0]) <= limit <= np.quantile(every, tails[1])
    assert np.isnan(three(bootstrap_of(lambda rows: {"x": 1.0}, range(5))["x"])).tolist() == [False, True, True]


def test_the_bootstrap_repeats_itself_and_does_not_hide_what_is_missing() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 40])

    def statistic(rows: np.ndarray) -> dict[str, float]:
        mean = float(values[rows].mean())
        return {"mean": mean, "known": mean if mean < 12 else nan}

    found, again = (bootstrap_of(statistic, range(8), resamples=400, seed=3) for _ in range(2))
    assert found == again != bootstrap_of(statistic, range(8), resamples=400, seed=4)
    assert three(found["known"]) == (8.5, -inf, inf)


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 1), (5, 0), (3, 9), (10, 10), (2, 30), (0, 1000)])
def test_exact_tests_are_scipys(one: int, other: int) -> None:
    found = mcnemar_of(one, other)
    expected = scipy_stats.binomtest(one, one + other).pvalue if one + other else 1.0
    assert found.p_value == pytest.approx(expected, rel=1e-9)
    assert sign_test_of([2.0] * one + [-inf] * other + [0.0] * 4) == found


def test_a_sign_test_refuses_what_has_no_sign() -> None:
    with pytest.raises(ValueError, match="1 of 2 differences are NaN"):
        sign_test_of([1, nan])


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.03, 0.5, 0.01, 0.02], [0.06, 0.5, 0.04, 0.06]),
        ([0.9, 0.8], [1.0, 1.0]),
        ([], []),
        ([0.2], [0.2]),
        ([0.02, 0.02, 0.5], [0.06, 0.06, 0.5]),
        ([0.0, 1.0], [0.0, 1.0]),
    ],
)
def test_holm_multiplies_by_how_many_are_left_and_never_falls(p_values: list[float], adjusted: list[float]) -> None:
    assert holm_of(p_values) == pytest.approx(adjusted, abs=1e-12)


def test_intervals_over_clusters_hold_the_truth() -> None:
    """Means of correlated units, powers that scatter over seeds, values known to the whole number only."""
    rng, trials = np.random.default_rng(0), 400
    held = {"mean": 0, "power": 0, "bracket": 0}
    x, seeds, clusters = np.tile([1.0, 4, 16], 5), np.repeat(np.arange(5), 3), np.repeat(np.arange(6), 4)
    for _ in range(trials):
        units, powers = rng.normal(size=6)[clusters] + rng.normal(size=24), 0.5 + 0.2 * rng.normal(size=5)
        known = rng.normal(size=4)
        for name, found, truth in (
            ("mean", cluster_mean(units, clusters), 0),
            ("power", log_log_slope(x, x ** powers[seeds], seeds), 0.5),
            ("bracket", bracketed_mean_of(np.floor(known), np.ceil(known)), 0),
        ):
            held[name] += found.low <= truth <= found.high
    assert all(least(trials) < count / trials for count in held.values()), held
    assert all(held[name] / trials < 1.9 - least(trials) for name in ("mean", "power")), held


def test_intervals_of_clustered_rates_hold_the_truth() -> None:
    """Networks whose own rate scatters about 0.7, 12 of them; Wilson's of all starts would hold it in 3 of 4."""
    rng, trials = np.random.default_rng(1), 400
    clusters = np.repeat(np.arange(12), 20)
    held = naive = 0
    for rates in rng.beta(3.5, 1.5, (trials, 12)):
        units = rng.random(240) < rates[clusters]
        found, independent = cluster_rate(units, clusters), rate_of(int(units.sum()), 240)
        held += found.low <= 0.7 <= found.high
        naive += independent.low <= 0.7 <= independent.high
    assert held / trials > least(trials) and naive / trials < 0.75


def test_verdicts_do_not_wait_for_scipys_statistics() -> None:
    """scipy.stats takes a second to import, in each command that analyses a run."""
    code = "import sys, modules.linbp.attack.results, suite.claims; print('scipy.stats' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=Path(__file__).parents[1], text=True) == "False\n"
