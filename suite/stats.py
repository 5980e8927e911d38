"""Intervals for rates and paired tests between methods on the same samples."""

from dataclasses import dataclass
from math import sqrt

from scipy.stats import binomtest, norm


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
