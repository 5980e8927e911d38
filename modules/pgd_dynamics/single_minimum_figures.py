"""The figure of `pgd_dynamics.single_minimum`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from suite.figures import gradient_colours, new_figure, style

Rows = Sequence[Mapping[str, Any]]

THRESHOLD = (
    "Above: share of networks with exactly one local minimum of L on the sphere, with 95 % intervals, and fitted "
    "curves, at the largest width; dashed: what tau = B_l / H and a constant sign of l' guarantee. Below: eps at "
    "which half of the networks have one, against the dimension; dotted: sqrt(d). {}."
)


def threshold(shares: Rows, thresholds: Rows, curve: Rows) -> Figure:
    """A column per loss: shares against eps, and half-way points against d."""
    losses = list(dict.fromkeys(row["loss"] for row in shares))
    widest = max(row["m"] for row in shares)
    with style():
        figure, axes = new_figure(2, len(losses), width=0.6 + 3.1 * len(losses), height=5.4)
        for place, loss in enumerate(losses):
            mine = [[row for row in rows if row["loss"] == loss] for rows in (shares, thresholds, curve)]
            _shares(axes[place], *([row for row in rows if row["m"] == widest] for rows in mine[:2]))
            axes[place].set(title=f"{loss} loss, m = {widest}")
            _half_way(axes[len(losses) + place], mine[1], mine[2])
        axes[0].set_ylabel("share with one minimum")
        axes[len(losses)].set_ylabel("eps50")
        axes[0].legend(loc="lower left")
        axes[len(losses)].legend(loc="upper left")
    return figure


def _shares(axis: Axes, shares: Rows, thresholds: Rows) -> None:
    dims = list(dict.fromkeys(row["d"] for row in shares))
    for d, colour in zip(dims, _colours(len(dims)), strict=True):
        mine = sorted((row for row in shares if row["d"] == d), key=lambda row: row["eps"])
        eps, single, low, high, sure = (
            np.array([row[name] for row in mine]) for name in ("eps", "single", "low", "high", "guaranteed")
        )
        errors = np.abs(np.stack([single - low, high - single]))
        axis.errorbar(eps, single, errors, fmt="o", color=colour, markersize=3.5, linewidth=0.8, label=f"d = {d}")
        axis.plot(eps, sure, "--", color=colour, linewidth=0.9)
        for row in thresholds:
            if row["d"] == d and row["eps50"] is not None:
                x = np.geomspace(eps.min(), eps.max(), 200)
                axis.plot(x, 1 / (1 + (x / row["eps50"]) ** row["steepness"]), color=colour)
    axis.set(xscale="log", xlabel="eps", ylim=(-0.03, 1.03))


def _half_way(axis: Axes, thresholds: Rows, curve: Rows) -> None:
    widths = list(dict.fromkeys(row["m"] for row in thresholds))
    powers = {row["variable"]: row["power"] for row in curve}
    for m, colour in zip(widths, _colours(len(widths)), strict=True):
        mine = [row for row in thresholds if row["m"] == m and row["eps50"] is not None]
        if not mine:
            continue
        d, eps50 = (np.array([row[name] for row in mine]) for name in ("d", "eps50"))
        low, high = (np.array([_or_itself(row, name) for row in mine]) for name in ("low", "high"))
        errors = np.abs(np.stack([eps50 - low, high - eps50]))
        axis.errorbar(d, eps50, errors, fmt="o", color=colour, markersize=3.5, linewidth=0.8, label=f"m = {m}")
        if "d" in powers:
            fitted = powers["constant"] * d ** powers["d"] * m ** powers.get("m", 0.0)
            axis.plot(d, fitted, color=colour, linewidth=1.0)
    dims = np.array(sorted({row["d"] for row in thresholds}), dtype=float)
    axis.plot(dims, dims**0.5, ":", color="black", linewidth=1.0, label="sqrt(d)")
    axis.set(xscale="log", yscale="log", xlabel="dimension d")
    axis.set_xticks(dims, [f"{d:g}" for d in dims], minor=False)
    axis.set_xticks([], minor=True)
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(NullLocator())


def _or_itself(row: Mapping[str, Any], name: str) -> float:
    """A limit, or the value where there is none: no bar."""
    return float(row["eps50"] if row[name] is None else row[name])


def _colours(count: int) -> list[str]:
    return list(gradient_colours(["bp", *(f"linbp{place}" for place in range(count - 1))]).values())
