"""The names of the first edition, kept until the last `*_figures.py` that uses them is gone; new studies use none."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_BP = "#0072B2"
_LINBP_SHADES = ("#D55E00", "#E69F00", "#CC79A7", "#8C510A", "#B2182B")
_OTHERS = ("#009E73", "#56B4E9", "#000000", "#999999")


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
