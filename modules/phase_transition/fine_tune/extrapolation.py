"""eps_star from few losses: where a curve through (eps, loss) reaches the threshold (Xing et al. 2022, Alg. A.1).

Points are (0, clean training loss) and a few fine-tuned losses at small eps. Beyond the last point every curve goes on
as a straight line with the slope that it has there: an extrapolation, and `Crossing.where` says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq, isotonic_regression

Array = NDArray[np.float64]

Where = Literal["within", "beyond", "starts above", "never"]
"""Whether the threshold is reached: within the range of the points; beyond their last, by extrapolation; not, because
the curve is above it at eps = 0 already; not, because the curve does not rise at its end and is still below."""


class Crossing(NamedTuple):
    """The largest eps at which a curve is not above the threshold, in the points' units; NaN where there is none."""

    eps: float
    where: Where


@dataclass(frozen=True)
class Curve:
    """Loss against eps: `within` from 0 to the last knot, from there on a straight line of slope `end_slope`.

    knots: (K + 1,) ascending from 0, between which the curve is monotone.
    """

    knots: Array
    within: Callable[[Array], Array]
    end_slope: float

    def __call__(self, eps: Array) -> Array:
        """Losses at strengths >= 0, of the same shape."""
        last = self.knots[-1]
        loss: Array = self.within(np.minimum(eps, last)) + self.end_slope * np.maximum(eps - last, 0)
        return loss

    def crossing(self, threshold: float) -> Crossing:
        """Where the curve reaches the threshold for the last time on its way up."""
        above = self.within(self.knots) - threshold
        if above[0] > 0:
            return Crossing(nan, "starts above")
        if above[-1] > 0:
            last = int(np.flatnonzero(above <= 0)[-1])
            ends = self.knots[last : last + 2]
            return Crossing(float(brentq(lambda eps: float(self.within(eps)) - threshold, *ends)), "within")
        if self.end_slope <= 0:
            return Crossing(nan, "never")
        return Crossing(float(self.knots[-1] - above[-1] / self.end_slope), "beyond" if above[-1] < 0 else "within")


def through_one(eps: Array, losses: Array) -> Curve:
    """The straight line through the clean point and the middle one of the others: one fine-tuning is enough."""
    middle = len(eps) // 2
    slope = (losses[middle] - losses[0]) / eps[middle]
    return _line(eps[[0, middle]], losses[0], slope)


def least_squares(eps: Array, losses: Array) -> Curve:
    """Ordinary least squares of the loss on eps over all points; it need not meet the clean one."""
    centred = eps - eps.mean()
    slope = float(centred @ losses / (centred @ centred))
    return _line(eps[[0, -1]], losses.mean() - slope * eps.mean(), slope)


def isotonic(eps: Array, losses: Array) -> Curve:
    """The nondecreasing losses nearest to the given ones in least squares, joined by straight lines."""
    fitted = _nondecreasing(losses)
    return Curve(eps, lambda at: np.interp(at, eps, fitted), float((fitted[-1] - fitted[-2]) / (eps[-1] - eps[-2])))


def monotone_spline(eps: Array, losses: Array) -> Curve:
    """The monotone cubic spline (PCHIP, Fritsch and Carlson 1980) through the points of `isotonic`.

    It meets every point where the losses are monotone. At its end it may be flat where the last piece is much less
    steep than the one before, and then goes on so.
    """
    spline = PchipInterpolator(eps, _nondecreasing(losses))
    return Curve(eps, spline, float(spline(eps[-1], 1)))


METHODS: dict[str, Callable[[Array, Array], Curve]] = {
    "1-point": through_one,
    "least-squares": least_squares,
    "isotonic": isotonic,
    "spline": monotone_spline,
}
"""By name; least squares is what the paper's Table 4 used (there "3-point"), and "1-point" its other column."""


def curve(method: str, clean_loss: float, eps: Sequence[float], losses: Sequence[float]) -> Curve:
    """The curve of a method in METHODS through the clean point and K >= 1 others.

    Args:
        eps: ascending strengths > 0, in any unit.
        losses: adversarial training losses at them.
    """
    return METHODS[method](np.array([0.0, *eps]), np.array([clean_loss, *losses]))


def _line(ends: Array, intercept: float, slope: float) -> Curve:
    return Curve(ends, lambda at: intercept + slope * np.asarray(at), float(slope))


def _nondecreasing(losses: Array) -> Array:
    fitted: Array = isotonic_regression(losses).x
    return fitted
