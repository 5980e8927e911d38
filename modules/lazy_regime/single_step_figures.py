"""The figures of `lazy_regime.single_step`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from modules.lazy_regime.single_step_tables import POWERS, numbers
from suite.figures import gradient_colours, new_figure, style

Rows = Sequence[Mapping[str, Any]]

_SHOWN = {"gradient": "|grad f|", "eta": "step eta", "delta_over_norm": "|delta| / |x|"}
_NAMES = {"gradient": "sqrt(d)", "eta": "1 / d", "delta_over_norm": "1 / sqrt(d)"}
_SCALES = ("#0072B2", "#E69F00", "#CC79A7", "#56B4E9", "#D55E00")

BY_DIMENSION = (
    "Gradient norm, smallest flipping step eta along the gradient, and size of the perturbation over that of the "
    "image, against the dimension d of the image; C0 = {c0:g}, one line a width m. Means over correctly classified "
    "test points; bars: 95 % over {runs} nets. Dashed: Theorem 3.1's powers of d, through the first width's middle."
)
BY_RADIUS = (
    "The same at width m = {m}, one line a size C0 of the lazy ball; bars: 95 % over {runs} nets. Dashed: Theorem "
    "3.1's powers of d."
)
HISTOGRAMS = (
    "Size of the smallest flipping perturbation, gradient norm and step eta over the test points of {runs} "
    "nets; d = {d}, m = {m}, C0 = {c0:g}. Correctly classified points; {lost} without any flipping step are left out."
)
DIRECTIONS = (
    "Left: smallest flipping perturbation along the direction of {rule} over that along the gradient, on the "
    "same points (geometric mean). Right: cosine between the two. C0 = {c0:g}; bars: 95 % over {runs} nets. "
    "Dashed: sqrt 2 and 1 / sqrt 2, what LinBP's direction gives on a wide net at initialisation."
)


def by_dimension(settings: Rows, c0: float) -> Figure:
    """Fig. 2 and 5: a line a width."""
    return _panels([row for row in settings if row["c0"] == c0], "m", "m = {}")


def by_radius(settings: Rows, m: int) -> Figure:
    """Fig. 3 and 6: a line a C0."""
    return _panels([row for row in settings if row["m"] == m], "c0", "C0 = {:g}")


def histograms(points: Mapping[str, Any]) -> Figure:
    """Fig. 7: delta and eta along both directions, and the gradient norm."""
    values = numbers(points)
    used = (values["margin"] > 0) & np.isfinite(values["delta"])
    names = list(dict.fromkeys(values["direction"].tolist()))
    labels = {"delta": "|delta|", "gradient": "|grad f|", "eta": "step eta"}
    with style():
        figure, axes = new_figure(1, 3, width=7.2, height=2.5)
        for axis, (name, label) in zip(axes, labels.items(), strict=True):
            drawn = names[:1] if name == "gradient" else names  # a linear direction is as long at every point
            shown = [values[name][used & (values["direction"] == direction)] for direction in drawn]
            edges = np.histogram_bin_edges(np.concatenate(shown), 40)
            for direction, sample in zip(drawn, shown, strict=True):
                axis.hist(sample, edges.tolist(), color=gradient_colours(names)[direction], alpha=0.55, label=direction)
            axis.set_xlabel(label)
        axes[0].set_ylabel("test points")
        _legend(axes[0])
    return figure


def directions(rows: Rows, c0: float) -> Figure:
    """Along a rule's direction against along the gradient, by d and m."""
    mine = [row for row in rows if row["c0"] == c0]
    with style():
        figure, axes = new_figure(1, 2, width=6.8, height=2.8)
        for (m, colour), marker in zip(_coloured(mine, "m"), "osv^D" * len(mine), strict=False):
            cell = [row for row in mine if row["m"] == m and row["ratio"] is not None]
            _line(axes[0], cell, "ratio", colour, marker, f"m = {m}")
            axes[1].plot([r["d"] for r in cell], [r["cosine"] for r in cell], marker=marker, markersize=4, color=colour)
        axes[0].axhline(1, color="black", linewidth=0.8)
        axes[0].axhline(2**0.5, color="black", linewidth=0.8, linestyle="--")
        axes[0].set(ylabel="ratio of |delta|", xlabel="dimension d", xscale="log")
        axes[1].axhline(2**-0.5, color="black", linewidth=0.8, linestyle="--")
        axes[1].set(ylabel="cosine to the gradient", xlabel="dimension d", xscale="log")
        _legend(axes[0])
        for axis in axes:
            _ticks(axis, sorted({row["d"] for row in mine}))
    return figure


def _panels(settings: Rows, variable: str, label: str) -> Figure:
    true = [row for row in settings if row["direction"] == "bp" and row["mean"] is not None]
    with style():
        figure, axes = new_figure(1, 3, width=7.2, height=2.9)
        for axis, (quantity, title) in zip(axes, _SHOWN.items(), strict=True):
            mine = [row for row in true if row["quantity"] == quantity]
            for (value, colour), marker in zip(_coloured(mine, variable), "osv^D" * len(mine), strict=False):
                cell = sorted((row for row in mine if row[variable] == value), key=lambda row: row["d"])
                _line(axis, cell, "mean", colour, marker, label.format(value))
            _shape(axis, mine, variable, POWERS[quantity])
            axis.set(xscale="log", yscale="log", xlabel="dimension d", title=f"{title}\n(dashed: {_NAMES[quantity]})")
            _ticks(axis, sorted({row["d"] for row in mine}))
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter(NullFormatter())
            if means := [row["mean"] for row in mine if row["mean"] > 0]:
                axis.set_ylim(min(means) / 1.4, max(means) * 1.4)  # an interval that reaches zero has no end here
        _legend(axes[0])
    return figure


def _line(axis: Axes, cell: Rows, name: str, colour: str, marker: str, label: str) -> None:
    d, mean = ([row[key] for row in cell] for key in ("d", name))
    low, high = (
        [row[name] if row[limit] is None else row[limit] for row in cell] for limit in ("low", "high")
    )  # no bar without limits
    errors = np.abs(np.array([np.subtract(mean, low), np.subtract(high, mean)]))
    axis.errorbar(d, mean, errors, color=colour, marker=marker, markersize=4, label=label)


def _shape(axis: Axes, rows: Rows, variable: str, power: float) -> None:
    """constant x d^power, through the geometric mean of the first line."""
    first = [row for row in rows if row[variable] == min((row[variable] for row in rows), default=None)]
    if len(first) > 1:
        d, mean = (np.array([row[name] for row in first], dtype=float) for name in ("d", "mean"))
        if (mean > 0).all():
            constant = np.exp(np.mean(np.log(mean) - power * np.log(d)))
            axis.plot(d, constant * d**power, "--", color="#009E73", linewidth=1.2)


def _legend(axis: Axes) -> None:
    """A legend where there is anything to name: a grid without a single flip has no lines."""
    if axis.get_legend_handles_labels()[0]:
        axis.legend()


def _ticks(axis: Axes, dims: Sequence[int]) -> None:
    axis.set_xticks(dims, [f"{d:g}" for d in dims])
    axis.set_xticks([], minor=True)


def _coloured(rows: Rows, variable: str) -> list[tuple[Any, str]]:
    values = sorted({row[variable] for row in rows})
    return list(zip(values, _SCALES * (1 + len(values) // len(_SCALES)), strict=False))
