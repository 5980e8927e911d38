"""Numbers to compare with, since the paper prints none for Fig. 1: those of an independent simulation in numpy.

Mean number of local minima of -(y - f)^2 on the circle, two-layer softplus network on R^2, m = 1000, y = 1,
|x| = scale, eps = ratio scale, 40 networks, rounded to two decimals.
"""

from collections.abc import Mapping

NETWORKS = 40
ROUNDING = 0.005
SETTING: Mapping[str, object] = {"m": 1000, "beta": 1.0, "loss": "quadratic", "y": 1.0}

_RATIOS = (0.001, 0.01, 0.1, 1.0, 10.0)
_BY_SCALE = {
    0.01: (1.0, 1.0, 1.0, 1.0, 1.0),
    0.1: (1.0, 1.0, 1.0, 1.0, 1.30),
    1.0: (1.0, 1.0, 1.0, 1.23, 2.80),
    10.0: (1.0, 1.02, 1.05, 2.10, 5.72),
    100.0: (1.0, 1.0, 1.05, 3.48, 12.57),
}
MINIMA = {(scale, ratio): mean for scale, row in _BY_SCALE.items() for ratio, mean in zip(_RATIOS, row, strict=True)}
"""(scale, ratio) -> mean number of minima."""
