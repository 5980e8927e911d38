"""Figures of `phase_transition.connectivity`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from suite.figures import new_figure, style

Rows = Sequence[Mapping[str, Any]]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_PATHS = {"curve": "#0072B2", "segment": "#999999"}
_COLOUR_MAP = "cividis_r"  # reads the same without colour; the low-loss region is bright
_MARKS = {"start": "o", "middle": "s", "end": "^"}
_PANELS = 4
_LEVELS = 13
_CEILING = 10.0  # nats: beyond it a model is as bad as it gets, and differences say nothing
_FLOOR = 1e-3


def planes(plane: Rows, marks: Rows, barriers: Rows) -> Figure:
    """A panel for each of at most four strengths: loss contours, the three models and the curve, lengths as they are.

    Shades are logarithmic and the same in all panels; the dashed line is the contour of R*.
    """
    finite = {eps for eps in {row["eps"] for row in marks} if _is_finite([row for row in marks if row["eps"] == eps])}
    strengths = _spread(sorted(finite))
    losses = np.array([row["loss"] for row in plane if row["eps"] in strengths and row["loss"] is not None])
    low = max(float(losses.min(initial=1.0)), _FLOOR)
    levels = np.geomspace(low, max(min(float(losses.max(initial=1.0)), _CEILING), 2 * low), _LEVELS)
    threshold = next((row["threshold"] for row in barriers), None)
    columns = min(2, len(strengths))
    lines = -(-len(strengths) // columns)
    with style():
        figure, axes = new_figure(lines, columns, width=3.0 * columns + 0.7, height=2.6 * lines)
        for axis, eps in zip(axes, strengths, strict=False):
            filled = _contours(axis, [row for row in plane if row["eps"] == eps], levels, threshold)
            _models(axis, [row for row in marks if row["eps"] == eps])
            axis.set_title(f"eps {eps:.4g}")
        for axis in axes[len(strengths) :]:
            axis.set_axis_off()
        bar = figure.colorbar(filled, ax=axes, label="clean training loss (nats)", aspect=30)
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        bar.ax.yaxis.set_minor_locator(NullLocator())
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        figure.supxlabel("distance in weight space towards the adversarial model", fontsize=9)
        figure.supylabel("towards the middle point", fontsize=9)
    return figure


def paths(profiles: Rows, means: Rows) -> Figure:
    """Loss against the place on the curve and on the segment, a line per strength with its band; R* dashed."""
    strengths = sorted({row["eps"] for row in profiles})
    threshold = np.mean([row["threshold"] for row in means])
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=2.9)
        for axis, path in zip(axes, _PATHS, strict=True):
            for number, eps in enumerate(strengths):
                mine = [row for row in profiles if (row["path"], row["eps"]) == (path, eps)]
                mean, low, high = (np.array([row[name] for row in mine], float) for name in ("mean", "low", "high"))
                colour = _COLOURS[number % len(_COLOURS)]
                axis.plot([row["t"] for row in mine], mean, color=colour, label=f"eps {eps:.4g}")
                axis.fill_between([row["t"] for row in mine], np.maximum(low, _FLOOR / 10), high, color=colour,
                                  alpha=0.18, linewidth=0)  # fmt: skip
            axis.axhline(float(threshold), color="black", linestyle="--", linewidth=0.9)
            axis.set(title=path, xlabel="t (0: clean model, 1: adversarial model)", yscale="log")
        low, high = (bound(row["mean"] for row in profiles) for bound in (min, max))
        for axis in axes:
            axis.set_ylim(max(low, _FLOOR) / 2, 2 * max(high, float(threshold)))
        axes[0].set_ylabel("clean training loss (nats)")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(strengths)))
    return figure


def barriers(means: Rows, norm: str) -> Figure:
    """Left: barrier and excess of both paths against eps; right: the clean training loss of the two ends."""
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=2.7)
        for path, colour in _PATHS.items():
            mine = [row for row in means if row["path"] == path]
            _bars(axes[0], mine, "barrier", colour, f"{path}: barrier")
            _bars(axes[0], mine, "excess", colour, f"{path}: excess", "--")
        curve = [row for row in means if row["path"] == "curve"]
        _bars(axes[1], curve, "end_loss", _COLOURS[1], "adversarial model")
        _bars(axes[1], curve, "start_loss", _COLOURS[2], "clean model")
        axes[0].set(ylabel="climb (nats)")
        axes[1].set(ylabel="clean training loss (nats)")
        for axis in axes:
            axis.set(xlabel=f"eps, {'l_inf' if norm == 'linf' else 'l2'} (pixels in [0, 1])", ylim=(0, None))
            axis.legend(handlelength=3)
    return figure


def _bars(axis: Axes, rows: Rows, name: str, colour: str, label: str, dash: str = "-") -> None:
    """Means with their intervals, cut at zero, which no loss and no barrier goes below."""
    mean = np.array([row[name] for row in rows], float)
    low, high = (np.array([row[f"{name}_{end}"] for row in rows], float) for end in ("low", "high"))
    spread = np.nan_to_num(np.array([mean - np.maximum(low, 0), high - mean]))
    axis.errorbar([row["eps"] for row in rows], mean, spread, color=colour, label=label, marker="o", markersize=4,
                  capsize=3, linestyle=dash)  # fmt: skip


def _contours(axis: Axes, rows: Rows, levels: np.ndarray[Any, Any], threshold: float | None) -> Any:
    side = round(len(rows) ** 0.5)
    x, y, loss = (np.array([row[name] for row in rows], float).reshape(side, side) for name in ("x", "y", "loss"))
    loss = np.nan_to_num(loss, nan=levels[-1], posinf=levels[-1]).clip(levels[0], levels[-1])
    filled = axis.contourf(x, y, loss, levels=levels, norm=LogNorm(levels[0], levels[-1]), cmap=_COLOUR_MAP)
    if threshold is not None and loss.min() < threshold < loss.max():
        axis.contour(x, y, loss, levels=[threshold], colors="black", linestyles="--", linewidths=0.9)
    axis.grid(visible=False)
    return filled


def _models(axis: Axes, marks: Rows) -> None:
    curve = [row for row in marks if row["what"] == "curve"]
    axis.plot([row["x"] for row in curve], [row["y"] for row in curve], color="white", linewidth=3)
    axis.plot([row["x"] for row in curve], [row["y"] for row in curve], color="black", linewidth=1.4)
    for row in marks:
        if row["what"] != "curve":
            axis.plot(row["x"], row["y"], _MARKS[row["what"]], color="#D55E00", markeredgecolor="white", markersize=7)


def _is_finite(marks: Rows) -> bool:
    return all(row[name] is not None and isfinite(row[name]) for row in marks for name in ("x", "y"))


def _spread(values: Sequence[float]) -> list[float]:
    """At most _PANELS of them: the ends and what lies between."""
    places = np.linspace(0, len(values) - 1, min(_PANELS, len(values))).round().astype(int)
    return [values[place] for place in places]
