"""The radius at which half of the networks have one minimum, and its power law in d and m."""

from dataclasses import dataclass
from math import exp, log, nan

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

STEEPEST = 50.0  # of a fitted share: at the grids in use it cannot be told from a step

Floats = NDArray[np.float64]
Rows = NDArray[np.int_]


@dataclass(frozen=True)
class Cells:
    """Which networks have one minimum, in C cells of a dimension and a width each, at E radii.

    Args:
        d, m: (C,).
        eps: (C, E), ascending.
        single: (networks, C, E), 1 for one minimum and 0 for more.
    """

    d: Rows
    m: Rows
    eps: Floats
    single: Floats

    def half_way(self, networks: Rows) -> list[tuple[float, float]]:
        """eps50 and steepness of each cell over these networks."""
        return [half_way(*cell) for cell in zip(self.eps, self.single[networks].mean(0), strict=True)]

    def named(self, networks: Rows) -> dict[str, float]:
        """The same by names, such as `eps50 0` and `steepness 0` for the first cell."""
        fits = enumerate(self.half_way(networks))
        return {f"{name} {cell}": v for cell, fit in fits for name, v in zip(("eps50", "steepness"), fit, strict=True)}

    def power_law(self, networks: Rows) -> dict[str, float]:
        """d, m and constant of eps50 = constant d^p m^q, least squares on logarithms over cells that have an eps50.

        A variable of one value has no power, and no entry; what the cells do not determine is NaN.
        """
        eps50 = np.array([fit[0] for fit in self.half_way(networks)])
        known = np.isfinite(eps50)
        values = {name: column for name, column in (("d", self.d), ("m", self.m)) if len(np.unique(column)) > 1}
        varying = [name for name, column in values.items() if len(np.unique(column[known])) > 1]
        powers = dict.fromkeys((*values, "constant"), nan)
        if known.sum() <= len(varying):
            return powers
        design = np.stack([np.ones(known.sum()), *(np.log(values[name][known]) for name in varying)], 1)
        solution = np.linalg.lstsq(design, np.log(eps50[known]), rcond=None)[0].tolist()
        return {**powers, **dict(zip(varying, solution[1:], strict=True)), "constant": exp(solution[0])}


def half_way(eps: Floats, share: Floats) -> tuple[float, float]:
    """eps50 and k of share = 1 / (1 + (eps / eps50)^k), maximum likelihood; NaN where share stays on a side of 1/2.

    Args:
        eps: (E,), ascending.
        share: (E,), of networks with one minimum.
    """
    if share.min() > 0.5 or share.max() < 0.5:
        return nan, nan

    def minus_log_likelihood(parameters: Floats) -> float:
        logit = np.exp(parameters[1]) * (parameters[0] - np.log(eps))
        return float((share * np.logaddexp(0, -logit) + (1 - share) * np.logaddexp(0, logit)).sum())

    below = share >= 0.5
    begin = log(np.sqrt(eps[below].max() * eps[~below].min())) if (~below).any() else log(eps.max())
    bounds = [(log(eps.min()), log(eps.max())), (log(0.1), log(STEEPEST))]
    found = minimize(minus_log_likelihood, np.array([begin, log(3.0)]), bounds=bounds, method="L-BFGS-B").x
    return exp(found[0]), exp(found[1])
