"""A grid of axes: one panel for each value of a column, scales shared where axes are, one legend of what is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator

from suite.errors import SuiteError
from suite.figures.frames import Floats, distinct, is_text, need, numbers, where
from suite.figures.quantities import Quantity, as_quantity, named, written
from suite.figures.style import style

Column = str | Quantity
Ys = Column | Mapping[Any, Column]

_SIZES = {1: (3.4, 2.4), 2: (2.5, 2.1), 3: (1.95, 1.9)}  # inches of a panel by the number across
_SMALLEST = (1.6, 1.6)
_STACKED = (4.2, 1.35)  # of several in one column
_TICKED = 8  # so many different values at most are all ticks of their axis
_CHARACTER, _HANDLE, _LINE = 0.065, 0.5, 0.19  # inches in a legend


@dataclass(frozen=True)
class Panel:
    """Axes, the rows that are drawn in them, what their axes show, and the values of `panel` and `rows`."""

    axes: Axes
    frame: pl.DataFrame
    x: Quantity
    y: Quantity
    key: Mapping[str, Any]
    row: int
    column: int


def panels(
    rows: int = 1,
    columns: int = 1,
    *,
    size: tuple[float, float] | None = None,
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A figure without a window and its axes row by row, for what the forms do not cover. Use it within `style()`.

    Args:
        size: width and height of one panel in inches; by default as of the forms.
        share_x: whether all panels share one x axis. share_y: likewise.
    """
    figure = _figure(rows, columns, size or _size(rows, columns))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y)
    return figure, list(axes.flat)


def facets(
    frame: pl.DataFrame,
    *,
    x: Column,
    y: Ys,
    panel: str | None = None,
    rows: str | None = None,
    share: bool = True,
    size: tuple[float, float] | None = None,
) -> tuple[Figure, list[Panel]]:
    """A panel for each value of `panel` across (wrapped where there are no `rows`) and each value of `rows` down.

    Where `y` is a mapping, its keys are values of `panel` or of `rows`: these panels show different quantities, each
    with a label and a scale of its own. All others share theirs. A table without rows gives empty axes that say so.
    """
    x = as_quantity(x)
    need(frame, x.column, panel, rows, *(as_quantity(one).column for one in _each(y)))
    frame = frame.drop_nulls([column for column in (x.column, panel, rows) if column is not None])
    own = _own(frame, y, panel, rows)
    across, down = _values(frame, panel, own, y), _values(frame, rows, own, y)
    cells = [
        ((row, column) if rows else divmod(column, _across(len(across))), key)
        for row, below in enumerate(down)
        for column, beside in enumerate(across)
        if not where(frame, key := {**beside, **below}).is_empty()
    ]
    if not cells:
        return nothing(), []
    height, width = (1 + max(place[side] for place, _ in cells) for side in (0, 1))
    figure = _figure(height, width, size or _size(height, width), apart=own is not None and own == panel)
    grid = figure.add_gridspec(height, width)
    made: list[Panel] = []
    for (row, column), key in cells:
        shown = as_quantity(y[key[own]] if isinstance(y, Mapping) and own else y)  # type: ignore[arg-type]
        alike = next((other.axes for other in made if share and other.y == shown), None)
        first = made[0].axes if share and made else None
        axes = figure.add_subplot(grid[row, column], sharex=first, sharey=alike)
        made.append(Panel(axes, where(frame, key), x, shown, key, row, column))
    _title(made, panel, rows, own)
    return figure, made


def nothing(words: str = "no data") -> Figure:
    """Empty axes that say that there is nothing to show."""
    with style():
        figure = _figure(1, 1, _SIZES[1])
        axes = figure.subplots()
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
        axes.set(xticks=[], yticks=[])
    return figure


def dress(axes: Axes, frame: pl.DataFrame, x: Quantity, y: Quantity) -> None:
    """Labels, scales, ticks and limits of axes in which something is drawn; the frame holds all rows of the scale."""
    for axis, shown, direction in ((axes.xaxis, x, "x"), (axes.yaxis, y, "y")):
        axis.set_label_text(shown.label)
        if shown.column in frame.columns and is_text(frame, shown.column):
            _name_places(axes, direction, distinct(frame, shown.column))
            continue
        values = numbers(frame, shown) if shown.column in frame.columns else np.array([])
        if shown.log and (values > 0).any():
            axes.set(**{f"{direction}scale": "log"})
        whole = shown.column in frame.columns and frame[shown.column].dtype.is_integer()
        _tick(axis, shown, values[~np.isnan(values)], direction == "x", whole)
        _limit(axes, shown, direction)


def tidy(made: Sequence[Panel], frame: pl.DataFrame, *, share: bool = True) -> None:
    """Dresses all panels, and takes labels away where the neighbour's below or to the left say the same."""
    for panel in made:
        alike = [other for other in made if other.y == panel.y] if share else [panel]
        dress(panel.axes, pl.concat([other.frame for other in alike]), panel.x, panel.y)
        if share:  # a name keeps its place in all panels
            dress_x = frame if is_text(frame, panel.x.column) else None
            if dress_x is not None:
                _name_places(panel.axes, "x", distinct(dress_x, panel.x.column))
        if share and any(other.column == panel.column and other.row > panel.row for other in made):
            panel.axes.tick_params(labelbottom=False)
            panel.axes.set_xlabel("")
        left = [other for other in made if other.row == panel.row and other.column < panel.column]
        if any(other.y == panel.y for other in left):
            panel.axes.set_ylabel("")
            if share:
                panel.axes.tick_params(labelleft=False)


def legend(figure: Figure) -> None:
    """One legend for all axes, of what is drawn in them: above the panels where it fits in two lines, else beside."""
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    if not entries:
        return
    width = _HANDLE + _CHARACTER * max(map(len, entries))
    columns = max(1, min(len(entries), int(figure.get_figwidth() / width)))
    lines = -(-len(entries) // columns)
    if lines <= 2 or (lines <= 4 and width > 2):
        columns = -(-len(entries) // lines)
        figure.set_figheight(figure.get_figheight() + _LINE * lines)
        figure.legend([*entries.values()], [*entries], loc="outside upper center", ncols=columns)
    else:
        figure.set_figwidth(figure.get_figwidth() + width)
        figure.legend([*entries.values()], [*entries], loc="outside right upper")


def name_in_legend(axes: Axes, words: str, **looks: Any) -> None:
    """An entry of the legend that stands for several things drawn."""
    axes.plot([], [], label=words, **looks)


def _figure(rows: int, columns: int, size: tuple[float, float], *, apart: bool = False) -> Figure:
    own_labels = 0.4 * (columns - 1) if apart else 0.0
    return Figure(figsize=(0.6 + size[0] * columns + own_labels, 0.5 + size[1] * rows))


def _size(rows: int, columns: int) -> tuple[float, float]:
    return _STACKED if columns == 1 and rows > 1 else _SIZES.get(columns, _SMALLEST)


def _across(count: int) -> int:
    """How many panels stand side by side: at most three, four in two lines of two."""
    return count if count <= 3 else 2 if count == 4 else 3


def _each(y: Ys) -> list[Column]:
    return [*y.values()] if isinstance(y, Mapping) else [y]


def _own(frame: pl.DataFrame, y: Ys, panel: str | None, rows: str | None) -> str | None:
    """The column of which each value has a quantity of its own."""
    if not isinstance(y, Mapping):
        return None
    fitting = [column for column in (panel, rows) if column is not None and {*distinct(frame, column)} & {*y}]
    if len(fitting) > 1 or (not fitting and not frame.is_empty()):
        raise SuiteError(f"y = {[*y]} are not the values of one of the columns {panel}, {rows}", "give panel= or rows=")
    return fitting[0] if fitting else None


def _values(frame: pl.DataFrame, column: str | None, own: str | None, y: Ys) -> list[dict[str, Any]]:
    if column is None:
        return [{}]
    values = distinct(frame, column)
    if column == own and isinstance(y, Mapping):
        values = [value for value in y if value in values]
    return [{column: value} for value in values]


def _title(made: Sequence[Panel], panel: str | None, rows: str | None, own: str | None) -> None:
    """Names of `panel` above the columns and of `rows` to the right of the rows; none where y labels say them."""
    for one in made:
        highest = not any(other.column == one.column and other.row < one.row for other in made)
        if panel and panel != own and (highest or rows is None):
            one.axes.set_title(named(panel, one.key[panel]))
        last = not any(other.row == one.row and other.column > one.column for other in made)
        if rows and rows != own and last:
            one.axes.annotate(
                named(rows, one.key[rows]), (1.02, 0.5), xycoords="axes fraction", rotation=-90, ha="left", va="center"
            )


def _name_places(axes: Axes, direction: str, names: Sequence[Any]) -> None:
    """Ticks at the names' places; slanted where long ones stand side by side, from top to bottom on a y axis."""
    words, ends = [str(name) for name in names], (-0.5, len(names) - 0.5)
    if direction == "y":
        axes.set_yticks(range(len(names)), words)
        axes.set_ylim(*reversed(ends))
    else:
        inches = axes.get_position().width * axes.get_figure(root=True).get_figwidth()  # type: ignore[union-attr]
        slanted = 1.2 * _CHARACTER * max(map(len, words), default=0) * len(names) > inches
        axes.set_xticks(range(len(names)), words, rotation=35 if slanted else 0, ha="right" if slanted else "center")
        axes.set_xlim(*ends)
    axes.grid(visible=False, axis="x" if direction == "x" else "y")


def _tick(axis: Axis, shown: Quantity, values: Floats, is_x: bool, whole: bool) -> None:
    """Ticks as plain numbers: at the given places, at the values where they are few and apart, else round numbers."""
    if shown.ticks is not None:
        axis.set_ticks([*shown.ticks], labels=[*shown.ticks.values()])
        axis.set_minor_locator(NullLocator())
        return
    is_log = axis.get_scale() == "log"
    known = np.unique(values[values > 0] if is_log else values)
    if is_x and 0 < len(known) <= _TICKED and shown.factor == 1 and _are_apart(np.log(known) if is_log else known):
        axis.set_ticks(known.tolist(), labels=[written(value) for value in known.tolist()])
        axis.set_minor_locator(NullLocator())
    elif is_log and len(known):
        decades = np.log10(known[-1] / known[0])
        few = decades < 0.5
        axis.set_major_locator(AutoLocator() if few else LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
        if decades < 4:
            axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    elif whole and is_x:
        axis.set_major_locator(MaxNLocator(5, integer=True))


def _are_apart(values: Floats) -> bool:
    """Whether labels at these places would not touch."""
    return len(values) < 2 or float(np.diff(values).min()) >= 0.11 * float(values[-1] - values[0])


def _limit(axes: Axes, shown: Quantity, direction: str) -> None:
    """The quantity's limits, with a little room so that a line along them is seen whole."""
    low, high = shown.limits
    if low is None and high is None:
        return
    axes.autoscale(enable=True, axis="x" if direction == "x" else "y")  # what was drawn since counts as well
    if low is not None and high is not None and not shown.log:
        room = 0.02 * (high - low)
        low, high = low - room, high + room
    (axes.set_xlim if direction == "x" else axes.set_ylim)(low, high)
