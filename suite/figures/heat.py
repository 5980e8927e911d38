"""Heat maps: a value over two columns, with one scale of colours for all panels."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from suite.errors import SuiteError
from suite.figures.frames import Floats, distinct, need, numbers, place_names, places
from suite.figures.looks import looks_of
from suite.figures.palette import INK
from suite.figures.panels import Column, Panel, dress, facets, legend, tidy
from suite.figures.quantities import Quantity, as_quantity
from suite.figures.references import Reference, draw_references
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
    value = as_quantity(value)
    need(frame, value.column, outline)
    with style():
        size = _size(frame, as_quantity(x), as_quantity(y), text)
        figure, made = facets(frame, x=x, y=y, panel=panel, rows=rows, size=size)
        if not made:
            return figure
        norm = _norm(frame, value, centre)
        meshes = [_draw(one, frame, value, norm, centre, text, outline, contour) for one in made]
        tidy(made, frame)
        for one in made:
            limits = one.axes.axis()
            draw_references(one, looks_of(one.frame, None, None), references)
            one.axes.axis(limits)
        figure.colorbar(meshes[0], ax=[one.axes for one in made], label=value.label, aspect=25)
        figure.suptitle(title, fontsize=9)
        legend(figure)
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
    x, y, value = as_quantity(x), as_quantity(y), as_quantity(value)
    need(frame, x.column, y.column, value.column, outline)
    one = Panel(axes, frame, x, y, {}, 0, 0)
    with style():
        mesh = _draw(one, frame, value, _norm(frame, value, centre), centre, text, outline, contour)
        dress(axes, frame, x, y)
        axes.get_figure(root=True).colorbar(mesh, ax=axes, label=value.label)  # type: ignore[union-attr]


def _draw(
    panel: Panel,
    frame: pl.DataFrame,
    value: Quantity,
    norm: Normalize,
    centre: float | None,
    text: bool,
    outline: str | None,
    contour: float | None,
) -> QuadMesh:
    axes = panel.axes
    xs, ys = (_centres(frame, shown) for shown in (panel.x, panel.y))
    cells = np.full((len(ys), len(xs)), -1)
    at = [
        np.searchsorted(centres, places(panel.frame, shown, place_names(frame, shown.column)))
        for shown, centres in ((panel.x, xs), (panel.y, ys))
    ]
    for index, (column, line) in enumerate(zip(*at, strict=True)):
        if cells[line, column] >= 0:
            raise SuiteError("a heat map's cell has several values", "name the column that tells them apart: panel=")
        cells[line, column] = index
    known = numbers(panel.frame, value)
    grid = np.where(cells >= 0, known[cells], np.nan) if len(known) else np.full(cells.shape, np.nan)
    colours = mpl.colormaps[SEQUENTIAL if centre is None else DIVERGING].with_extremes(bad=_UNKNOWN)
    axes.grid(visible=False)
    mesh = axes.pcolormesh(
        _edges(xs, panel.x), _edges(ys, panel.y), np.ma.masked_invalid(grid), cmap=colours, norm=norm,
        rasterized=grid.size > _LIGHT,
    )  # fmt: skip
    axes.set_facecolor(_UNKNOWN)
    for line, column in np.argwhere(cells >= 0):
        row = panel.frame.row(int(cells[line, column]), named=True)
        ink = _ink(mesh, grid[line, column])
        if text:
            _write(axes, xs[column], ys[line], row, value, ink)
        if outline and row[outline]:
            axes.add_patch(Rectangle((xs[column] - 0.47, ys[line] - 0.46), 0.94, 0.92, fill=False, edgecolor=ink))
    if contour is not None and min(grid.shape) > 1:
        _contour(axes, xs, ys, grid, value.factor * contour)
    return mesh


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


def _ink(mesh: QuadMesh, value: float) -> str:
    """Black or white, whichever is legible on a cell's colour."""
    if not np.isfinite(value):
        return INK
    red, green, blue, _ = mesh.to_rgba(np.asarray(value))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"


def _write(axes: Axes, x: float, y: float, row: dict[str, Any], value: Quantity, ink: str) -> None:
    low, high = row.get("low"), row.get("high")
    middle = row[value.column]
    looks: dict[str, Any] = {"ha": "center", "color": ink, "xycoords": "data", "textcoords": "offset points"}
    if middle is not None:
        up = 0 if low is None or high is None else 2
        axes.annotate(_short(value, middle), (x, y), (0, up), va="center", fontsize=8.5, **looks)
    if low is not None and high is not None:
        words = f"{_short(value, low)}–{_short(value, high)}"
        axes.annotate(words, (x, y), (0, -7), va="center", fontsize=6, **looks)


def _short(value: Quantity, number: float) -> str:
    return f"{value.factor * number:.0f}" if value.factor == 100 else f"{value.factor * number:.2g}"


def _contour(axes: Axes, xs: Floats, ys: Floats, grid: Floats, at: float) -> None:
    known = grid[np.isfinite(grid)]
    if len(known) and known.min() < at < known.max():
        axes.contour(xs, ys, np.ma.masked_invalid(grid), levels=[at], colors="white", linewidths=2.4)
        axes.contour(xs, ys, np.ma.masked_invalid(grid), levels=[at], colors="black", linestyles="--", linewidths=1.1)


def _size(frame: pl.DataFrame, x: Quantity, y: Quantity, text: bool) -> tuple[float, float] | None:
    """Room for each cell where an axis has names; else panels as usual."""
    need(frame, x.column, y.column)
    columns, lines = len(place_names(frame, x.column)), len(place_names(frame, y.column))
    if not columns and not lines:
        return None
    wide, high = (0.62, 0.4) if text else (0.4, 0.3)
    width = 0.4 + wide * (columns or len(distinct(frame, x.column))) if columns or text else 3.4
    return max(1.4, width), max(0.9, 0.3 + high * (lines or len(distinct(frame, y.column))) if lines or text else 1.9)
