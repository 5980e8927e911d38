"""The 95 % limits and p-values themselves, each once, for arrays of any shape: numbers and columns both use them.

Distributions are those of scipy.special, which every command can afford to import; scipy.stats takes a second more.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrik, ndtri, stdtrit

Array = NDArray[Any]

TAIL = 0.025  # on either side of a 95 % interval
Z = float(ndtri(1 - TAIL))


def quantile(freedom: Array) -> Array:
    """Half of a 95 % interval in standard errors: Student's, of so many degrees of freedom; NaN for none."""
    found: Array = stdtrit(freedom, 1 - TAIL)
    return found


def wilson(successes: Array, n: Array) -> tuple[Array, Array]:
    """Wilson's score limits of a rate (1927): both p with |successes / n - p| = z sqrt(p (1 - p) / n); NaN for n = 0.

    Both arguments may be fractional, as effective numbers are.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, scale = successes / n, 1 + Z**2 / n
        centre = rate + Z**2 / (2 * n)
        half = Z * np.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
        # With no and with only successes the outer limit is exactly 0 and 1; rounding must not say otherwise.
        low = np.where((successes == 0) & (n > 0), 0.0, (centre - half) / scale)
        high = np.where((successes == n) & (n > 0), 1.0, (centre + half) / scale)
    return low, high


def student(mean: Array, spread: Array, n: Array) -> tuple[Array, Array]:
    """Student's limits of a mean from the standard deviation (n - 1 in its denominator); NaN for n < 2."""
    with np.errstate(invalid="ignore", divide="ignore"):
        half = quantile(n - 1) * spread / np.sqrt(n)
        return mean - half, mean + half


def welch(first: Array, second: Array) -> tuple[float, float]:
    """Limits of the difference of two means, of samples (N,) with spreads of their own (Welch 1947); N >= 2."""
    errors = [sample.var(ddof=1) / len(sample) for sample in (first, second)]
    spread = sum(errors)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = spread**2 / sum(
            error**2 / (len(each) - 1) for error, each in zip(errors, (first, second), strict=True)
        )
        half = float(quantile(freedom) * np.sqrt(spread))
    difference = float(first.mean() - second.mean())
    return difference - half, difference + half


def newcombe(both: Array, only_first: Array, only_second: Array, neither: Array) -> tuple[Array, Array]:
    """Limits of the first rate minus the second on the same units, by Newcombe's square-and-add (1998, method 10).

    Wilson's limits of both rates are joined with a continuity-corrected correlation between them. Unlike Wald's, the
    interval does not shrink to nothing when the two never disagree. NaN where all counts are 0.
    """
    first, second, n = both + only_first, both + only_second, both + only_first + only_second + neither
    (low_1, high_1), (low_2, high_2) = wilson(first, n), wilson(second, n)
    association = both * neither - only_first * only_second * 1.0
    association = np.where(association > 0, np.maximum(association - n / 2, 0), association)
    margins = first * 1.0 * (n - first) * second * (n - second)
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = np.where(margins > 0, association / np.sqrt(margins), 0.0)
        rate_1, rate_2 = first / n, second / n
        below = _square_and_add(rate_1 - low_1, high_2 - rate_2, phi)
        above = _square_and_add(high_1 - rate_1, rate_2 - low_2, phi)
        return rate_1 - rate_2 - below, rate_1 - rate_2 + above


def even_odds(first: Array, second: Array) -> Array:
    """Two-sided exact p-value of a split into `first` and `second` where either was as likely; 1 for no units."""
    p: Array = np.minimum(1.0, 2 * bdtr(np.minimum(first, second), first + second, 0.5))
    return p


def median_rank(n: Array) -> Array:
    """The k for which the k-th smallest and the k-th largest of n values are exact limits of the median; 0 for none.

    It is the largest k with P(Bin(n, 1/2) < k) <= 2.5 %, whatever the values' distribution; there is none for n < 6.
    """
    with np.errstate(invalid="ignore"):
        beyond = np.maximum(np.ceil(bdtrik(TAIL, n, 0.5)), 1)  # rounding may put it one too far
        rank = np.where(bdtr(beyond - 1, n, 0.5) >= TAIL, beyond - 1, beyond)
    found: Array = np.where(n > 0, rank, 0).astype(np.int64)
    return found


def _square_and_add(one: Array, other: Array, phi: Array) -> Array:
    root: Array = np.sqrt(np.maximum(one**2 - 2 * phi * one * other + other**2, 0.0))
    return root
