"""Wilson's interval against its defining equation, published values and its exact coverage; McNemar by counting."""

from math import comb, sqrt
from statistics import NormalDist

import numpy as np
import pytest

from suite.stats import holm, mcnemar_exact, mean_interval, paired_difference, wilson

CASES = [(0, 10), (1, 10), (5, 10), (10, 10), (1, 1), (0, 1), (81, 263), (15, 148), (9999, 10000), (3, 100000)]


@pytest.mark.parametrize(("successes", "n"), CASES)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_limits_solve_the_defining_equation(successes: int, n: int, level: float) -> None:
    """(p_hat - p)^2 = z^2 p (1 - p) / n at both limits, the lower below and the upper above p_hat."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    interval = wilson(successes, n, level)
    for p in (interval.low, interval.high):
        assert (interval.rate - p) ** 2 == pytest.approx(z * z * p * (1 - p) / n, rel=1e-9, abs=1e-15)
    assert 0 <= interval.low <= interval.rate == successes / n <= interval.high <= 1
    assert interval.low < interval.high and interval.n == n


def test_published_values() -> None:
    """Newcombe (1998), Table I, method 3, at 95 %."""
    for successes, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        interval = wilson(successes, n)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_nothing_and_everything_are_closed_forms() -> None:
    """Limits n / (n + z^2) and z^2 / (n + z^2), and exactly 0 and 1 on the other side."""
    z2 = NormalDist().inv_cdf(0.975) ** 2
    for n in (1, 7, 1000, 12345):
        assert wilson(0, n).low == 0 and wilson(0, n).high == pytest.approx(z2 / (n + z2))
        assert wilson(n, n).high == 1 and wilson(n, n).low == pytest.approx(n / (n + z2))


def test_successes_and_failures_mirror_each_other() -> None:
    for successes, n in CASES:
        here, there = wilson(successes, n), wilson(n - successes, n)
        assert (here.low, here.high) == pytest.approx((1 - there.high, 1 - there.low), abs=1e-12)


@pytest.mark.parametrize("n", [20, 100])
def test_coverage_by_the_exact_binomial_sum(n: int) -> None:
    """Near 95 % on average over p, and nowhere in [0.05, 0.95] below 91 %: Wald's interval falls to 64 % there."""
    intervals = [wilson(k, n) for k in range(n + 1)]

    def coverage(p: float) -> float:
        return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if inside(intervals[k], p))

    def inside(interval: object, p: float) -> bool:
        return interval.low <= p <= interval.high  # type: ignore[attr-defined,no-any-return]

    covered = [coverage(float(p)) for p in np.linspace(0.05, 0.95, 181)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)
    assert min(covered) > 0.91


def test_a_higher_level_is_a_wider_interval_and_more_samples_a_narrower_one() -> None:
    narrow, wide, many = wilson(30, 100, 0.9), wilson(30, 100, 0.99), wilson(3000, 10000, 0.99)
    assert wide.low < narrow.low and narrow.high < wide.high
    assert many.high - many.low == pytest.approx((wide.high - wide.low) / 10, rel=0.1)
    half = 1.959963984540054 * sqrt(0.21 / 1e8)  # the normal approximation, for very many
    huge = wilson(30_000_000, 100_000_000)
    assert (huge.low, huge.high) == pytest.approx((0.3 - half, 0.3 + half), abs=1e-8)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 10), (11, 10), (1, 0)])
def test_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} successes of {n}"):
        wilson(successes, n)


@pytest.mark.parametrize(("b", "c"), [(0, 1), (0, 5), (1, 0), (3, 9), (9, 3), (10, 10), (1, 12), (40, 60), (7, 8)])
def test_mcnemar_is_the_binomial_sum(b: int, c: int) -> None:
    """p = min(1, 2 sum_{i <= min(b, c)} C(b + c, i) / 2^(b + c))."""
    n = b + c
    expected = min(1.0, 2 * sum(comb(n, i) for i in range(min(b, c) + 1)) / 2**n)
    test = mcnemar_exact(b, c)
    assert test.p_value == pytest.approx(expected, rel=1e-9)
    assert (test.only_first, test.only_second) == (b, c)


def test_mcnemar_at_the_edges() -> None:
    assert mcnemar_exact(0, 0).p_value == 1  # nothing differs
    assert mcnemar_exact(7, 7).p_value == 1
    assert mcnemar_exact(0, 10).p_value == pytest.approx(2**-9)
    assert mcnemar_exact(2, 30).p_value == mcnemar_exact(30, 2).p_value
    assert 0 < mcnemar_exact(0, 1000).p_value < 1e-200


def test_mcnemar_rejects_at_most_as_often_as_it_says() -> None:
    """Under the null hypothesis P(p <= 0.05) <= 0.05, by the exact sum over splits."""
    for n in (5, 6, 17, 60):
        rejected = sum(comb(n, b) for b in range(n + 1) if mcnemar_exact(b, n - b).p_value <= 0.05) / 2**n
        assert rejected <= 0.05


def test_mean_interval_solves_its_definition_and_covers() -> None:
    """|mean - limit| = t_{n-1} s / sqrt(n); 95 % of 4,000 intervals hold the mean within 4 standard errors."""
    values = np.array([1.0, 2.0, 4.0, 9.0])
    found = mean_interval(values)
    assert (found.mean, found.n) == (4.0, 4)
    assert found.high - found.mean == pytest.approx(3.182446305 * values.std(ddof=1) / 2, rel=1e-9)  # t table, 3 d.f.
    assert found.mean - found.low == pytest.approx(found.high - found.mean)
    draws = np.random.default_rng(0).normal(1, 3, (4000, 5))
    covered = [found.low <= 1 <= found.high for found in map(mean_interval, draws)]
    assert abs(np.mean(covered) - 0.95) < 4 * sqrt(0.95 * 0.05 / 4000)


def test_means_of_one_and_of_none() -> None:
    one, none = mean_interval([2.0]), mean_interval([])
    assert (one.mean, one.n) == (2.0, 1) and np.isnan([one.low, one.high]).all()
    assert none.n == 0 and np.isnan([none.mean, none.low, none.high]).all()


def test_paired_difference_without_correlation_is_newcombes_square_and_add() -> None:
    """phi = 0 where both n = ad - bc: limits D - sqrt((p1-l1)^2 + (u2-p2)^2) and D + sqrt((u1-p1)^2 + (p2-l2)^2)."""
    found = paired_difference(10, 10, 10, 10)
    one = wilson(20, 40)
    half = sqrt((one.rate - one.low) ** 2 + (one.high - one.rate) ** 2)
    assert (found.difference, found.n) == (0, 40)
    assert (found.low, found.high) == (pytest.approx(-half), pytest.approx(half))


def test_paired_difference_is_antisymmetric_and_stays_in_range() -> None:
    for counts in [(3, 5, 2, 10), (0, 10, 0, 0), (10, 0, 0, 0), (0, 0, 0, 7), (1, 0, 0, 0), (90, 9, 1, 0)]:
        both, first, second, neither = counts
        found, other = paired_difference(*counts), paired_difference(both, second, first, neither)
        assert found.difference == pytest.approx((first - second) / sum(counts), abs=1e-15)
        assert (other.low, other.high) == pytest.approx((-found.high, -found.low), abs=1e-12)
        assert -1 <= found.low <= found.difference <= found.high <= 1
        assert found.low < found.high


def test_paired_difference_covers() -> None:
    """4,000 tables of 60 correlated pairs, true difference 0.2: coverage not below 95 % less 4 standard errors."""
    tables = np.random.default_rng(1).multinomial(60, [0.4, 0.25, 0.05, 0.3], 4000)
    covered = [found.low <= 0.2 <= found.high for found in (paired_difference(*map(int, t)) for t in tables)]
    assert 0.95 - 4 * sqrt(0.95 * 0.05 / 4000) < np.mean(covered) < 0.985


def test_holm_by_hand() -> None:
    """Sorted 0.01, 0.02, 0.03, 0.5: times 4, 3, 2, 1, then the running maximum."""
    assert holm([0.03, 0.5, 0.01, 0.02]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == [] and holm([0.2]) == [0.2]


def test_holm_keeps_the_family_wise_error() -> None:
    """20 true hypotheses: in at most 5 % of 4,000 families, within 4 standard errors, is any rejected."""
    families = np.random.default_rng(2).uniform(size=(4000, 20))
    wrong = np.mean([min(holm(list(family))) <= 0.05 for family in families])
    assert 0.02 < wrong < 0.05 + 4 * sqrt(0.05 * 0.95 / 4000)
