"""Slopes of straight lines with other columns fitted beside them."""

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from suite.statistics import formulas
from suite.statistics.estimates import Estimate, numbers


def slope_of(x: ArrayLike, y: ArrayLike, beside: Sequence[ArrayLike] = (), of: str = "") -> Estimate:
    """The slope b of y = a + b x + c z + ... by least squares, with Student's limits from the residuals.

    What the line misses widens the interval as scatter does. All NaN where the points do not determine the slope and
    its error: no degree of freedom is left, or x is a combination of the columns beside it; or for a NaN.

    Args:
        x, y: (N,), of independent points.
        beside: further columns z (N,), such as the next term of a series.
    """
    columns, values = [numbers(column) for column in (x, *beside)], numbers(y)
    design = np.column_stack([*columns, np.ones(len(values))])
    freedom = len(values) - design.shape[1]
    usable = np.isfinite(design).all() and np.isfinite(values).all()
    if freedom < 1 or not usable or np.linalg.matrix_rank(design) < design.shape[1]:
        return Estimate(nan, nan, nan, len(values), of)
    (slope, *_), (squares,) = np.linalg.lstsq(design, values, rcond=None)[:2]
    error = float(squares / freedom * np.linalg.inv(design.T @ design)[0, 0]) ** 0.5
    half = float(formulas.quantile(np.array(freedom))) * error
    return Estimate(float(slope), float(slope) - half, float(slope) + half, len(values), of)
