"""Heat maps: a value over two columns, with one scale of colours for all panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from suite.errors import SuiteError
from suite.figures.frames import Floats, distinct, need, numbers, place_names, places
from suite.figures.looks import looks_of
from suite.figures.panels import Column, Panel, facets, finish, say_nothing
from suite.figures.quantities import Quantity, as_quantity
from suite.figures.references import Reference, draw_references
from suite.figures.scales import dress
from suite.figures.style import style

SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"  # both read the same under every kind of colour blindness
_UNKNOWN = "#E6E6E6"  # a cell without a value
_LIGHT = 400  # cells up to which each is a shape of its own in an SVG


def heat_map(
    frame: pl.DataFrame,
    *,
    x: Column,
    y: Column,
    value: Column,
    panel: str | None = None,
    rows: str | None = None,
    centre: float | None = None,
    text: bool = False,
    outline: str | None = None,
    contour: float | None = None,
    references: Sequence[Reference] = (),
    title: str = "",
) -> Figure:
    """A cell for each pair of x and y, coloured by `value`, with a bar that says what the colours are.

    Cells without a value are grey. Names go from left to right and from top to bottom, numbers to the right and
    upwards. A table without rows gives empty axes.

    Args:
        frame: one row a cell.
        x, y, value: columns; logarithms and limits as their quantities say.
        panel, rows, title: as of `lines`.
        centre: a value that is white between two hues, which reach equally far from it.
        text: whether each cell says its value, and below it `low`-`high` where the table has them.
        outline: column of booleans: cells with a frame.
        contour: a value whose contour is drawn, where x and y are numbers.
        references: as of `lines`: curves and marks over the map.

    Raises SuiteError for a column that is missing or holds no numbers, and for two values in one cell.
    """
    x, y = as_quantity(x), as_quantity(y)
    frame = _placed(frame, x, y)
    look = _look(frame, as_quantity(value), centre, text, outline, contour)
    with style():
        figure, made = facets(frame, x=x, y=y, panel=panel, rows=rows, size=_size(frame, x, y, text))
        meshes = [_draw(one, frame, look) for one in made]
        for one in made:
            limits = one.axes.axis()
            draw_references(one, looks_of(one.frame, None, None), references, cased=True)
            one.axes.axis(limits)
        finish(figure, made, frame, title=title)
        if made:
            figure.colorbar(meshes[0], ax=[one.axes for one in made], label=look.value.label, aspect=25)
    return figure


def draw_heat(
    axes: Axes,
    frame: pl.DataFrame,
    *,
    x: Column,
    y: Column,
    value: Column,
    centre: float | None = None,
    text: bool = False,
    outline: str | None = None,
    contour: float | None = None,
) -> None:
    """The same in given axes, which it labels, with a colour bar of its own."""
    x, y = as_quantity(x), as_quantity(y)
    frame = _placed(frame, x, y)
    look = _look(frame, as_quantity(value), centre, text, outline, contour)
    figure = axes.get_figure(root=True)
    if frame.is_empty() or figure is None:
        say_nothing(axes)
        return
    with style():
        mesh = _draw(Panel(axes, frame, x, y, {}), frame, look)
        dress(axes, "x", x, frame)
        dress(axes, "y", y, frame)
        figure.colorbar(mesh, ax=axes, label=look.value.label)


@dataclass(frozen=True)
class _Look:
    """How cells are drawn: the scale of their colours, and what stands on them."""

    value: Quantity
    norm: Normalize
    colours: Colormap
    text: bool
    outline: str | None
    contour: float | None


def _look(
    frame: pl.DataFrame, value: Quantity, centre: float | None, text: bool, outline: str | None, contour: float | None
) -> _Look:
    need(frame, value.column, outline)
    colours = mpl.colormaps[SEQUENTIAL if centre is None else DIVERGING].with_extremes(bad=_UNKNOWN)
    return _Look(value, _norm(frame, value, centre), colours, text, outline, contour)


def _draw(panel: Panel, frame: pl.DataFrame, look: _Look) -> QuadMesh:
    axes = panel.axes
    xs, ys = (_centres(frame, shown) for shown in (panel.x, panel.y))
    columns, lines = (
        np.searchsorted(centres, places(panel.frame, shown, place_names(frame, shown.column)))
        for shown, centres in ((panel.x, xs), (panel.y, ys))
    )
    if len({*zip(lines.tolist(), columns.tolist(), strict=True)}) < len(panel.frame):
        raise SuiteError("a heat map's cell has several values", "name the column that tells them apart: panel=, rows=")
    grid = np.full((len(ys), len(xs)), np.nan)
    grid[lines, columns] = numbers(panel.frame, look.value)
    mesh = axes.pcolormesh(
        _edges(xs, panel.x), _edges(ys, panel.y), np.ma.masked_invalid(grid), cmap=look.colours, norm=look.norm,
        rasterized=grid.size > _LIGHT,
    )  # fmt: skip
    axes.grid(visible=False)
    axes.set_facecolor(_UNKNOWN)
    if look.text or look.outline:
        for row, x, y in zip(panel.frame.iter_rows(named=True), xs[columns], ys[lines], strict=True):
            _write(axes, float(x), float(y), row, look)
    if look.contour is not None:
        _contour(axes, xs, ys, grid, look.value.factor * look.contour)
    return mesh


def _placed(frame: pl.DataFrame, x: Quantity, y: Quantity) -> pl.DataFrame:
    """The rows that have a place in the map."""
    need(frame, x.column, y.column)
    for shown in (x, y):
        frame = frame.drop_nulls(shown.column)
        frame = frame.filter(np.isfinite(places(frame, shown, place_names(frame, shown.column))))
    return frame


def _centres(frame: pl.DataFrame, shown: Quantity) -> Floats:
    names = place_names(frame, shown.column)
    if names:
        return np.arange(len(names), dtype=np.float64)
    values = np.unique(numbers(frame, shown))
    return values[np.isfinite(values)]


def _edges(centres: Floats, shown: Quantity) -> Floats:
    """Borders of cells, half-way between neighbours, on a logarithmic axis in the logarithm."""
    at = np.log(centres) if shown.log else centres
    gaps = np.diff(at) if len(at) > 1 else np.ones(1)
    inner = at[:-1] + np.diff(at) / 2
    edges: Floats = np.concatenate([[at[0] - gaps[0] / 2], inner, [at[-1] + gaps[-1] / 2]])
    return np.exp(edges) if shown.log else edges


def _norm(frame: pl.DataFrame, value: Quantity, centre: float | None) -> Normalize:
    """The scale of colours, the same in all panels."""
    known = numbers(frame, value)
    known = known[np.isfinite(known)]
    low, high = (
        end if limit is None else limit
        for limit, end in zip(value.limits, (known.min(initial=np.inf), known.max(initial=-np.inf)), strict=True)
    )
    if not np.isfinite([low, high]).all():
        low, high = (0.1, 1.0) if value.log else (0.0, 1.0)
    if centre is not None:
        middle = value.factor * centre
        reach = max(high - middle, middle - low) or 1.0
        low, high = middle - reach, middle + reach
    elif low == high:
        low, high = (low / 2, high * 2) if value.log else (low - 0.5, high + 0.5)
    return (LogNorm if value.log else Normalize)(float(low), float(high))


def _write(axes: Axes, x: float, y: float, row: Mapping[str, Any], look: _Look) -> None:
    """A cell's value and interval, in black or white, whichever its colour lets be read; a frame where it is asked."""
    value, low, high = (_short(look.value, row.get(name)) for name in (look.value.column, "low", "high"))
    red, green, blue, _ = look.colours(look.norm(row[look.value.column] * look.value.factor)) if value else (1, 1, 1, 1)
    ink = "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"
    if look.text:
        looks: dict[str, Any] = {"ha": "center", "va": "center", "color": ink, "textcoords": "offset points"}
        interval = f"{low}–{high}" if low and high else ""
        axes.annotate(value, (x, y), (0, 2 if interval else 0), fontsize=8.5, **looks)
        axes.annotate(interval, (x, y), (0, -7), fontsize=6, **looks)
    if look.outline and row[look.outline]:
        axes.add_patch(Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, fill=False, edgecolor=ink))


def _short(shown: Quantity, number: float | None) -> str:
    """A number for a cell: percent without decimals, others with two digits; nothing for a gap."""
    if number is None or not np.isfinite(number):
        return ""
    return f"{shown.factor * number:.0f}" if shown.factor == 100 else f"{shown.factor * number:.2g}"


def _contour(axes: Axes, xs: Floats, ys: Floats, grid: Floats, at: float) -> None:
    known = grid[np.isfinite(grid)]
    if min(grid.shape) > 1 and len(known) and known.min() < at < known.max():
        axes.contour(xs, ys, np.ma.masked_invalid(grid), levels=[at], colors="white", linewidths=2.4)
        axes.contour(xs, ys, np.ma.masked_invalid(grid), levels=[at], colors="black", linestyles="--", linewidths=1.1)


def _size(frame: pl.DataFrame, x: Quantity, y: Quantity, text: bool) -> tuple[float, float] | None:
    """Room for each cell where cells hold text or an axis names; else panels as usual."""
    across, down = (len(distinct(frame, shown.column)) for shown in (x, y))
    names = [bool(place_names(frame, shown.column)) for shown in (x, y)]
    if not text and not any(names):
        return None
    wide, high = (0.62, 0.4) if text else (0.4, 0.3)
    width = 0.4 + wide * across if text or names[0] else 3.4
    height = 0.3 + high * down if text or names[1] else 1.9
    return max(1.4, width), max(0.9, height)
