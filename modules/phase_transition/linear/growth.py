"""Powers of d/n: what the paper gives, what is derived here, and what sizes measure."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from modules.phase_transition.columns import columns_of
from suite.statistics import log_log_slope, slope_of

RANGES = {"d/n <= 0.2": pl.col("d_over_n") <= 0.2, "d/n >= 5": pl.col("d_over_n") >= 5}
SMALL, LARGE = RANGES
EXPECTED = ("measured is the crossing of expected losses, not each data set's own",)
_GAP = ("Delta is taken in expectation, of order d/n by Lemma 2, not of each data set",)


class Law(NamedTuple):
    """A quantity goes like a power of d/n."""

    column: str  # of the table of sizes
    quantity: str  # what it is
    range: str  # of d/n, see RANGES
    paper: float  # the paper's power
    derived: float  # the power derived here for what is measured
    following: float  # the power of the next term at finite d/n over the first one
    source: str = "Theorems 1, 2"
    conditions: tuple[str, ...] = ()  # in what the measured quantity is not the paper's


LAWS = (
    Law("eps_star", "eps_star (losses)", SMALL, 0.5, 1.0, 1.0, conditions=EXPECTED),
    Law("eps_star", "eps_star (losses)", LARGE, 0.5, 0.5, -0.5),
    Law("parted", "eps_star (parameters)", SMALL, 0.5, 0.5, 0.5),
    Law("parted", "eps_star (parameters)", LARGE, 0.5, 0.5, -0.5),
    Law("delta", "E Delta", SMALL, 1.0, 1.0, 1.0, "Lemma 2"),
    Law("rise", "loss change / Delta at sqrt(d/n)", SMALL, 0.0, -0.5, 0.5, conditions=_GAP),
)


def fitted(law: Law, sizes: pl.DataFrame) -> dict[str, Any]:
    """A row: the power by a straight line in logarithms, and `leading`, with the next term of the series beside it.

    Intervals are Student's over sizes: they hold what the curve misses beside what data sets scatter. Sizes whose value
    does not exist, or is not positive, are lost.
    """
    there = sizes.filter(RANGES[law.range])
    used = there.filter(pl.col(law.column) > 0)
    ratio, value = used["d_over_n"].to_numpy(), used[law.column].to_numpy()
    power = columns_of("power", log_log_slope(ratio, value))
    leading = columns_of("leading", slope_of(np.log(ratio), np.log(value), [ratio**law.following]))
    row = {"quantity": law.quantity, "range": law.range, "paper": law.paper, "derived": law.derived}
    return row | power | leading | {"sizes": len(used), "lost": len(there) - len(used)}
