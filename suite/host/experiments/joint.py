"""Joint tables and figures of an experiment: rows of all points, means with intervals, paired differences."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from suite.errors import SuiteError, did_you_mean
from suite.figures import level, lines, quantity
from suite.host.experiments.forms import JointFigure, JointTable
from suite.host.experiments.points import Done, Earlier, Missing, Unfinished, value_at
from suite.statistics import mean
from suite.tables import read_frame

DIGITS = 6  # of computed numbers: 0.5 x eps / eps is one group, whatever eps

Comparison = tuple[str, Any, Any]
"""A column, and two of its values: the first minus the second."""


def collect(table: JointTable, points: Earlier) -> pl.DataFrame:
    """The rows of all points of a stage: their axes, the table's own columns, and the computed columns.

    Points need not have the same columns: what one lacks is a gap.

    Raises SuiteError where the stage has no such table, an expression finds nothing, or columns do not fit together.
    """
    stage, _, name = table.rows.partition(".")
    frames = [_rows(table, name, point, points) for point in points[stage].done]
    try:
        joined = pl.concat([frame for frame in frames if frame.width], how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        what = f"rows = {table.rows!r}: a column holds texts in one run and numbers in another"
        raise SuiteError(f"{what}: {error}", "join stages whose options have one type") from error
    for column, value in table.where.items():
        _need(joined, column)
        allowed = value if isinstance(value, list) else [value]
        joined = joined.filter(_holds(joined, column, allowed))
    return joined


def means(table: JointTable, rows: pl.DataFrame) -> pl.DataFrame:
    """Mean of each group with Student's 95 % limits over what is independent: rows alike in `pair` are averaged first.

    Columns `by`, quantity, value, low, high, n. Gaps are left out; `n` counts what is averaged. Raises SuiteError for a
    column that holds no numbers.
    """
    pair = [name for name in table.pair if name in rows.columns]
    units = _averaged(table, rows, [*table.by, *pair]) if pair else _numbers(table, rows)
    return _estimated(table, units.rename({str(table.mean): "unit value"}), table.by)


def differences(table: JointTable, rows: pl.DataFrame) -> pl.DataFrame:
    """For each group without the compared columns: mean of the paired differences with Student's 95 % limits.

    Of each compared column every value but the last minus the last; of two columns the difference of these differences.
    Rows are paired by the columns `pair`; within a side they are averaged first. A pair of which a side is missing is
    left out.
    """
    rest = [name for name in table.by if name not in table.versus]
    units = _averaged(table, rows, [*rest, *table.pair, *table.versus]).drop_nulls(str(table.mean))
    groups = rows.select(rest).unique(maintain_order=True)
    sides = [[(column, value, values[-1]) for value in values[:-1]] for column, values in table.versus.items()]
    found = []
    for comparisons in product(*sides):
        pairs = _compared(units, comparisons, [*rest, *table.pair], str(table.mean))
        named = {column: pl.lit(f"{first} - {second}") for column, first, second in comparisons}
        estimates = _estimated(table, pairs, rest)
        if rest:  # a group without pairs has a row that says so
            estimates = groups.join(estimates, on=rest, how="left", nulls_equal=True, maintain_order="left")
            estimates = estimates.with_columns(quantity=pl.lit(table.mean), n=pl.col("n").fill_null(0))
        found.append(estimates.select(*rest, "quantity", "value", "low", "high", "n").with_columns(**named))
    joined = pl.concat(found).select(*rest, "quantity", *table.versus, "value", "low", "high", "n")
    if not rest:
        return joined
    order = groups.with_row_index("place")
    return joined.join(order, on=rest, how="left", nulls_equal=True).sort("place", maintain_order=True).drop("place")


def draw(figure: JointFigure, rows: pl.DataFrame) -> Figure:
    """Lines with their bands, a panel for every value of `panels`; drawn from the rows of means or differences alone.

    A row whose x is a gap has no place in it.
    """
    for column in filter(None, (figure.x, figure.series, figure.panels)):
        _need(rows, column)
    y_label = figure.y_label or rows["quantity"][0]
    return lines(
        rows.drop_nulls(figure.x),
        x=quantity(figure.x, figure.x_label or figure.x, log=figure.log_x),
        y=quantity("value", y_label, log=figure.log_y),
        colour=figure.series,
        panel=figure.panels or None,
        references=[level(0)] if figure.differences else [],
        title=figure.title,
    )


def _rows(table: JointTable, name: str, point: Done, points: Earlier) -> pl.DataFrame:
    """One point's rows, its axes to the left of them and the computed columns to the right."""
    files = point.manifest["tables"]
    if name not in files:
        raise SuiteError(f"rows = {table.rows!r}: {point.run} has no such table", did_you_mean(name, [*files]))
    frame = read_frame(point.directory.path / files[name]["file"])
    axes = {axis: pl.lit(_plain(value)) for axis, value in point.axes.items() if axis not in frame.columns}
    own = {column: pl.lit(_computed(text, point, points)) for column, text in table.columns.items()}
    return frame.select(**axes, **{column: pl.col(column) for column in frame.columns}).with_columns(**own)


def _computed(text: str, point: Done, points: Earlier) -> Any:
    """What an expression gives at a point; a gap where it asks for what a run failed to tell."""
    try:
        return _rounded(value_at(text, point.axes, points))
    except (Missing, Unfinished):
        return None


def _averaged(table: JointTable, rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Rows alike in the keys as one, their numbers averaged."""
    for key in keys:
        _need(rows, key)
    return _numbers(table, rows).group_by(keys, maintain_order=True).agg(pl.col(str(table.mean)).mean())


def _numbers(table: JointTable, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, their column to average as floats. Raises SuiteError where it holds other things."""
    column = str(table.mean)
    for name in (column, *table.by):
        _need(rows, name)
    if not (rows.schema[column].is_numeric() or rows.schema[column] in (pl.Boolean, pl.Null)):
        raise SuiteError(f"mean = {column!r}: {rows[column][0]!r} is no number", "name a column of numbers")
    return rows.with_columns(pl.col(column).cast(pl.Float64))


def _compared(units: pl.DataFrame, comparisons: Sequence[Comparison], keys: Sequence[str], value: str) -> pl.DataFrame:
    """By keys: the first side minus the second, each of them compared further in what is left."""
    if not comparisons:
        return units.group_by(keys, maintain_order=True).agg(pl.col(value).mean().alias("unit value"))
    (column, *values), *rest = comparisons
    sides = [units.filter(_holds(units, column, [side])) for side in values]
    first, second = (_compared(side, rest, keys, value) for side in sides)
    pairs = first.join(second, on=list(keys), how="inner", nulls_equal=True, maintain_order="left", suffix=" of other")
    return pairs.with_columns(pl.col("unit value") - pl.col("unit value of other")).drop("unit value of other")


def _estimated(table: JointTable, units: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Mean of the units in each group: by, quantity, value, low, high, n."""
    estimate = mean("unit value").alias("estimate")
    made = units.group_by(by, maintain_order=True).agg(estimate) if by else units.select(estimate)
    made = made.unnest("estimate").with_columns(quantity=pl.lit(table.mean))
    return made.select(*by, "quantity", "value", "low", "high", "n")


def _holds(rows: pl.DataFrame, column: str, allowed: Sequence[Any]) -> pl.Series:
    """Where a column has one of the values, as Python compares them: a text is no number, and 1 is 1.0."""
    return pl.Series([item in allowed for item in rows[column].to_list()], dtype=pl.Boolean)


def _need(rows: pl.DataFrame, name: str) -> None:
    if name not in rows.columns:
        raise SuiteError(f"the joint rows have no column {name!r}", did_you_mean(name, rows.columns))


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else _plain(value)
