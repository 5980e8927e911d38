"""Figures of `phase_transition.overfitting`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modules.phase_transition.overfitting_tables import MANY_STEPS
from suite.figures import new_figure, style
from suite.training import ONE_STEP

Rows = Sequence[Mapping[str, Any]]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_PANELS = 4


def gaps(rows: Rows, reference: int) -> Figure:
    """Panels per training-set size: the robust gap over epochs, and from the reference epoch on in units of its."""
    sizes = list(dict.fromkeys(row["samples"] for row in rows))
    strengths = sorted({row["eps"] for row in rows})
    panels = {"robust_gap": "robust test minus training\nloss (nats)", "ratio": "ratio to the reference epoch"}
    with style():
        figure, axes = new_figure(len(sizes), 2, width=6.4, height=0.4 + 2.4 * len(sizes))
        for place, samples in enumerate(sizes):
            for axis, (measure, label) in zip(axes[2 * place : 2 * place + 2], panels.items(), strict=True):
                for number, eps in enumerate(strengths):
                    key = (measure, samples, eps)
                    mine = [row for row in rows if (row["measure"], row["samples"], row["eps"]) == key]
                    mine = [row for row in mine if measure == "robust_gap" or row["epoch"] >= reference]
                    _band(axis, mine, _COLOURS[number % len(_COLOURS)], f"eps {eps:.4g}")
                axis.axvline(reference, color="black", linestyle=":", linewidth=0.9)
                axis.set(xlabel="epoch", ylabel=label, title=f"n = {samples}")
                axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(5, len(strengths)))
    return figure


def collapses(epochs: Rows, found: Rows) -> Figure:
    """A row per size, at most four strengths across: both robust accuracies over epochs, a colour per seed."""
    fast = [row for row in epochs if row["kind"] == "one step"]
    sizes = list(dict.fromkeys(row["samples"] for row in fast))
    tried = sorted({row["eps"] for row in fast})
    strengths = [tried[place] for place in np.linspace(0, len(tried) - 1, min(_PANELS, len(tried))).round().astype(int)]
    marks = [row for row in found if row["kind"] == "one step" and row["collapsed"]]
    with style():
        columns = len(strengths)
        figure, axes = new_figure(len(sizes), columns, width=0.9 + 1.55 * columns, height=0.4 + 2.1 * len(sizes))
        for axis, (samples, eps) in zip(axes, ((n, eps) for n in sizes for eps in strengths), strict=True):
            mine = [row for row in fast if (row["samples"], row["eps"]) == (samples, eps)]
            for number, seed in enumerate(dict.fromkeys(row["seed"] for row in mine)):
                one = [row for row in mine if row["seed"] == seed]
                at = [row for row in marks if (row["samples"], row["eps"], row["seed"]) == (samples, eps, seed)]
                _accuracies(axis, one, at, _COLOURS[number % len(_COLOURS)])
            axis.set(title=f"n = {samples}, eps {eps:.4g}", ylim=(-3, 103), xlabel="epoch")
            axis.set_title(axis.get_title(), fontsize=8)
            axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            first = axis in axes[::columns]
            axis.set_ylabel("robust accuracy (%)" if first else "")
            axis.tick_params(labelleft=first)
        axes[0].plot([], [], "--", color="grey", label="under one step")
        axes[0].plot([], [], "-", color="grey", label="under many steps")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _accuracies(axis: Axes, rows: Rows, collapse: Rows, colour: str) -> None:
    epochs = [row["epoch"] for row in rows]
    for name, dash in ((ONE_STEP, "--"), (MANY_STEPS, "-")):
        axis.plot(epochs, [100 * row[name] for row in rows], dash, color=colour, linewidth=1.2)
    for row in collapse:
        axis.plot(row["epoch"], 100 * row["many_steps"], "x", color=colour, markersize=7, markeredgewidth=2)


def _band(axis: Axes, rows: Rows, colour: str, label: str) -> None:
    epochs = [row["epoch"] for row in rows]
    mean, low, high = (np.array([row[name] for row in rows], float) for name in ("mean", "low", "high"))
    axis.plot(epochs, mean, color=colour, label=label, marker="o" if len(epochs) < 3 else None)
    axis.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
