"""Where a share passes one half along a grid: a logistic fit, honest about what the grid cannot tell; pure."""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

STEEPEST = float(2 * logit(0.99))  # a fitted share goes from 1 % to 99 % over no less than the finest gap of the grid

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Transition:
    """One passage of a share through one half along x, in log x.

    low, high: between which log x it lies. They are equal where shares between 0 and 1 show the place; on a step from 0
    to 1 within a gap of the grid they are the gap's ends, for nothing between them is better than anything else.
    steepness: k of share = 1 / (1 + (x50 / x)^k), negative where the share falls; none for a step.
    misfit: root mean square of share minus curve: a share that levels off elsewhere than at 0 and 1 is no such curve.
    """

    low: float
    high: float
    steepness: float | None
    misfit: float

    @property
    def place(self) -> float:
        """x50, for a step the middle of the gap."""
        return exp((self.low + self.high) / 2)


def transition(x: ArrayLike, share: ArrayLike) -> Transition | None:
    """Fits share = expit(k log(x / x50)) by maximum likelihood, shares counting as fractional successes.

    Args:
        x: > 0, each once.
        share: in [0, 1], as many.

    Returns:
        None where the share is on one side of one half over the whole grid, or the fit passes it outside of the grid.
    """
    order = np.argsort(x)
    u, shares = np.log(np.asarray(x, dtype=float)[order]), np.asarray(share, dtype=float)[order]
    if len(u) < 2 or shares.min() >= 0.5 or shares.max() <= 0.5:
        return None
    steepest = STEEPEST / float(np.diff(u).min())
    rising = float(np.sign(np.cov(u, shares)[0, 1])) or 1.0
    intercept, slope = _logistic(u - u.mean(), shares, rising, steepest)
    misfit = float(np.sqrt(np.mean((expit(intercept + slope * (u - u.mean())) - shares) ** 2)))
    if abs(slope) >= 0.999 * steepest and (gap := _gap(u, shares, rising)) is not None:
        return Transition(*gap, None, misfit)
    place = float(u.mean() - intercept / slope)
    return Transition(place, place, slope, misfit) if u[0] <= place <= u[-1] else None


def power(x: ArrayLike, lows: ArrayLike, highs: ArrayLike) -> tuple[float, float]:
    """Between which values the least-squares power p of x50 = constant x^p lies; they differ where an x50 is a step.

    The power is linear in the logarithms, so that each step's end that lowers it, or raises it, gives the limits.

    Args:
        x: (N,), > 0. lows, highs: (N,) of log x50.
    """
    u = np.log(np.asarray(x, dtype=float))
    weights = (u - u.mean()) / ((u - u.mean()) ** 2).sum()
    low, high = np.asarray(lows), np.asarray(highs)
    least, most = np.where(weights > 0, low, high), np.where(weights > 0, high, low)
    return float(weights @ least), float(weights @ most)


def width(steepness: float) -> float:
    """The factor in x over which the fitted share goes between 10 % and 90 %: 81^(1/|k|)."""
    return exp(2 * log(9) / abs(steepness))


def _logistic(u: Floats, share: Floats, rising: float, steepest: float) -> tuple[float, float]:
    """Intercept and slope of the logit; convex, and bounded so that separated shares have a solution."""

    def minus_log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        eta = parameters[0] + rising * parameters[1] * u
        value = share * np.logaddexp(0, -eta) + (1 - share) * np.logaddexp(0, eta)
        residual = expit(eta) - share
        return float(value.sum()), np.array([residual.sum(), rising * (residual * u).sum()])

    start = np.array([0.0, min(1.0, steepest)])
    bounds = [(None, None), (1e-3, steepest)]
    fit = minimize(minus_log_likelihood, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return float(fit[0]), rising * float(fit[1])


def _gap(u: Floats, share: Floats, rising: float) -> tuple[float, float] | None:
    """The neighbours on either side of one half, where the share passes it once and jumps by nearly everything."""
    above = (share > 0.5) if rising > 0 else (share < 0.5)
    changes = np.flatnonzero(np.diff(above.astype(int)))
    if len(changes) != 1:
        return None
    place = int(changes[0])
    return float(u[place]), float(u[place + 1])
