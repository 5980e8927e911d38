"""Tables as the forms read them: distinct values in order, numbers with gaps as NaN, one frame a series."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from suite.errors import SuiteError, did_you_mean
from suite.figures.quantities import Quantity

Floats = NDArray[np.float64]


def need(frame: pl.DataFrame, *columns: str | None) -> None:
    """Raises SuiteError for a column that the table does not have."""
    for column in columns:
        if column is not None and column not in frame.columns:
            raise SuiteError(f"the table has no column {column!r}", did_you_mean(column, frame.columns))


def distinct(frame: pl.DataFrame, column: str | None) -> list[Any]:
    """The values of a column without gaps: numbers ascending, others in order of appearance; none for no column."""
    if column is None:
        return []
    values = frame[column].drop_nulls().unique(maintain_order=True)
    return (values.sort() if values.dtype.is_numeric() else values).to_list()


def is_text(frame: pl.DataFrame, column: str) -> bool:
    """Whether a column holds names, which have places on an axis but no distances."""
    return not (frame[column].dtype.is_numeric() or frame[column].dtype == pl.Null)


def numbers(frame: pl.DataFrame, shown: Quantity, column: str | None = None) -> Floats:
    """A column in the unit of an axis; NaN for gaps, for what is not finite, and for what a logarithm cannot show."""
    name = shown.column if column is None else column
    if is_text(frame, name):
        raise SuiteError(f"column {name!r} holds no numbers", "name a column of numbers")
    values: Floats = shown.factor * frame[name].cast(pl.Float64).to_numpy()
    return np.where(np.isfinite(values) & ((values > 0) | (not shown.log)), values, np.nan)


def bounds(frame: pl.DataFrame, shown: Quantity, low: str, high: str) -> tuple[Floats, Floats]:
    """Both ends of the intervals. On a logarithmic axis, one that reaches zero ends a decade below the values."""
    ends = numbers(frame, shown, low), numbers(frame, shown, high)
    if not shown.log:
        return ends
    values = numbers(frame, shown)
    if not np.isfinite(values).any():
        return ends
    floor = np.nanmin(values) / 10
    reaches_zero = (
        np.isnan(ends[0]) & ~np.isnan(ends[1]) & (frame[low].cast(pl.Float64) <= 0).fill_null(False).to_numpy()
    )
    return np.where(reaches_zero, floor, np.maximum(ends[0], floor)), ends[1]


def place_names(frame: pl.DataFrame, column: str) -> list[Any]:
    """The names along an axis; none for a column of numbers."""
    return distinct(frame, column) if is_text(frame, column) else []


def places(frame: pl.DataFrame, shown: Quantity, names: Sequence[Any]) -> Floats:
    """Where the rows are on an axis: a column's numbers, or the places 0, 1, ... of its names."""
    if not is_text(frame, shown.column):
        return numbers(frame, shown)
    return np.array([names.index(name) for name in frame[shown.column]], dtype=np.float64)


def ordered(frame: pl.DataFrame, shown: Quantity, names: Sequence[Any]) -> pl.DataFrame:
    """The rows in order along an axis."""
    order = np.argsort(places(frame, shown, names), kind="stable")
    return frame.select(pl.all().gather(order))


def series(frame: pl.DataFrame, *columns: str | None) -> list[tuple[dict[str, Any], pl.DataFrame]]:
    """One frame for each combination of the columns' values, and these values; numbers ascending."""
    by = list(dict.fromkeys(column for column in columns if column is not None))
    if not by:
        return [({}, frame)]
    ranks = {column: {value: rank for rank, value in enumerate(distinct(frame, column))} for column in by}
    parts = frame.partition_by(by, maintain_order=True, as_dict=True)
    keys = sorted(parts, key=lambda key: [ranks[c].get(v, len(ranks[c])) for c, v in zip(by, key, strict=True)])
    return [(dict(zip(by, key, strict=True)), parts[key]) for key in keys]


def where(frame: pl.DataFrame, values: Mapping[str, Any]) -> pl.DataFrame:
    """The rows with these values, of those columns that the frame has."""
    for column, value in values.items():
        if column in frame.columns:
            frame = frame.filter(pl.col(column).is_null() if value is None else pl.col(column) == value)
    return frame


def spread(values: Sequence[Any], most: int) -> list[Any]:
    """At most so many of the ordered values: the ends, and evenly what lies between. For grids with too many panels."""
    chosen = np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int)
    return [values[place] for place in chosen]
