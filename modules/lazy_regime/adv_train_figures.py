"""The figures of `lazy_regime.adv_train`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from modules.lazy_regime.adv_train_tables import ACROSS, ALONG, PREDICTED, grouped
from suite.figures import band, new_figure, style

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]

ORDERS = {
    "step": "projected after every step",
    "epoch": "projected once an epoch",
    "released": "evaluated before projection",
}
_LABELS = {"dimension": ("dimension d", "eps"), "width": ("width m", "radius of the ball")}
_SCALED = {"dimension": "eps sqrt(d)", "width": "radius sqrt(m)"}
CAPTIONS = {
    "dimension": "Robust accuracy against {against}, by d and eps: mean over runs; {of}. Points: where it passes 1/2, "
    "with 95 % intervals. Fig. 4 left.",
    "width": "Robust accuracy against {against}, by width and radius of the ball, one map an order of projection and "
    "evaluation: mean over runs; {of}. Points: where it passes 1/2, with 95 % intervals. Fig. 4 right.",
}
CURVES = {
    "dimension": "Robust accuracy against eps sqrt(d): one curve, if the transition is at a constant over sqrt(d). "
    "Bands: 95 % intervals; {of}.",
    "width": "Robust accuracy against radius sqrt(m): one curve, if the transition is at a constant over sqrt(m). "
    "Bands: 95 % intervals; {of}.",
}
_SHADES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C510A")
_MEASURED = "#D55E00"
_MAP = ListedColormap(mpl.colormaps["GnBu"](np.linspace(0, 0.7, 256)))  # light enough for black lines on it


def heat_maps(cells: Rows, transitions: Rows, powers: Rows) -> Figure:
    """A map per order of one panel: robust accuracy over the grid, where it passes one half, and the paper's curve."""
    panel = cells[0]["panel"]
    maps = [order for order in ORDERS if any(row["order"] == order for row in cells)]
    with style():
        figure, axes = new_figure(1, len(maps), width=1.4 + 2.2 * max(len(maps), 1.4), height=3.3)
        for order, axis in zip(maps, axes, strict=True):
            mine = [[row for row in rows if row["order"] == order] for rows in (cells, transitions, powers)]
            mesh = _mesh(axis, panel, mine[0])
            _places(axis, panel, *mine[1:])
            axis.set(title=ORDERS[order], xlabel=_LABELS[panel][0])
        axes[0].set_ylabel(_LABELS[panel][1])
        figure.colorbar(mesh, ax=axes, label="robust accuracy", shrink=0.9)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def curves(cells: Rows, transitions: Rows, powers: Rows) -> Figure:
    """An axis per order of one panel: robust accuracy against the scaled eps or radius, a line per d or m."""
    panel = cells[0]["panel"]
    across, along = ACROSS[panel], ALONG[panel]
    maps = [order for order in ORDERS if any(row["order"] == order for row in cells)]
    with style():
        figure, axes = new_figure(1, len(maps), width=1.2 + 2.0 * max(len(maps), 1.6), height=3.0)
        for order, axis in zip(maps, axes, strict=True):
            groups = grouped([row for row in cells if row["order"] == order], across)
            for ((value,), mine), colour in zip(groups, _SHADES * len(cells), strict=False):
                rows = sorted(mine, key=lambda row: row[along])
                x = [row[along] * value**0.5 for row in rows]
                robust, low, high = ([row[name] for row in rows] for name in ("robust", "low", "high"))
                band(axis, x, robust, low, high, colour=colour, label=f"{across} = {value}")
            axis.axhline(0.5, color="#999999", linewidth=1, linestyle=":")
            axis.set(title=ORDERS[order], xlabel=_SCALED[panel], xscale="log", ylim=(-0.03, 1.03))
            _ticks(axis)
        axes[0].set_ylabel("robust accuracy")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _mesh(axis: Axes, panel: str, cells: Rows) -> QuadMesh:
    x, y = (np.array(sorted({row[name] for row in cells}), dtype=float) for name in (ACROSS[panel], ALONG[panel]))
    robust = np.full((len(y), len(x)), np.nan)
    for row in cells:
        robust[np.searchsorted(y, row[ALONG[panel]]), np.searchsorted(x, row[ACROSS[panel]])] = row["robust"]
    axis.grid(visible=False)
    axis.set(xscale="log", yscale="log")
    mesh = axis.pcolormesh(_edges(x), _edges(y), robust, cmap=_MAP, vmin=0, vmax=1)
    axis.set_xticks(x, [f"{value:g}" for value in x])
    axis.set_yticks(y, [f"{value:g}" for value in y])
    axis.minorticks_off()
    return mesh


def _places(axis: Axes, panel: str, transitions: Rows, powers: Rows) -> None:
    known = [row for row in transitions if row["at"] is not None]
    variable = ACROSS[panel]
    x = np.array([row[variable] for row in transitions], dtype=float)
    limits = axis.get_xlim(), axis.get_ylim()
    axis.plot(x, x**PREDICTED, ":", color="black", linewidth=1.4, label=f"1 / sqrt({variable})")
    if known:
        at = np.array([row["at"] for row in known])
        errors = [[row["at"] - (row["low"] or row["at"]), (row["high"] or row["at"]) - row["at"]] for row in known]
        here = np.array([row[variable] for row in known], dtype=float)
        constant = float(np.exp(np.mean(np.log(at * here**-PREDICTED))))
        axis.plot(x, constant * x**PREDICTED, "--", color="black", linewidth=1.1, label=f"constant / sqrt({variable})")
        axis.errorbar(here, at, np.abs(np.array(errors).T), fmt="o", color=_MEASURED, markeredgecolor="white",
                      markersize=5, linewidth=1.2, label="accuracy 1/2")  # fmt: skip
    axis.set(xlim=limits[0], ylim=limits[1])
    fitted = [row for row in powers if row["power"] is not None]
    text = f"{variable}^{fitted[0]['power']:.2f}" if fitted else "no transition"
    axis.text(0.96, 0.95, text, transform=axis.transAxes, ha="right", va="top")


def _edges(values: Floats) -> Floats:
    """The borders of cells around values, half-way between neighbours on a logarithmic axis."""
    logs = np.log(values)
    gaps = np.diff(logs)
    outer = gaps if len(gaps) else np.full(1, 0.6)  # a single value has a cell of any size
    below = np.concatenate([outer[:1], gaps])
    edges: Floats = np.exp(np.append(logs - below / 2, logs[-1] + outer[-1] / 2))
    return edges


def _ticks(axis: Axes) -> None:
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_locator(NullLocator())
