"""Critical strengths of one size d/n from its data sets' least losses: by the losses, and by the parameters."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

from modules.phase_transition import theory
from modules.phase_transition.linear.config import LinearConfig
from suite.statistics import Estimate, bootstrap_of

Floats = NDArray[np.float64]

RESAMPLES = 200


def critical_strengths(minima: pl.DataFrame, d: int, n: int, config: LinearConfig) -> dict[str, Estimate]:
    """Of the data sets of one size, with 95 % bootstrap intervals over them.

    eps_star: where the adversarial training loss reaches the clean test loss, both in expectation. parted: where the
    mean square of |theta_hat(eps) - theta_hat(0)| reaches the clean estimate's mean squared distance from its
    expectation, Theorem 1's measure. delta: E Delta; rise: Theorem 2's (adversarial - clean training loss) / Delta at
    sqrt(d/n); at_rest: by how much the clean model tests better than the predictor 0.
    """
    repeats = minima["repeat"].n_unique()
    names = ("eps", "loss", "slope", "apart2", "clean_test", "spread2", "noise2", "y2")
    columns = {name: minima[name].to_numpy().reshape(repeats, -1) for name in names}
    order, noise = theory.eps_star_order(n, d), config.noise_variance
    variances = (noise, noise + config.theta0_norm**2)

    def strengths(rows: NDArray[np.int_]) -> dict[str, float]:
        return _strengths({name: values[rows] for name, values in columns.items()}, order, variances)

    return bootstrap_of(strengths, range(repeats), "data sets", resamples=RESAMPLES, seed=(config.seed, d, n))


def bound(found: Mapping[str, Estimate], largest: float) -> str:
    """Words for an eps_star that was not found among strengths up to the largest; empty for one that was."""
    if np.isfinite(found["eps_star"].value):
        return ""
    if found["delta"].value <= 0:
        return "< 0: the clean training loss is above the clean test loss"
    if found["at_rest"].value <= 0:
        return "is infinite: the clean model tests no better than the predictor 0"
    return f"> {largest:.3g}"


def adjusted_mean(values: Floats, controls: Floats) -> Floats:
    """Expectations (E,) of values (R, E), given controls (R, C) of expectation 0: the intercepts of the regression.

    The mean squares of the noise and of y are known in expectation and carry most of the scatter of a training loss.
    """
    design = np.column_stack([np.ones(len(controls)), controls])
    fitted: Floats = np.linalg.lstsq(design, values, rcond=None)[0][0]
    return fitted


def _strengths(cell: Mapping[str, Floats], order: float, variances: tuple[float, float]) -> dict[str, float]:
    """The quantities of `critical_strengths` from columns (R, E), eps = 0 first; variances: of the noise and of y."""
    eps = cell["eps"][0]
    controls = np.stack([cell["noise2"][:, 0], cell["y2"][:, 0]], 1) - variances
    over = adjusted_mean(cell["loss"] - cell["clean_test"], controls)
    loss = CubicHermiteSpline(eps, over, adjusted_mean(cell["slope"], controls))
    return {
        "eps_star": _crossing(loss, eps, over),
        "parted": _reaches(eps, cell["apart2"].mean(0), float(cell["spread2"][:, 0].mean())),
        "delta": -float(over[0]),
        "rise": float(loss(order) - over[0]) / -float(over[0]) if order <= eps[-1] else float("nan"),
        "at_rest": float(adjusted_mean((cell["y2"] - cell["clean_test"])[:, :1], controls)[0]),
    }


def _crossing(over: CubicHermiteSpline, eps: Floats, values: Floats) -> float:
    """Where the curve through these values last rises through 0; NaN where it does not."""
    below = np.flatnonzero(values < 0)
    if not len(below) or below[-1] + 1 == len(values):
        return float("nan")
    roots = over.solve(0.0, extrapolate=False)
    return float(roots[(roots >= eps[below[-1]]) & (roots <= eps[below[-1] + 1])].max())


def _reaches(eps: Floats, apart2: Floats, spread2: float) -> float:
    """Where the root of the mean squared distance first reaches that of the spread; NaN where it does not."""
    if not apart2.max() > spread2:
        return float("nan")
    return float(PchipInterpolator(eps, np.sqrt(apart2)).solve(spread2**0.5, extrapolate=False).min())
