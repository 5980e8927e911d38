"""The strength at which the mean p-value of one size's trainings has halved."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from suite.statistics import Estimate, bootstrap_of

Floats = NDArray[np.float64]

HALF = 0.25  # half of the mean p-value where nothing has changed
RESAMPLES = 500


def halving(tests: pl.DataFrame, units: dict[str, float], seed: tuple[int, ...]) -> dict[str, Estimate]:
    """Where the mean p-value falls through 1/4, in several units, with 95 % bootstrap intervals over data sets.

    Args:
        tests: of one size, `repeat`, `eps` and `p` for each data set and strength; p is null where a training diverged.
        units: by name.
    """
    repeats = tests["repeat"].n_unique()
    p, eps = (tests[name].to_numpy().reshape(repeats, -1) for name in ("p", "eps"))

    def falls(rows: NDArray[np.int_]) -> dict[str, float]:
        at = _falls_through(eps[0], p[rows])
        return {name: at / unit for name, unit in units.items()}

    return bootstrap_of(falls, range(repeats), "data sets", resamples=RESAMPLES, seed=seed)


def _falls_through(eps: Floats, p: Floats) -> float:
    """Where the mean of p (R, E) over data sets last falls through HALF, linear in log eps; NaN where it does not."""
    counts = np.isfinite(p).sum(0)
    here = (eps > 0) & (counts > 0)
    x, mean = np.log(eps[here]), np.nansum(p[:, here], 0) / counts[here]
    above = np.flatnonzero(mean >= HALF)
    if not len(above) or above[-1] + 1 == len(mean):
        return float("nan")
    k = above[-1]
    share = (mean[k] - HALF) / (mean[k] - mean[k + 1])
    return float(np.exp(x[k] + share * (x[k + 1] - x[k])))
