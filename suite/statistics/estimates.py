"""A number with its 95 % interval, from independent values or counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.statistics import formulas


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % limits.

    Args:
        value: NaN where there is no number.
        low, high: NaN where there is no interval, infinite where a side is open, both `value` for what is exact.
        n: how many independent units it is over.
        of: what the n are, in the plural: images, seeds, nets.
        unit: of value and limits; empty for pure numbers.
    """

    value: float
    low: float
    high: float
    n: int
    of: str = ""
    unit: str = ""

    @property
    def half_width(self) -> float:
        """Half the distance between the limits."""
        return (self.high - self.low) / 2

    def columns(self) -> dict[str, float | int | None]:
        """The row `value, low, high, n` of a table, in which what does not exist is null."""
        value, low, high = (None if isnan(number) else number for number in (self.value, self.low, self.high))
        return {"value": value, "low": low, "high": high, "n": self.n}

    @classmethod
    def read(cls, row: Mapping[str, Any], of: str, unit: str = "", prefix: str = "") -> "Estimate":
        """The same back from a table's row; `prefix` stands before the four column names."""
        value, low, high = (
            nan if row[prefix + name] is None else row[prefix + name] for name in ("value", "low", "high")
        )
        return cls(value, low, high, row[f"{prefix}n"], of, unit)


def rate_of(successes: int, n: int, of: str = "") -> Estimate:
    """A share of n independent units, in [0, 1], with Wilson's limits; all NaN for n = 0.

    Raises ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    low, high = formulas.wilson(np.array(successes), np.array(n))
    return Estimate(successes / n if n else nan, float(low), float(high), n, of)


def mean_of(values: ArrayLike, of: str = "", unit: str = "") -> Estimate:
    """The mean of independent values with Student's limits; no limits for one value, all NaN for none or for a NaN.

    Limits are also NaN where a value is infinite.
    """
    sample = numbers(values)
    n = len(sample)
    value = float(sample.mean()) if n else nan
    if n < 2 or not np.isfinite(sample).all():
        return Estimate(value, nan, nan, n, of, unit)
    low, high = formulas.student(sample.mean(), sample.std(ddof=1), np.array(n))
    return Estimate(value, float(low), float(high), n, of, unit)


def geometric_mean_of(values: ArrayLike, of: str = "", unit: str = "") -> Estimate:
    """The geometric mean of positive values, ratios above all: exp of the mean logarithm and of its Student limits.

    All NaN where a value is not positive, or infinite: it has no logarithm to average.
    """
    logs = mean_of(_logarithms(numbers(values)), of)
    return Estimate(_exp(logs.value), _exp(logs.low), _exp(logs.high), logs.n, of, unit)


def median_of(values: ArrayLike, of: str = "", unit: str = "") -> Estimate:
    """The median of independent values, with limits that are exact for any distribution: two of the ordered values.

    Values may be infinite: censored, such as the step of an event that did not come in time. No limits for fewer than
    six values, of which even the range misses the median too often; all NaN for none or for a NaN.
    """
    ordered = np.sort(numbers(values))
    n = len(ordered)
    if not n or np.isnan(ordered).any():
        return Estimate(nan, nan, nan, n, of, unit)
    rank, middle = int(formulas.median_rank(np.array(n))), (ordered[(n - 1) // 2], ordered[n // 2])
    value = float(middle[0] if middle[0] == middle[1] else (middle[0] + middle[1]) / 2)
    low, high = (ordered[rank - 1], ordered[n - rank]) if rank else (nan, nan)
    return Estimate(value, float(low), float(high), n, of, unit)


def paired_difference_of(both: int, only_first: int, only_second: int, neither: int, of: str = "") -> Estimate:
    """First rate minus second rate of two methods on the same units, in [-1, 1], with Newcombe's limits.

    Args:
        both, only_first, only_second, neither: units on which so many of the two methods succeed; all NaN for no units.
    """
    n = both + only_first + only_second + neither
    low, high = formulas.newcombe(*(np.array(count) for count in (both, only_first, only_second, neither)))
    return Estimate((only_first - only_second) / n if n else nan, float(low), float(high), n, of)


def ratio_of(first: ArrayLike, second: ArrayLike, of: str = "", *, paired: bool = True) -> Estimate:
    """First over second, on the log scale: the ratio of the geometric means, with Student's or Welch's limits.

    All NaN where a value is not positive, or infinite. With one value on a side that is not paired, no limits.

    Args:
        first, second: positive values; of the same units in the same order if paired, else of different units.
        paired: n counts the pairs; without, the units of both sides together.

    Raises ValueError for pairs of unequal lengths.
    """
    one, other = numbers(first), numbers(second)
    if paired:
        if len(one) != len(other):
            raise ValueError(f"{len(one)} values against {len(other)} are no pairs")
        with np.errstate(invalid="ignore", divide="ignore"):
            return geometric_mean_of(np.where((one > 0) & (other > 0), one / other, nan), of)
    n, logs = len(one) + len(other), [_logarithms(side) for side in (one, other)]
    if not all(len(side) and np.isfinite(side).all() for side in logs):
        return Estimate(nan, nan, nan, n, of)
    low = high = nan
    if all(len(side) > 1 for side in logs):
        low, high = formulas.welch(*logs)
    return Estimate(_exp(logs[0].mean() - logs[1].mean()), _exp(low), _exp(high), n, of)


def bracketed_mean_of(lows: ArrayLike, highs: ArrayLike, of: str = "", unit: str = "") -> Estimate:
    """The mean of independent values that are known between two ends each; the limits hold wherever they lie there.

    The value is the mean of the middles. With half widths h, the mean lies within mean(h) of it, and the standard
    deviation is at most that of the middles plus sqrt(sum h^2 / (n - 1)) (triangle inequality): Student's limits are
    widened by both. An infinite end leaves no value and the limits -inf and inf: any mean may then be true.

    Raises ValueError where an end is NaN or the ends are in the wrong order.
    """
    low, high = numbers(lows), numbers(highs)
    if low.shape != high.shape or not (low <= high).all():
        raise ValueError("each value needs a lower and an upper end, in this order")
    n = len(low)
    if n and not np.isfinite([low, high]).all():
        return Estimate(nan, -np.inf, np.inf, n, of, unit)
    middle, half = mean_of((low + high) / 2, of, unit), (high - low) / 2
    if n < 2:
        return middle
    spread = float(np.std((low + high) / 2, ddof=1)) + float(np.sqrt((half**2).sum() / (n - 1)))
    bottom, _ = formulas.student(middle.value - half.mean(), np.array(spread), np.array(n))
    _, top = formulas.student(middle.value + half.mean(), np.array(spread), np.array(n))
    return Estimate(middle.value, float(bottom), float(top), n, of, unit)


def numbers(values: ArrayLike) -> NDArray[np.float64]:
    """Values as float64 (N,). A null of a polars column becomes NaN, which no estimate leaves out."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1:
        raise ValueError(f"one axis of values is needed, not {sample.ndim}")
    return sample


def _logarithms(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """NaN where a value has no finite logarithm."""
    usable = (values > 0) & np.isfinite(values)
    return np.log(np.where(usable, values, nan))


def _exp(logarithm: float) -> float:
    """Infinite where it is too large for a float."""
    with np.errstate(over="ignore"):
        return float(np.exp(logarithm))
