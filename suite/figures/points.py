"""Points with their 95 % bars, along names or along numbers, with published values beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suite.figures.frames import Floats, bounds, is_text, need, numbers, ordered, place_names, places, series
from suite.figures.legends import name_in_legend
from suite.figures.looks import Key, Looks, looks_of
from suite.figures.palette import INK
from suite.figures.panels import Column, Panel, Ys, facets, finish, say_nothing
from suite.figures.quantities import Quantity, as_quantity
from suite.figures.references import Reference, draw_references
from suite.figures.scales import dress
from suite.figures.style import style

_ROOM = 0.6  # of a name's place, shared by the series that stand at it
_BOUND = "only a bound"


def points(
    frame: pl.DataFrame,
    *,
    x: Column,
    y: Ys,
    low: str = "low",
    high: str = "high",
    colour: str | None = None,
    marker: str | None = None,
    join: bool = False,
    published: str | None = None,
    panel: str | None = None,
    rows: str | None = None,
    references: Sequence[Reference] = (),
    title: str = "",
) -> Figure:
    """Points with bars from `low` to `high`.

    Where x or y holds names, the points of different series stand side by side at each name, and the other column
    holds the values. A value that is a gap, but has one end of its interval, is known to lie beyond it: a triangle
    points there. A table without rows gives empty axes.

    Args:
        x, y, low, high, colour, panel, rows, references, title: as of `lines`.
        marker: a shape of point (and, joined, a pattern of line) for each value of this column.
        join: whether the points of a series are joined by a line, in ascending order of x.
        published: column of values that a paper gives: hollow diamonds beside the points.

    Raises SuiteError for a column that is missing or holds no numbers.
    """
    with style():
        size = _size(frame, as_quantity(y)) if isinstance(y, str | Quantity) else None
        figure, made = facets(frame, x=x, y=y, panel=panel, rows=rows, size=size)
        looks = looks_of(frame, colour, marker)
        for one in made:
            _draw(one, _Places(frame, one.x, one.y, looks), looks, (low, high), join, published)
            draw_references(one, looks, references)
        finish(figure, made, frame, title=title)
    return figure


def draw_points(
    axes: Axes,
    frame: pl.DataFrame,
    *,
    x: Column,
    y: Column,
    low: str = "low",
    high: str = "high",
    colour: str | None = None,
    marker: str | None = None,
    join: bool = False,
    published: str | None = None,
    references: Sequence[Reference] = (),
    colours: Mapping[Any, str] | None = None,
) -> None:
    """The same in given axes, which it labels, without a legend; `colours` where several calls must agree on them."""
    x, y = as_quantity(x), as_quantity(y)
    need(frame, x.column, y.column)
    frame = frame.drop_nulls(y.column if is_text(frame, y.column) else x.column)
    if frame.is_empty():
        say_nothing(axes)
        return
    with style():
        looks = looks_of(frame, colour, marker, colours)
        one = Panel(axes, frame, x, y, {})
        _draw(one, _Places(frame, x, y, looks), looks, (low, high), join, published)
        draw_references(one, looks, references)
        dress(axes, "x", x, frame)
        dress(axes, "y", y, frame)


class _Places:
    """Where the points of each series stand: at their numbers, or side by side at their names."""

    def __init__(self, frame: pl.DataFrame, x: Quantity, y: Quantity, looks: Looks) -> None:
        self.flat = is_text(frame, y.column)  # names go down the y axis, values across
        self.along, self.value = (y, x) if self.flat else (x, y)
        self.names = place_names(frame, self.along.column)
        self._keys = [key for key, _ in series(frame, looks.colour, looks.pattern)]
        self.step = min(_ROOM / max(len(self._keys), 1), 0.2) if self.names else 0.0

    def of(self, key: Key, frame: pl.DataFrame) -> Floats:
        """The places of a series' rows."""
        beside = self.step * (self._keys.index(dict(key)) - (len(self._keys) - 1) / 2)
        return places(frame, self.along, self.names) + beside


def _draw(panel: Panel, where: _Places, looks: Looks, ends: tuple[str, str], join: bool, published: str | None) -> None:
    need(panel.frame, published)
    drawn = []
    for key, part in series(panel.frame, looks.colour, looks.pattern):
        part = ordered(part, where.along, where.names)
        at, values, ink = where.of(key, part), numbers(part, where.value), looks.ink(key)
        bars = None
        if {*ends} <= {*part.columns}:
            low, high = bounds(part, where.value, *ends)
            _bounds_only(panel.axes, at, values, low, high, ink, where.flat)
            bars = np.nan_to_num(np.abs(np.stack([low, high]) - values))
        if published:
            _published(panel.axes, at + where.step / 2, numbers(part, where.value, published), ink, where.flat)
        if np.isfinite(values).any():
            first, second = (values, at) if where.flat else (at, values)
            panel.axes.errorbar(
                first, second, xerr=bars if where.flat else None, yerr=None if where.flat else bars,
                color=ink, marker=looks.marker(key), markersize=4, linestyle=looks.dash(key) if join else "",
                linewidth=1.2, label=looks.words(key),
            )  # fmt: skip
            drawn.append(key)
    looks.name_patterns(panel.axes, drawn, line=join, marker=True)


def _bounds_only(axes: Axes, at: Floats, values: Floats, low: Floats, high: Floats, ink: str, flat: bool) -> None:
    """Triangles towards values beyond one known end; a dotted line where both ends are known and the value is not."""
    gap, begins, ends = np.isnan(values), np.isfinite(low), np.isfinite(high)
    above, below, both = gap & begins & ~ends, gap & ~begins & ends, gap & begins & ends
    for chosen, end, shape in ((above, low, ">" if flat else "^"), (below, high, "<" if flat else "v")):
        if chosen.any():
            pair = (end[chosen], at[chosen]) if flat else (at[chosen], end[chosen])
            axes.plot(*pair, shape, color=ink, markerfacecolor="white", markersize=5)
            name_in_legend(axes, _BOUND, marker=shape, linestyle="", color=INK, markerfacecolor="white", markersize=5)
    if both.any():
        (axes.hlines if flat else axes.vlines)(at[both], low[both], high[both], color=ink, linestyle=":")


def _published(axes: Axes, at: Floats, values: Floats, ink: str, flat: bool) -> None:
    if not np.isfinite(values).any():
        return
    looks: dict[str, Any] = {"markersize": 5, "markerfacecolor": "white", "linestyle": "", "marker": "D", "zorder": 4}
    axes.plot(*((values, at) if flat else (at, values)), color=ink, **looks)
    name_in_legend(axes, "published", color=INK, **looks)


def _size(frame: pl.DataFrame, y: Quantity) -> tuple[float, float] | None:
    """A line for each name down the y axis; else panels as usual."""
    need(frame, y.column)
    names = place_names(frame, y.column)
    return (3.4, 0.4 + 0.28 * len(names)) if names else None
