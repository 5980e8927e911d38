"""Intervals for rates and means, paired tests and differences of methods on the same samples, many tests at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm
from scipy.stats import t as student


@dataclass(frozen=True)
class Interval:
    """A rate `successes / n` with its confidence limits, all in [0, 1]."""

    rate: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval for a binomial rate (Wilson 1927): the p with |p_hat - p| <= z sqrt(p (1-p) / n).

    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes of {n}")
    z = float(norm.ppf((1 + level) / 2))
    rate, scale = successes / n, 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / scale
    half = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / scale
    # The limits at 0 and n successes are exactly 0 and 1; rounding must not say otherwise.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(rate, low, high, n)


@dataclass(frozen=True)
class PairedTest:
    """Two methods on the same samples: where only one succeeded, and how surprising the split is if they were alike."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar_exact(only_first: int, only_second: int) -> PairedTest:
    """McNemar's exact test (two-sided): given the discordant pairs, each side is as likely as the other."""
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return PairedTest(only_first, only_second, p_value)


@dataclass(frozen=True)
class Mean:
    """A mean of n independent values with its confidence limits, in the values' units."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: Sequence[float] | NDArray[np.floating], level: float = 0.95) -> Mean:
    """Student's t interval for the mean of finite values; limits are NaN for one value, all is NaN for none."""
    sample = np.asarray(values, dtype=np.float64)
    n = len(sample)
    mean = float(sample.mean()) if n else nan
    if n < 2:
        return Mean(mean, nan, nan, n)
    half = float(student.ppf((1 + level) / 2, n - 1) * sample.std(ddof=1)) / sqrt(n)
    return Mean(mean, mean - half, mean + half, n)


@dataclass(frozen=True)
class Difference:
    """Rate of a method minus that of another on the same n samples, with its confidence limits, in [-1, 1]."""

    difference: float
    low: float
    high: float
    n: int


def paired_difference(both: int, only_first: int, only_second: int, neither: int, level: float = 0.95) -> Difference:
    """First rate minus second rate of two methods on the same samples, by Newcombe's square-and-add (1998, method 10).

    Wilson's intervals of both rates are joined, with a continuity-corrected estimate of the correlation between
    them: unlike Wald's, the interval does not shrink to nothing when the two never disagree.
    """
    n = both + only_first + only_second + neither
    first, second = wilson(both + only_first, n, level), wilson(both + only_second, n, level)
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    association: float = both * neither - only_first * only_second
    if association > 0:
        association = max(association - n / 2, 0)
    phi = association / sqrt(margins) if margins else 0.0
    difference = first.rate - second.rate
    below = _square_and_add(first.rate - first.low, second.high - second.rate, phi)
    above = _square_and_add(first.high - first.rate, second.rate - second.low, phi)
    return Difference(difference, difference - below, difference + above, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number by Holm (1979): those <= alpha hold together at family-wise error alpha."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _square_and_add(one: float, other: float, phi: float) -> float:
    return sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))
