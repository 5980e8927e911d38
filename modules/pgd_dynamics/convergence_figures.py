"""The figures of `pgd_dynamics.convergence`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from suite.figures import new_figure, style

Rows = Sequence[Mapping[str, Any]]

PHASES = (
    "Phases of projected gradient ascent at one eta (Deng et al., Sec. 4), a line per trajectory: through the ball, "
    "along the sphere, near a local maximum of the loss. Left: distance from the centre. Middle: cosine of the ascent "
    "direction with the outward normal. Right: length of the tangential gradient; dashed is sqrt(eta)."
)
RATES = (
    "Left and middle: steps and distance at Theorem 3.1's output against eta; median and 10-90 % range over "
    "trajectories, with slopes of the paper's bounds as dashed lines through the largest eta. Right: squared distance "
    "under the schedule eta_s = 2 / (beta (s + z)), dashed the bound 1 / (s + z). {}."
)
_COLOURS = ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#D55E00", "#8C510A", "#000000")
_SHOWN = 40  # trajectories


def phases(rows: Rows) -> Figure:
    """Where trajectories are, against eta t."""
    series: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        series.setdefault((row["network"], row["start"]), []).append(row)
    eta = rows[0]["eta"]
    with style():
        figure, axes = new_figure(1, 3, width=7.6, height=2.6)
        for line in list(series.values())[:_SHOWN]:
            time = [row["step"] for row in line]
            for axis, name in zip(axes, ("radius", "cosine", "gamma"), strict=True):
                axis.plot(time, [row[name] for row in line], color=_COLOURS[0], alpha=0.35, linewidth=0.8)
        axes[0].set(ylabel="|delta| / eps", xlabel="step", ylim=(0, 1.05))
        axes[1].set(ylabel="cosine of -dL, normal", xlabel="step", ylim=(-1.05, 1.05))
        axes[2].set(ylabel="|Gamma|", xlabel="step")
        _logarithmic(axes[2], "y")
        axes[2].axhline(eta**0.5, color="black", linestyle="--", linewidth=1)
        axes[2].annotate(
            "sqrt(eta)", (0.98, eta**0.5), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8
        )
    return figure


def rates(by_eta: Rows, by_step: Rows, rates: Rows) -> Figure:
    """Steps and distance against eta, and D_s under the schedule, beside the bounds."""
    exponents = {row["quantity"]: row["exponent"] for row in rates}
    with style():
        figure, axes = new_figure(1, 3, width=8.4, height=3.6)
        names = [row["quantity"] for row in rates if row["quantity"].startswith("steps")]
        for colour, name in zip(_COLOURS, names, strict=False):
            quantity = name.removesuffix(", in eta")
            _range(axes[0], [row for row in by_eta if row["quantity"] == quantity], "eta", colour,
                   f"{quantity.removeprefix('steps ')}: {_written(exponents[name])}")  # fmt: skip
        of_distance = [row for row in by_eta if row["quantity"] == "distance of the output"]
        label = f"slope {_written(exponents['distance of the output, in eta'])}"
        _range(axes[1], of_distance, "eta", _COLOURS[0], label)
        near = [row for row in by_eta if row["quantity"] == "steps to |Gamma| < sqrt(eta)"]
        for axis, rows, bound in ((axes[0], near, -2.0), (axes[1], of_distance, 0.5)):
            _bound(axis, rows, "eta", bound, f"bound: {bound:g}")
        axes[0].set(xlabel="eta", ylabel="steps")
        axes[1].set(xlabel="eta", ylabel="distance to the maximum")
        for colour, beta in zip(_COLOURS, sorted({row["beta"] for row in by_step}), strict=False):
            rows = [row for row in by_step if row["beta"] == beta]
            slope = _written(exponents[f"D_s in s + z, beta = {beta:g} kappa"])
            _range(axes[2], rows, "time", colour, f"beta = {beta:g} kappa: {slope}")
        if by_step:
            longest = sorted((row for row in by_step), key=lambda row: row["time"])
            line = [{"time": longest[k]["time"], "median": 1.0} for k in (0, -1)]
            _bound(axes[2], line, "time", -1.0, "bound: -1", from_first=True)
        axes[2].set(xlabel="(s + z) / z", ylabel="D_s / D_1")
        for axis in axes:
            _logarithmic(axis, "x", "y")
        etas = sorted({row["eta"] for row in by_eta})
        for axis in axes[:2]:
            axis.xaxis.set_major_locator(FixedLocator(etas[:: -(-len(etas) // 3)]))
            axis.xaxis.set_major_formatter("{x:.2g}")
            axis.xaxis.set_minor_formatter(NullFormatter())
        axes[1].yaxis.set_minor_formatter(NullFormatter())
        for axis in axes:
            if axis.get_legend_handles_labels()[0]:
                axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=7)
    return figure


def _logarithmic(axes: Axes, *directions: str) -> None:
    """Logarithmic scales where anything is drawn: matplotlib refuses them for panels that a loss leaves empty."""
    drawn = [np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.lines]
    if any((values > 0).any() for values in drawn):
        for direction in directions:
            axes.set(**{f"{direction}scale": "log"})


def _written(exponent: float | None) -> str:
    """An exponent in a legend; a dash where there was nothing to fit."""
    return "-" if exponent is None else f"{exponent:.2f}"


def _range(axes: Axes, rows: Rows, x: str, colour: str, label: str) -> None:
    rows = [row for row in rows if row["median"] is not None]
    xs = [row[x] for row in rows]
    axes.plot(
        xs, [row["median"] for row in rows], color=colour, label=label, marker="o" if len(xs) < 10 else None, ms=3
    )
    axes.fill_between(
        xs, [row["tenth"] for row in rows], [row["ninetieth"] for row in rows], color=colour, alpha=0.15, lw=0
    )


def _bound(axes: Axes, rows: Rows, x: str, exponent: float, label: str, *, from_first: bool = False) -> None:
    """A power law through the last point, or the first one."""
    rows = [row for row in rows if row["median"] is not None]
    if rows:
        xs, anchor = np.array([row[x] for row in rows]), rows[0] if from_first else rows[-1]
        line = anchor["median"] * (xs / anchor[x]) ** exponent
        axes.plot(xs, line, color="black", linestyle="--", linewidth=1, label=label)
