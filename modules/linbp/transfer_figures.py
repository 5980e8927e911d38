"""The two figures of `linbp.transfer`, drawn from its table `success` alone; one of each per method."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from suite.figures import band, gradient_colours, new_figure, style
from suite.refs import format_number

Rows = Sequence[Mapping[str, Any]]
MARKED = 4  # strengths up to which each is a tick of the axis


def heat_map(rows: Rows) -> Figure:
    """A panel per eps, a row per surrogate and rule, a column per victim; in each cell the rate and its interval.

    A frame marks the cells in which the victim is the surrogate itself.
    """
    strengths, victims = _values(rows, "eps"), _values(rows, "victim")
    lines = list(dict.fromkeys((row["surrogate"], row["gradient"]) for row in rows))
    several = len(_values(rows, "surrogate")) > 1
    names = [f"{surrogate}: {gradient}" if several else gradient for surrogate, gradient in lines]
    margin = 0.075 * max(map(len, names)) + 0.5
    with style():
        figure, axes = new_figure(
            len(strengths),
            width=margin + 0.85 * len(victims) + 0.7,
            height=0.55 + len(strengths) * (0.3 + 0.36 * len(lines)),
        )
        for axis, eps in zip(axes, strengths, strict=True):
            mine = {(row["surrogate"], row["gradient"], row["victim"]): row for row in rows if row["eps"] == eps}
            cells = [[mine[*line, victim] for victim in victims] for line in lines]
            rates = np.array([[100 * cell["rate"] for cell in line] for line in cells])
            image = axis.imshow(rates, cmap="cividis", vmin=0, vmax=100, aspect="auto")
            for y, line in enumerate(cells):
                for x, cell in enumerate(line):
                    _write(axis, x, y, cell)
            axis.set_title(f"eps = {format_number(eps)}")
            axis.set_yticks(range(len(lines)), names)
            axis.set_xticks(range(len(victims)), victims if axis is axes[-1] else [])
            axis.tick_params(length=0)
            axis.grid(visible=False)
            axis.spines[:].set_visible(False)
        axes[-1].set_xlabel("victim")
        bar = figure.colorbar(image, ax=axes, shrink=min(1.0, 1.6 / figure.get_figheight()), aspect=12)
        bar.set_label(f"{_values(rows, 'method')[0]}: success rate (%)")
    return figure


def success_by_eps(rows: Rows) -> Figure:
    """Success rate against eps: a panel per victim, a line of panels per surrogate, a line per rule."""
    surrogates, victims, strengths = (_values(rows, name) for name in ("surrogate", "victim", "eps"))
    colours = gradient_colours(_values(rows, "gradient"))
    with style():
        aside = 1.6 if len(colours) > 2 else 0  # inches for a legend beside the panels
        size = {"width": 1.0 + 2.1 * len(victims) + aside, "height": 0.5 + 1.9 * len(surrogates)}
        figure, axes = new_figure(len(surrogates), len(victims), **size)
        places = [(surrogate, victim) for surrogate in surrogates for victim in victims]
        for axis, (surrogate, victim) in zip(axes, places, strict=True):
            for gradient, colour in colours.items():
                line = [row for row in rows if _names(row) == (surrogate, victim, gradient)]
                rate, low, high = ([100 * row[name] for row in line] for name in ("rate", "low", "high"))
                band(axis, [row["eps"] for row in line], rate, low, high, colour=colour, label=gradient)
            white = " (white box)" if surrogate == victim else ""
            axis.set_title(f"{surrogate} → {victim}{white}", fontsize=8)
            axis.set(ylim=(-2, 102), xlim=(0, None))
            if len(strengths) <= MARKED:
                axis.set_xticks(strengths, [format_number(eps) for eps in strengths])
        for axis in axes[-len(victims) :]:
            axis.set_xlabel("eps")
        for axis in axes[:: len(victims)]:
            axis.set_ylabel("success rate (%)")
        if len(colours) > 2:
            figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
        else:
            axes[0].legend(loc="best")
        figure.suptitle(_values(rows, "method")[0], fontsize=9)
    return figure


def _write(axis: Any, x: int, y: int, cell: Mapping[str, Any]) -> None:
    """A cell's numbers in percent, legible on its colour; a frame where it is a white box."""
    ink = "white" if cell["rate"] < 0.55 else "black"
    axis.text(x, y - 0.14, f"{100 * cell['rate']:.0f}", ha="center", va="center", color=ink, fontsize=8.5)
    interval = f"{100 * cell['low']:.0f}–{100 * cell['high']:.0f}"
    axis.text(x, y + 0.26, interval, ha="center", va="center", color=ink, fontsize=6.5)
    if cell["white_box"]:
        axis.add_patch(Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, fill=False, edgecolor=ink, linewidth=1.2))


def _values(rows: Rows, column: str) -> list[Any]:
    return list(dict.fromkeys(row[column] for row in rows))


def _names(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["surrogate"], row["victim"], row["gradient"]
