"""What measured values are drawn against: levels, theory curves, powers, marked places.

Their numbers are in the table's units, as the values themselves; the form brings both to the axis' unit. Where a
reference is a table, it has the form's own columns: the x and y that it needs, and of `panel`, `rows` and `colour`
those that it depends on. With `only` a reference stands only in the panels of that value of `panel` or `rows`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from suite.figures.frames import Floats, bounds, is_text, need, numbers, series, where
from suite.figures.legends import name_in_legend
from suite.figures.looks import Looks
from suite.figures.palette import INK, PATTERNS, QUIET
from suite.figures.panels import Panel


@dataclass(frozen=True)
class Context:
    """Where a reference is drawn: a panel, the looks of its series, and a pattern of line that none of them has."""

    panel: Panel
    looks: Looks
    pattern: Any
    cased: bool

    def line(self, colour: str | None, *, named: bool = True) -> dict[str, Any]:
        """Looks of a line: thin and grey without a name, such as zero; with a light edge over a map."""
        edge = {"path_effects": [withStroke(linewidth=2.8, foreground="white")] if self.cased else []}
        if named:
            return {"color": colour or INK, "linewidth": 1.1, "linestyle": self.pattern, "zorder": 2.5, **edge}
        return {"color": colour or QUIET, "linewidth": 0.8, "linestyle": "-", "zorder": 1.5, **edge}

    def parts(self, frame: pl.DataFrame) -> list[tuple[str | None, pl.DataFrame]]:
        """A reference's rows of this panel by colour; no colour where the reference has none of its own."""
        mine = where(frame, self.panel.key)
        colour = self.looks.colour if self.looks.colour in frame.columns else None
        return [(self.looks.ink(key) if colour else None, part) for key, part in series(mine, colour) if len(part)]


@dataclass(frozen=True)
class Reference:
    """Something that is drawn beside the measured values; made by `level`, `upright`, `curve`, `power` or `mark`."""

    draw: Callable[[Axes, Context], None]
    only: Any = None
    is_line: bool = False  # whether it needs a pattern of line of its own
    label: str = ""  # lines of one label are one thing, drawn with one pattern in all panels


def level(at: float | pl.DataFrame, label: str = "", *, only: Any = None) -> Reference:
    """A horizontal line: zero, chance, a published value, a threshold; a table's `low` and `high` are a span around."""
    return Reference(partial(_straight, at, label, "y"), only, bool(label), label)


def upright(at: float | pl.DataFrame, label: str = "", *, only: Any = None) -> Reference:
    """A vertical line at a place of the x axis; a table's `low` and `high` are a span around."""
    return Reference(partial(_straight, at, label, "x"), only, bool(label), label)


def curve(of: pl.DataFrame | Callable[[Floats], Floats], label: str = "", *, only: Any = None) -> Reference:
    """A theory's curve, dashed: a table of points in the order of its rows, or a function of x over what is drawn."""

    def draw(axes: Axes, context: Context) -> None:
        x, y = context.panel.x, context.panel.y
        if isinstance(of, pl.DataFrame):
            need(of, x.column, y.column)
            for colour, part in context.parts(of):
                _line(axes, numbers(part, x), numbers(part, y), colour, label, context)
            return
        at = _range(context.panel)
        with np.errstate(all="ignore"):
            _line(axes, x.factor * at, y.factor * np.asarray(of(at), dtype=np.float64), None, label, context)

    return Reference(draw, only, is_line=True, label=label)


def power(exponent: float, label: str = "", *, only: Any = None) -> Reference:
    """x to a power, through the geometric middle of the panel's first series: the slope to compare with."""

    def draw(axes: Axes, context: Context) -> None:
        panel = context.panel
        _, first = series(panel.frame, context.looks.colour, context.looks.pattern)[0]
        x, y = numbers(first, panel.x), numbers(first, panel.y)
        used = (x > 0) & (y > 0)
        if used.any():
            constant = np.exp(np.mean(np.log(y[used]) - exponent * np.log(x[used])))
            at = panel.x.factor * _range(panel)
            _line(axes, at[at > 0], constant * at[at > 0] ** exponent, None, label, context)

    return Reference(draw, only, is_line=True, label=label)


def mark(frame: pl.DataFrame, label: str = "", *, marker: str = "D", only: Any = None) -> Reference:
    """Places that stand out, such as where a threshold is crossed; bars where the table has `low` and `high`."""

    def draw(axes: Axes, context: Context) -> None:
        x, y = context.panel.x, context.panel.y
        need(frame, x.column, y.column)
        for colour, part in context.parts(frame):
            at, values = numbers(part, x), numbers(part, y)
            looks: dict[str, Any] = {"color": colour or INK, "markeredgecolor": "white", "markersize": 6, "zorder": 5}
            if not np.isfinite(at + values).any():
                continue
            if {"low", "high"} <= {*part.columns}:
                bars = np.nan_to_num(np.abs(np.stack(bounds(part, y, "low", "high")) - values))
                axes.errorbar(at, values, bars, fmt="none", ecolor=colour or INK, elinewidth=1.2, zorder=4)
            axes.plot(at, values, marker, **looks)
            if label:
                name_in_legend(axes, label, **{**looks, "color": INK, "marker": marker, "linestyle": ""})

    return Reference(draw, only)


def draw_references(panel: Panel, looks: Looks, references: Sequence[Reference], *, cased: bool = False) -> None:
    """Draws a panel's references; those that are lines have patterns that the series do not have.

    Args:
        cased: whether lines get a light edge, as over a map.
    """
    free = PATTERNS[max(1, len(looks.dashes)) :] or PATTERNS[1:]
    lines = list(dict.fromkeys(reference.label or reference for reference in references if reference.is_line))
    for reference in references:
        pattern = free[lines.index(reference.label or reference) % len(free)] if reference.is_line else "-"
        if reference.only is None or reference.only in panel.key.values():
            reference.draw(panel.axes, Context(panel, looks, pattern, cased))


def _straight(at: float | pl.DataFrame, label: str, direction: str, axes: Axes, context: Context) -> None:
    """Lines across the whole panel, with their spans."""
    shown = context.panel.x if direction == "x" else context.panel.y
    line, span = (axes.axvline, axes.axvspan) if direction == "x" else (axes.axhline, axes.axhspan)
    frame = at if isinstance(at, pl.DataFrame) else pl.DataFrame({shown.column: [float(at)]})
    need(frame, shown.column)
    for colour, part in context.parts(frame):
        values = numbers(part, shown)
        for value in values[np.isfinite(values)]:
            line(value, **context.line(colour, named=bool(label)))
            _name(axes, label, context)
        if {"low", "high"} <= {*part.columns}:
            for low, high in zip(*bounds(part, shown, "low", "high"), strict=True):
                if np.isfinite(low + high):
                    span(low, high, color=colour or INK, alpha=0.12, linewidth=0)


def _range(panel: Panel) -> Floats:
    """Places over the values of the panel's x axis, in the table's unit."""
    if is_text(panel.frame, panel.x.column):
        return np.array([])
    x: Floats = panel.frame[panel.x.column].cast(pl.Float64).to_numpy()
    x = x[np.isfinite(x) & ((x > 0) | (not panel.x.log))]
    if not len(x):
        return x
    return np.geomspace(x.min(), x.max(), 200) if panel.x.log else np.linspace(x.min(), x.max(), 200)


def _line(axes: Axes, x: Floats, y: Floats, colour: str | None, label: str, context: Context) -> None:
    y = np.where(np.isfinite(y) & ((y > 0) | (not context.panel.y.log)), y, np.nan)
    if np.isfinite(y).any():
        axes.plot(x, y, **context.line(colour))
        _name(axes, label, context)


def _name(axes: Axes, label: str, context: Context) -> None:
    if label:
        name_in_legend(axes, label, **{**context.line(None), "path_effects": []})
