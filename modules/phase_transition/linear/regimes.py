"""How eps_star grows with n and with d apart, on either side of the border d = sqrt(n / 2).

To the letter, eps_star is a data set's own. Below the border it is the luck of the noise, n^-1/2 whatever d; above it
the expected gap, d/n. See `theory.gap_deviation`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from scipy.interpolate import CubicHermiteSpline

from modules.phase_transition import theory
from modules.phase_transition.columns import columns_of, read
from suite import claims as judge
from suite.claims import Claim
from suite.statistics import slope_of

TOLERANCE = 0.1  # of a power; those of the paper and of the derivation are apart by 1/2
MARGIN, FIRST_ORDER = 0.1, 0.05  # of a median over its derived value; up to this d/n, which the derivation leaves out
SMALL, LARGE = "d << sqrt(n/2)", "d >> sqrt(n/2), d/n <= 0.2"
RANGES = {
    SMALL: pl.col("border") <= 0.25,
    LARGE: (pl.col("border") >= 2) & (pl.col("d_over_n") <= 0.2),
}


class Growth(NamedTuple):
    """A quantity goes like n^a d^b."""

    column: str  # of the table of sizes
    quantity: str
    paper: tuple[float, float]  # a, b
    derived: dict[str, tuple[float, float]]  # a, b by range
    source: str


GROWTHS = (
    Growth("value", "eps_star of a data set, median where it exists", (-0.5, 0.5), {SMALL: (-0.5, 0), LARGE: (-1, 1)},
           "Theorems 1, 2"),
    Growth("eps_star", "eps_star of expected losses", (-0.5, 0.5), {SMALL: (-1, 1), LARGE: (-1, 1)}, "Theorems 1, 2"),
    Growth("rms_delta", "root of E Delta^2", (-0.5, 0.5), {SMALL: (-0.5, 0), LARGE: (-1, 1)}, "Lemma 2"),
    Growth("rise", "(adversarial - clean training loss) / |Delta| at sqrt(d/n), median", (0, 0),
           {SMALL: (0, 0.5), LARGE: (0.5, -0.5)}, "Theorem 2"),
)  # fmt: skip


def powers(sizes: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each quantity and range: powers of n and of d, fitted together by a plane in logarithms.

    Above the border the next term, d/n, is fitted beside them. Intervals are Student's over sizes.
    """
    for growth in GROWTHS:
        for range_, holds in RANGES.items():
            there = sizes.filter(holds)
            used = there.filter(pl.col(growth.column) > 0)
            n, d = np.log(used["samples"].to_numpy()), np.log(used["d"].to_numpy())
            value, beside = np.log(used[growth.column].to_numpy()), [used["d_over_n"].to_numpy()] * (range_ == LARGE)
            row: dict[str, Any] = {"quantity": growth.quantity, "range": range_}
            row |= columns_of("n_power", slope_of(n, value, [d, *beside]))
            row |= columns_of("d_power", slope_of(d, value, [n, *beside]))
            yield row | {"sizes": len(used), "lost": len(there) - len(used)}


def rises(minima: pl.DataFrame) -> pl.DataFrame:
    """A row per size: Theorem 2's ratio at eps = sqrt(d/n) in each data set, with its own Delta; the median.

    The theorem says that it goes to 0 below sqrt(d/n) and not above, whatever d and n do. The loss rises by about
    2 eps |theta| mean|r|, so that at sqrt(d/n) it is sqrt(d/n) over Delta: sqrt(d) for d << sqrt(n), and sqrt(n/d),
    above any bound, for sqrt(n) << d << n. Derived here.
    """
    rows = []
    for (d, n), cell in minima.group_by("d", "samples", maintain_order=True):
        sets = cell["repeat"].n_unique()
        eps, loss, slope, test = (
            cell[name].to_numpy().reshape(sets, -1) for name in ("eps", "loss", "slope", "clean_test")
        )
        at_border = CubicHermiteSpline(eps[0], loss, slope, axis=1)(theory.eps_star_order(n, d))
        ratio = (at_border - loss[:, 0]) / np.abs(test[:, 0] - loss[:, 0])
        rows.append({"d": d, "samples": n, "rise": float(np.median(ratio))})
    return pl.DataFrame(rows)


def claims(regimes: pl.DataFrame, per_data_set: pl.DataFrame) -> Iterator[Claim]:
    """The paper's sqrt(d/n), one power at a time; and what is derived here where that is another."""
    for row in regimes.iter_rows(named=True):
        growth = next(growth for growth in GROWTHS if growth.quantity == row["quantity"])
        for place, variable in enumerate("nd"):
            measured = read(row, f"{variable}_power", "sizes")
            sources = {growth.derived[row["range"]][place]: "derived here", growth.paper[place]: growth.source}
            for exponent, source in sources.items():
                judgement = judge.power(measured, exponent, TOLERANCE, lost=row["lost"])
                claim = f"{row['quantity']} goes like {variable}^{exponent:g}"
                yield Claim(claim, source, judgement, row["range"], measured, exponent)
    for range_, holds in RANGES.items():
        yield from _of_range(range_, per_data_set.filter(holds))


def _of_range(range_: str, sizes: pl.DataFrame) -> Iterator[Claim]:
    """Whether eps_star exists, and whether its median is the derived one, over all sizes of a range."""
    if not len(sizes):
        return
    missing, n = int(sizes["apart_at_0"].sum()), int(sizes["data_sets"].sum())
    yield Claim("eps_star exists in every data set", "definition", judge.bound(missing, n, of="data sets"), range_)
    for row in sizes.filter(pl.col("d_over_n") <= FIRST_ORDER).iter_rows(named=True):
        over = read(row, "over_derived", "n")
        setting = f"d = {row['d']}, n = {row['samples']}"
        judgement = judge.equivalence(over, 1 - MARGIN, 1 + MARGIN)
        yield Claim("median eps_star over the derived one is 1", "derived here", judgement, setting, over, 1)
