"""Tables before and after their estimates: pairs of the same units, and an estimate for each group."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from suite.statistics.estimates import Estimate

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}


def paired(
    frame: pl.DataFrame, *, on: Sequence[str], column: str, first: Any, second: Any, value: str | pl.Expr
) -> pl.DataFrame:
    """Two sides of a comparison on the same units: the columns `on`, then `first` and `second`.

    Units that one side lacks stay, with null there: counting the nulls counts what is lost.

    Args:
        on: what names a unit (and a cell of the comparison), once a side.
        column: in which rows have the value `first` or `second`, which names their side.
        value: what is compared, a column or an expression.

    Raises polars.ComputeError where a unit occurs twice on a side.
    """
    one = frame.filter(pl.col(column) == first).select(*on, first=value)
    other = frame.filter(pl.col(column) == second).select(*on, second=value)
    return one.join(
        other, on=list(on), how="full", coalesce=True, validate="1:1", nulls_equal=True, maintain_order="left_right"
    )


def against(
    frame: pl.DataFrame, *, on: Sequence[str], column: str, reference: Any, value: str | pl.Expr
) -> pl.DataFrame:
    """The rows with one column more, `reference`: what the row of the same unit on the reference's side has.

    The reference's own rows stay, beside themselves. It is null where the reference lacks the unit.

    Args:
        on: what names a unit (and a cell of the comparison), once for the reference.
        column: whose value `reference` names the side that all others are compared with.
        value: what is compared, a column or an expression.

    Raises ValueError where no row is the reference's, polars.ComputeError where a unit occurs twice among them.
    """
    side = frame.filter(pl.col(column) == reference).select(*on, reference=value)
    if frame.height and not side.height:
        raise ValueError(f"no row has {column} = {reference!r}")
    return frame.join(side, on=list(on), how="left", validate="m:1", nulls_equal=True, maintain_order="left")


def estimates(frame: pl.DataFrame, by: Sequence[str], estimate: Callable[[pl.DataFrame], Estimate]) -> pl.DataFrame:
    """An estimate that is no expression (a slope, a cluster mean), for each group: `by`, then value, low, high, n.

    Groups are in order of appearance; without `by` the table is one. What does not exist is null.
    """
    groups = frame.group_by(list(by), maintain_order=True) if by else [((), frame)]
    rows = [dict(zip(by, key, strict=True)) | estimate(part).columns() for key, part in groups]
    return pl.DataFrame(rows, schema={**{name: frame.schema[name] for name in by}, **COLUMNS})
