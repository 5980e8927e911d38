"""A grid of axes: one panel for each value of a column, scales shared where axes are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suite.errors import SuiteError
from suite.figures.frames import distinct, is_text, need, where
from suite.figures.legends import legend
from suite.figures.palette import QUIET
from suite.figures.quantities import Quantity, as_quantity, named
from suite.figures.scales import CHARACTER, dress
from suite.figures.style import style

Column = str | Quantity
Ys = Column | Mapping[Any, Column]
Size = tuple[float, float]

_SIZES = {1: (3.4, 2.4), 2: (2.5, 2.1), 3: (1.95, 1.9)}  # inches of a panel, by the number of them abreast
_SMALLEST, _STACKED, _NOTHING = (1.6, 1.6), (4.2, 1.35), (2.4, 1.0)
_MARGINS, _OWN_LABEL = (0.6, 0.5), 0.4


@dataclass(frozen=True)
class Panel:
    """Axes and what is drawn in them.

    Args:
        frame: the rows that are drawn.
        key: the values of the columns that make the panel.
        above, beside: its names among the columns and among the rows of panels; empty where it needs none.
        row, column: its place in the grid.
    """

    axes: Axes
    frame: pl.DataFrame
    x: Quantity
    y: Quantity
    key: Mapping[str, Any]
    above: str = ""
    beside: str = ""
    row: int = 0
    column: int = 0


def panels(
    rows: int = 1, columns: int = 1, *, size: Size | None = None, share_x: bool = False, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure without a window and its axes row by row, for what the forms do not cover. Use it within `style()`.

    Args:
        size: width and height of one panel in inches; by default as of the forms.
        share_x: whether all panels have one x axis.
        share_y: whether all panels have one y axis.
    """
    figure = _figure(rows, columns, size)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y)
    return figure, list(axes.flat)


def facets(
    frame: pl.DataFrame, *, x: Column, y: Ys, panel: str | None, rows: str | None, size: Size | None = None
) -> tuple[Figure, list[Panel]]:
    """A panel for each value of `panel` across (wrapped where there are no `rows`) and each value of `rows` down.

    Where `y` is a mapping, its keys are values of `panel` or of `rows`: these panels show different quantities, each
    with a label and a scale of its own. All others share theirs. A table without rows gives a figure that says so.
    """
    x = as_quantity(x)
    ys = {None: as_quantity(y)} if isinstance(y, str | Quantity) else {key: as_quantity(one) for key, one in y.items()}
    need(frame, x.column, panel, rows, *(one.column for one in ys.values()))
    own = None if None in ys else _own(frame, ys, panel, rows)
    down = next((one.column for one in ys.values() if is_text(frame, one.column)), None)
    frame = frame.drop_nulls([column for column in (down or x.column, panel, rows) if column is not None])
    cells = [(place, key) for place, key in _cells(frame, panel, rows, own, ys) if len(where(frame, key))]
    if not cells:
        return nothing(), []
    height, width = (1 + max(place[side] for place, _ in cells) for side in (0, 1))
    names = CHARACTER * max((len(str(name)) for name in distinct(frame, down)), default=0)
    between = _OWN_LABEL * (width - 1) if own and own == panel else 0.0
    figure = _figure(height, width, size, extra=names + between)
    grid = figure.add_gridspec(height, width)
    made: list[Panel] = []
    for (row, column), key in cells:
        shown = ys[key[own] if own else None]
        alike = next((other.axes for other in made if other.y == shown), None)
        axes = figure.add_subplot(grid[row, column], sharex=made[0].axes if made else None, sharey=alike)
        above, beside = (named(name, key[name]) if name and name != own else "" for name in (panel, rows))
        made.append(Panel(axes, where(frame, key), x, shown, key, above, beside, row, column))
    return figure, made


def finish(figure: Figure, made: Sequence[Panel], frame: pl.DataFrame, *, title: str = "") -> None:
    """Scales, labels, names of panels and the legend, once everything of the frame is drawn."""
    for one in made:
        dress(one.axes, "x", one.x, frame)
        alike = pl.concat([other.frame for other in made if other.y == one.y])
        dress(one.axes, "y", one.y, frame if is_text(frame, one.y.column) else alike)  # names keep their order
    for one in made:
        _name(one, made)
    if title:
        figure.suptitle(title, fontsize=9)
    legend(figure)


def nothing(words: str = "no data") -> Figure:
    """A figure that says that there is nothing to show."""
    with style():
        figure = Figure(figsize=_NOTHING)
        say_nothing(figure.add_subplot(), words)
    return figure


def say_nothing(axes: Axes, words: str = "no data") -> None:
    """Says so in axes in which there is nothing to show."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=QUIET)


def _name(one: Panel, made: Sequence[Panel]) -> None:
    """Writes a panel's names, and takes away what the neighbour below or to the left says as well."""
    higher = [other for other in made if other.column == one.column and other.row < one.row]
    lower = [other for other in made if other.column == one.column and other.row > one.row]
    before = [other for other in made if other.row == one.row and other.column < one.column]
    is_last = not any(other.row == one.row and other.column > one.column for other in made)
    if not any(other.above == one.above for other in higher):
        one.axes.set_title(one.above)
    if is_last:
        one.axes.annotate(one.beside, (1.02, 0.5), xycoords="axes fraction", rotation=-90, ha="left", va="center")
    if lower:
        one.axes.tick_params(labelbottom=False)
        one.axes.set_xlabel("")
    if any(other.y == one.y for other in before):
        one.axes.tick_params(labelleft=False)
        one.axes.set_ylabel("")


def _cells(
    frame: pl.DataFrame, panel: str | None, rows: str | None, own: str | None, ys: Mapping[Any, Quantity]
) -> Iterable[tuple[tuple[int, int], dict[str, Any]]]:
    """Places in the grid and the values that each shows."""
    across, down = (
        [None] if name is None else [*ys] if name == own else distinct(frame, name) for name in (panel, rows)
    )
    for row, below in enumerate(down):
        for column, beside in enumerate(across):
            place = (row, column) if rows else divmod(column, _abreast(len(across)))
            yield place, {name: value for name, value in ((panel, beside), (rows, below)) if name is not None}


def _own(frame: pl.DataFrame, ys: Mapping[Any, Quantity], panel: str | None, rows: str | None) -> str | None:
    """The column of which each value has a quantity of its own."""
    fitting = [column for column in (panel, rows) if column and {*distinct(frame, column)} & {*ys}]
    if len(fitting) != 1 and len(frame):
        raise SuiteError(f"y = {[*ys]} are no values of panel = {panel!r} or rows = {rows!r}", "name their column")
    return fitting[0] if fitting else None


def _abreast(count: int) -> int:
    """How many panels stand side by side: at most three; four are two and two."""
    return min(count, 3) if count != 4 else 2


def _figure(rows: int, columns: int, size: Size | None, *, extra: float = 0.0) -> Figure:
    width, height = size or (_STACKED if columns == 1 and rows > 1 else _SIZES.get(columns, _SMALLEST))
    return Figure(figsize=(_MARGINS[0] + width * columns + extra, _MARGINS[1] + height * rows))
