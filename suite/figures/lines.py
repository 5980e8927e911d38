"""Lines with their bands: something that follows a step, an epoch or a strength."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suite.errors import SuiteError
from suite.figures.frames import Floats, bounds, need, numbers, ordered, place_names, places, series
from suite.figures.looks import Looks, looks_of
from suite.figures.panels import Column, Panel, Ys, facets, finish, say_nothing
from suite.figures.quantities import as_quantity
from suite.figures.references import Reference, draw_references
from suite.figures.scales import dress
from suite.figures.style import style

FEW = 12  # points up to which a line shows each of them
MANY = 15  # lines of a group from which on they are as good as transparent


def lines(
    frame: pl.DataFrame,
    *,
    x: Column,
    y: Ys,
    low: str = "low",
    high: str = "high",
    colour: str | None = None,
    dash: str | None = None,
    group: str | None = None,
    panel: str | None = None,
    rows: str | None = None,
    references: Sequence[Reference] = (),
    title: str = "",
) -> Figure:
    """Lines of y against x with their bands.

    A null or a NaN breaks its line; lines of few points show them. A table without rows gives empty axes.

    Args:
        frame: one row a point. Numbers are drawn in ascending order, names in order of appearance.
        x: the column across; names instead of numbers have their places in order.
        y: the column upwards, or a mapping from the values of `panel` or `rows` to such columns, where panels show
            different quantities: `{"loss": quantity("value", "loss (nats)"), "accuracy": percent("value")}`.
        low: column of the lower end of the band; no band where the table has none or where it is a gap.
        high: column of the upper end.
        colour: a line for each value of this column, coloured by `colours_of`.
        dash: a pattern of line for each value of this column.
        group: more lines of the same looks, thinner, for each value of this column (seeds, trajectories).
        panel: a panel for each value of this column.
        rows: a row of panels for each value of this column.
        references: what the lines are drawn against: `level`, `upright`, `curve`, `power`, `mark`.
        title: of the whole figure.

    Raises SuiteError for a column that is missing or holds no numbers, and for two values at one place of one line.
    """
    with style():
        figure, made = facets(frame, x=x, y=y, panel=panel, rows=rows)
        looks = looks_of(frame, colour, dash)
        names = place_names(frame, as_quantity(x).column)
        for one in made:
            _draw(one, looks, names, low, high, group)
            draw_references(one, looks, references)
        finish(figure, made, frame, title=title)
    return figure


def draw_lines(
    axes: Axes,
    frame: pl.DataFrame,
    *,
    x: Column,
    y: Column,
    low: str = "low",
    high: str = "high",
    colour: str | None = None,
    dash: str | None = None,
    group: str | None = None,
    references: Sequence[Reference] = (),
    colours: Mapping[Any, str] | None = None,
) -> None:
    """The same in given axes, which it labels, without a legend; `colours` where several calls must agree on them."""
    x, y = as_quantity(x), as_quantity(y)
    need(frame, x.column, y.column)
    frame = frame.drop_nulls(x.column)
    if frame.is_empty():
        say_nothing(axes)
        return
    with style():
        looks = looks_of(frame, colour, dash, colours)
        one = Panel(axes, frame, x, y, {})
        _draw(one, looks, place_names(frame, x.column), low, high, group)
        draw_references(one, looks, references)
        dress(axes, "x", x, frame)
        dress(axes, "y", y, frame)


def _draw(panel: Panel, looks: Looks, names: Sequence[Any], low: str, high: str, group: str | None) -> None:
    need(panel.frame, group)
    drawn = []
    parts = series(panel.frame, looks.colour, looks.pattern, group)
    thin: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.6 if len(parts) < MANY else 0.3} if group else {}
    for key, part in parts:
        part = ordered(part, panel.x, names)
        at, values = places(part, panel.x, names), numbers(part, panel.y)
        if (np.diff(at) == 0).any():
            remedy = "name the column that tells them apart: colour=, dash=, group=, panel= or rows="
            raise SuiteError(f"several {panel.y.column!r} at one {panel.x.column!r} of one line", remedy)
        if not np.isfinite(values).any():
            continue
        (line,) = panel.axes.plot(
            at, values, color=looks.ink(key), linestyle=looks.dash(key), label=looks.words(key), **thin
        )
        _show_points(line, values)
        if {low, high} <= {*part.columns}:
            below, above = (np.where(np.isfinite(values), end, np.nan) for end in bounds(part, panel.y, low, high))
            _band(panel.axes, at, below, above, looks.ink(key))
        drawn.append(key)
    looks.name_patterns(panel.axes, drawn, line=True, marker=False)


def _show_points(line: Any, values: Floats) -> None:
    """Markers where there are few points, and on points between two gaps, which a line does not show."""
    known = np.isfinite(values)
    if len(values) <= FEW:
        line.set(marker="o", markersize=3.5)
        return
    beside = np.concatenate([[False], known, [False]])
    lonely = np.flatnonzero(known & ~beside[:-2] & ~beside[2:])
    if len(lonely):
        line.set(marker="o", markersize=3.5, markevery=lonely.tolist())


def _band(axes: Axes, x: Floats, low: Floats, high: Floats, ink: str) -> None:
    """A band; a bar instead at a place without neighbours."""
    known = np.isfinite(low) & np.isfinite(high)
    beside = np.concatenate([[False], known, [False]])
    lonely = known & ~beside[:-2] & ~beside[2:]
    if (known & ~lonely).any():
        axes.fill_between(x, low, high, color=ink, alpha=0.18, linewidth=0)
    if lonely.any():
        axes.vlines(x[lonely], low[lonely], high[lonely], color=ink, linewidth=1.2)
