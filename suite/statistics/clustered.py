"""Estimates from units that are not independent: the clusters that they fall into are what is counted."""

from collections.abc import Callable, Mapping
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from suite.statistics import formulas
from suite.statistics.estimates import Estimate, mean_of, numbers

Rows = NDArray[np.int_]

FEWEST = 6  # clusters for a bootstrap: of fewer even the range of all resamples misses a mean in 1 / 16 or more


def cluster_mean(values: ArrayLike, clusters: ArrayLike, of: str = "", unit: str = "") -> Estimate:
    """The mean of the clusters' averages with Student's limits; n counts the clusters.

    Clusters weigh the same, whatever their sizes. A NaN makes all NaN. For yes and no take `cluster_rate`: shares that
    are all 1 have no spread that Student could see.

    Args:
        values: (N,), the units.
        clusters: (N,), the net, image or seed that each belongs to.
    """
    place, sizes = _places(clusters)
    sums = np.bincount(place, numbers(values), len(sizes))
    return mean_of(sums / sizes, of, unit)


def cluster_rate(successes: ArrayLike, clusters: ArrayLike, of: str = "") -> Estimate:
    """A share of all units with Wilson's limits at the effective number of them; n counts the clusters.

    The effective number is p (1 - p) over the variance of p between clusters (linearised ratio), at most the number of
    units, times (z / t)^2 for the degrees of freedom (Korn and Graubard 1998). Where all units agree that variance is
    not known, and a cluster counts as one unit; one cluster alone gives no limits.

    Args:
        successes: (N,) booleans.
        clusters: (N,), the net, image or seed that each belongs to.

    Raises TypeError for anything but booleans.
    """
    holds = np.asarray(successes)
    if holds.dtype != bool:
        raise TypeError(f"a rate is of booleans, not of {holds.dtype}")
    place, sizes = _places(clusters)
    units, n = len(place), len(sizes)
    if n < 2:
        return Estimate(float(holds.mean()) if units else nan, nan, nan, n, of)
    rate = float(holds.mean())
    residuals = np.bincount(place, holds, n) - rate * sizes
    variance = n / (n - 1) * float((residuals**2).sum()) / units**2
    effective = float(n)
    if 0 < rate < 1:
        independent = min(units, rate * (1 - rate) / variance) if variance else units
        effective = independent * (formulas.Z / float(formulas.quantile(np.array(n - 1)))) ** 2
    low, high = formulas.wilson(np.array(rate * effective), np.array(effective))
    return Estimate(rate, float(low), float(high), n, of)


def log_log_slope(x: ArrayLike, y: ArrayLike, clusters: ArrayLike | None = None, of: str = "") -> Estimate:
    """The power p of y = constant x^p, by least squares on logarithms.

    With clusters (seeds, nets): a power for each, and Student's interval over them; n counts the clusters. Without:
    one line through all points, Student's interval from the residuals with n - 2 degrees of freedom, n counts points;
    they must be independent, and a bend widens the interval as scatter does.

    All NaN where a value is not positive, or infinite, or a cluster has fewer than two different x: what has no
    logarithm is for the caller to leave out, and to count as lost.

    Args:
        x, y: (N,), positive.
        clusters: (N,), the seed or net that measured each point.
    """
    one, other = numbers(x), numbers(y)
    usable = (one > 0) & (other > 0) & np.isfinite(one) & np.isfinite(other)
    place, sizes = _places(np.zeros(len(one), int) if clusters is None else clusters)
    n = len(one) if clusters is None else len(sizes)
    if not n or not usable.all():
        return Estimate(nan, nan, nan, n, of)
    u, v = np.log(one), np.log(other)
    u -= (np.bincount(place, u) / sizes)[place]
    v -= v[np.unique(place, return_index=True)[1]][place]  # of equal y the power is 0 exactly, not a rounding error
    squares = np.bincount(place, u * u)
    if not (squares > 1e-20).all():
        return Estimate(nan, nan, nan, n, of)
    if clusters is not None:
        return mean_of(np.bincount(place, u * v) / squares, of)
    slope = float(u @ v / squares[0])
    residuals = v - v.mean() - slope * u
    half = (
        float(formulas.quantile(np.array(n - 2))) * sqrt(residuals @ residuals / (n - 2) / squares[0]) if n > 2 else nan
    )
    return Estimate(slope, slope - half, slope + half, n, of)


def bootstrap_of(
    statistic: Callable[[Rows], Mapping[str, float]],
    clusters: ArrayLike,
    of: str = "",
    *,
    resamples: int = 2000,
    seed: int | tuple[int, ...] = 0,
) -> dict[str, Estimate]:
    """Anything that is computed from many rows, with limits by drawing whole clusters with replacement.

    Limits are percentiles, further out for few clusters n as Student's are than the normal distribution's: the tails
    are Phi(-sqrt(n / (n - 1)) t_{n - 1}), about 2.5 % for many (Hesterberg 2015, expanded percentiles). A resample in
    which a quantity is NaN counts as -inf for its lower and as inf for its upper limit. No limits for fewer than
    six clusters: all their resamples together are too narrow.

    Args:
        statistic: row numbers, some of them several times, to named numbers; also called with all rows once.
        clusters: (N,), the independent unit that each row belongs to; `range(N)` where that is the row itself.
        seed: of the generator; the same seed draws the same resamples.
    """
    place, sizes = _places(clusters)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(sizes)[:-1])
    n, rng = len(sizes), np.random.default_rng(seed)
    whole = statistic(np.arange(len(place)))
    if n < FEWEST:
        return {name: Estimate(value, nan, nan, n, of) for name, value in whole.items()}
    drawn = [statistic(np.concatenate([members[k] for k in row])) for row in rng.integers(n, size=(resamples, n))]
    return {
        name: Estimate(value, *limits_of_draws(np.array([one[name] for one in drawn]), n), n, of)
        for name, value in whole.items()
    }


def limits_of_draws(drawn: NDArray[Any], n: int) -> tuple[float, float]:
    """The 95 % limits of a quantity from its values (resamples,) in resamples of n >= 2 independent units.

    Expanded percentiles, as `bootstrap_of` has them; a NaN counts as -inf for the lower and as inf for the upper limit.
    """
    tail = float(ndtr(-sqrt(n / (n - 1)) * formulas.quantile(np.array(n - 1))))
    beyond = int(tail * len(drawn))
    low, high = (np.sort(np.where(np.isnan(drawn), end, drawn)) for end in (-np.inf, np.inf))
    return float(low[beyond]), float(high[-1 - beyond])


def _places(clusters: ArrayLike) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """(N,) number of each unit's cluster, and (clusters,) their sizes."""
    _, place, sizes = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    return place, sizes
