"""Joint tables and figures of an experiment: rows of all points, means with intervals, paired differences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from suite.errors import SuiteError, did_you_mean
from suite.experiments.points import Earlier, value_at
from suite.experiments.summaries import JointFigure, JointTable
from suite.stats import mean_interval
from suite.store import read_rows

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
        rows += [row for row in found if all(_column(row, column) == value for column, value in table.where.items())]
    columns = dict.fromkeys(column for row in rows for column in row)  # points need not have the same ones
    return [{column: row.get(column) for column in columns} for row in rows]


def means(table: JointTable, rows: Sequence[Row]) -> list[Row]:
    """Mean of each group with Student's 95 % limits over what is independent: rows alike in `pair` are averaged first.

    Gaps are left out; `n` counts what is averaged.
    """
    assert table.mean is not None
    found = []
    for group, members in _groups(rows, table.by):
        pair = [name for name in table.pair if name in members[0]]
        averages = [_average(some, table.mean) for _, some in _groups(members, pair)] if pair else None
        each = [_column(row, table.mean) for row in members] if averages is None else averages
        mean = mean_interval([value for value in each if value is not None])
        found.append({**group, table.mean: mean.mean, "low": mean.low, "high": mean.high, "n": mean.n})
    return found


def differences(table: JointTable, rows: Sequence[Row]) -> list[Row]:
    """For each group without the compared column: mean of the paired differences with Student's 95 % limits.

    Rows are paired by the columns `pair`; within a side they are averaged first. A pair of which a side is missing is
    left out.
    """
    assert table.mean is not None
    ((column, (first, second)),) = table.versus.items()
    rest = [name for name in table.by if name != column]
    found = []
    for group, members in _groups(rows, rest):
        sides: list[dict[tuple[Any, ...], float]] = []
        for side in (first, second):
            pairs = _groups([row for row in members if _column(row, column) == side], table.pair)
            averages = {tuple(key.values()): _average(some, table.mean) for key, some in pairs}
            sides.append({key: value for key, value in averages.items() if value is not None})
        both = [key for key in sides[0] if key in sides[1]]
        mean = mean_interval([sides[0][key] - sides[1][key] for key in both])
        numbers = {"difference": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}
        found.append({**group, "of": table.mean, column: f"{first} - {second}", **numbers})
    return found


def draw(figure: JointFigure, rows: Sequence[Row], value: str) -> "Figure":
    """Means with their bands, drawn from the means' rows alone."""
    from suite.figures import band, gradient_colours, new_figure, style

    names = list(dict.fromkeys(str(row[figure.series]) for row in rows))
    colours = gradient_colours(names)
    with style():
        made, (axes,) = new_figure(width=4.8, height=3.2)
        for name in names:
            mine = sorted((row for row in rows if str(row[figure.series]) == name), key=lambda row: row[figure.x])
            x, y, low, high = ([row[key] for row in mine] for key in (figure.x, value, "low", "high"))
            band(axes, x, y, low, high, colour=colours[name], label=name)
        axes.set(title=figure.title, xlabel=figure.x_label or figure.x, ylabel=figure.y_label or value)
        if figure.log_x:
            axes.set_xscale("log")
        axes.legend(title=figure.series)
    return made


def _groups(rows: Sequence[Row], by: Sequence[str]) -> list[tuple[Row, list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_column(row, name) for name in by), []).append(row)
    return [(dict(zip(by, key, strict=True)), members) for key, members in groups.items()]


def _average(rows: Sequence[Row], column: str) -> float | None:
    values = [row[column] for row in rows if _column(row, column) is not None]
    return sum(values) / len(values) if values else None


def _column(row: Row, name: str) -> Any:
    if name not in row:
        raise SuiteError(f"the joint rows have no column {name!r}", did_you_mean(name, [*row]))
    return row[name]


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else _plain(value)
