"""Joint tables and figures of an experiment: rows of all points, means with intervals, paired differences."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from suite.errors import SuiteError, did_you_mean
from suite.host.experiments.points import Earlier, value_at
from suite.host.experiments.summaries import JointFigure, JointTable
from suite.stats import mean_interval
from suite.tables import read_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]

DIGITS = 6  # of computed numbers: 0.5 x eps / eps is one group, whatever eps


def collect(table: JointTable, points: Earlier) -> list[Row]:
    """The rows of all points of a stage: their axes, the computed columns, and the table's own columns.

    Raises SuiteError where the stage has no such table, or an expression finds nothing.
    """
    stage, _, name = table.rows.partition(".")
    rows: list[Row] = []
    for point in points[stage].done:
        files = point.manifest["tables"]
        if name not in files:
            raise SuiteError(f"rows = {table.rows!r}: {point.run} has no such table", did_you_mean(name, [*files]))
        axes = {axis: _plain(value) for axis, value in point.axes.items()}
        computed = {column: value_at(text, point.axes, points) for column, text in table.columns.items()}
        own = {column: _rounded(value) for column, value in computed.items()}
        found = [{**axes, **row, **own} for row in read_rows(point.directory.path / files[name]["file"])]
        rows += [row for row in found if _is_meant(row, table)]
    columns = dict.fromkeys(column for row in rows for column in row)  # points need not have the same ones
    return [{column: row.get(column) for column in columns} for row in rows]


def means(table: JointTable, rows: Sequence[Row]) -> list[Row]:
    """Mean of each group with Student's 95 % limits over what is independent: rows alike in `pair` are averaged first.

    Gaps are left out; `n` counts what is averaged. Raises SuiteError for a column that holds no numbers.
    """
    assert table.mean is not None
    found = []
    for group, members in _groups(rows, table.by):
        pair = [name for name in table.pair if name in members[0]]
        averages = [_average(some, table.mean) for _, some in _groups(members, pair)] if pair else None
        each = [_number(row, table.mean) for row in members] if averages is None else averages
        mean = mean_interval([value for value in each if value is not None])
        found.append({**group, table.mean: mean.mean, "low": mean.low, "high": mean.high, "n": mean.n})
    return found


def differences(table: JointTable, rows: Sequence[Row]) -> list[Row]:
    """For each group without the compared columns: mean of the paired differences with Student's 95 % limits.

    Of each compared column every value but the last minus the last; of two columns the difference of these differences.
    Rows are paired by the columns `pair`; within a side they are averaged first. A pair of which a side is missing is
    left out.
    """
    assert table.mean is not None
    rest = [name for name in table.by if name not in table.versus]
    sides = [[(column, value, values[-1]) for value in values[:-1]] for column, values in table.versus.items()]
    found = []
    for group, members in _groups(rows, rest):
        for comparisons in product(*sides):
            mean = mean_interval([*_paired(members, comparisons, table.mean, table.pair).values()])
            named = {column: f"{first} - {second}" for column, first, second in comparisons}
            numbers = {"difference": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}
            found.append({**group, "of": table.mean, **named, **numbers})
    return found


def draw(figure: JointFigure, rows: Sequence[Row], value: str) -> "Figure":
    """Lines with their bands, a panel for every value of `panels`; drawn from the rows of means or differences alone.

    A row whose x is a gap has no place in it.
    """
    from suite.figures import band, gradient_colours, new_figure, style

    rows = [row for row in rows if _column(row, figure.x) is not None]
    names = list(dict.fromkeys(str(_column(row, figure.series)) for row in rows))
    panels = list(dict.fromkeys(_column(row, figure.panels) for row in rows)) if figure.panels else [None]
    colours = gradient_colours(names)
    with style():
        made, (first, *others) = new_figure(1, len(panels), width=3.0 + 1.8 * len(panels), height=3.2)
        for axes in others:
            axes.sharey(first)
            axes.tick_params(labelleft=False)
        for axes, panel in zip((first, *others), panels, strict=True):
            here = [row for row in rows if not figure.panels or row[figure.panels] == panel]
            for name in names:
                mine = sorted((row for row in here if str(row[figure.series]) == name), key=lambda row: row[figure.x])
                x, y, low, high = ([row[key] for row in mine] for key in (figure.x, value, "low", "high"))
                band(axes, x, y, low, high, colour=colours[name], label=name)
                axes.lines[-1].set(marker="o", markersize=3.5)
            if figure.differences:
                axes.axhline(0, color="black", linewidth=0.8)
            axes.set(xlabel=figure.x_label or figure.x, title=f"{figure.panels} = {panel}" if figure.panels else "")
            axes.set(xscale="log" if figure.log_x else "linear", yscale="log" if figure.log_y else "linear")
        first.set(ylabel=figure.y_label or value)
        made.suptitle(figure.title)
        made.legend(*first.get_legend_handles_labels(), title=figure.series, loc="outside upper center", ncols=3)
    return made


def _paired(
    rows: Sequence[Row], comparisons: Sequence[tuple[str, Any, Any]], value: str, pair: Sequence[str]
) -> dict[tuple[Any, ...], float]:
    """By pair: the first side minus the second, each of them compared further in what is left; at last the average."""
    if not comparisons:
        averages = {tuple(key.values()): _average(some, value) for key, some in _groups(rows, pair)}
        return {key: average for key, average in averages.items() if average is not None}
    (column, *values), *rest = comparisons
    first, second = (
        _paired([row for row in rows if _column(row, column) == side], rest, value, pair) for side in values
    )
    return {key: first[key] - second[key] for key in first if key in second}


def _groups(rows: Sequence[Row], by: Sequence[str]) -> list[tuple[Row, list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_column(row, name) for name in by), []).append(row)
    return [(dict(zip(by, key, strict=True)), members) for key, members in groups.items()]


def _is_meant(row: Row, table: JointTable) -> bool:
    """Whether a row has what `where` asks for: of each column its value, or one of a list."""
    asked = {name: value if isinstance(value, list) else [value] for name, value in table.where.items()}
    return all(_column(row, name) in values for name, values in asked.items())


def _average(rows: Sequence[Row], column: str) -> float | None:
    values = [number for row in rows if (number := _number(row, column)) is not None]
    return sum(values) / len(values) if values else None


def _number(row: Row, column: str) -> float | None:
    value = _column(row, column)
    if value is not None and not isinstance(value, int | float):
        raise SuiteError(f"mean = {column!r}: {value!r} is no number", "name a column of numbers")
    return value


def _column(row: Row, name: str) -> Any:
    if name not in row:
        raise SuiteError(f"the joint rows have no column {name!r}", did_you_mean(name, [*row]))
    return row[name]


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else _plain(value)
