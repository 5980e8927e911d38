"""One look for every figure: colour-blind safe (Okabe and Ito), legible at half a page's width, rules always alike."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_BP = "#0072B2"
_LINBP_SHADES = ("#D55E00", "#E69F00", "#CC79A7", "#8C510A", "#B2182B")
_OTHERS = ("#009E73", "#56B4E9", "#000000", "#999999")

_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Within the block, figures are drawn in the suite's style."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 6.4, height: float = 3.2
) -> tuple[Figure, list[Axes]]:
    """A figure without any window behind it, and its axes row by row; sizes in inches."""
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [axis for row in axes for axis in row]


def gradient_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each gradient rule: `bp` blue, LinBP in shades of vermillion, others their own."""
    colours, shades, others = {}, iter(_LINBP_SHADES * len(names)), iter(_OTHERS * len(names))
    for name in names:
        colours[name] = _BP if name == "bp" else next(shades) if name.startswith("linbp") else next(others)
    return colours


def band(axes: Axes, x: Sequence[float], rate: Sequence[float], low: Sequence[float], high: Sequence[float], *,
         colour: str, label: str) -> None:  # fmt: skip
    """A line with its 95 % interval as a band."""
    axes.plot(x, rate, color=colour, label=label, marker="o" if len(x) < 3 else None)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
