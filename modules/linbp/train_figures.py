"""The figures of `linbp.train`, drawn from its tables alone: Li et al. 2022, Fig. 3-6 and 8, and the differences."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from math import log
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from suite.figures import gradient_colours, new_figure, style

Rows = Sequence[Mapping[str, Any]]
LABELS = {"loss": "loss (nats)", "accuracy": "accuracy (%)"}


def curves(rows: Rows, part: str, classes: int) -> Figure:
    """Loss and accuracy on the `train` or `test` part against the epoch: a row of panels for each factor.

    Colour tells the gradient rule, the line's dashes the model; bands are 95 % intervals over seeds. The loss axis
    ends a quarter above chance, log(classes), whatever a diverging training does.
    """
    factors = list(dict.fromkeys(row["factor"] for row in rows))
    gradients, models = _distinct(rows, "gradient"), _distinct(rows, "model")
    colours, dashes = gradient_colours(gradients), dict(zip(models, cycle(("-", "--", ":", "-.")), strict=False))
    with style():
        figure, axes = new_figure(len(factors), 2, width=6.4, height=0.6 + 2.3 * len(factors))
        for index, factor in enumerate(factors):
            for metric, axis in zip(LABELS, axes[2 * index : 2 * index + 2], strict=True):
                for model in models:
                    for gradient in gradients:
                        chosen = [
                            row
                            for row in rows
                            if (row["factor"], row["metric"], row["model"], row["gradient"])
                            == (factor, f"{part}_{metric}", model, gradient)
                        ]
                        label = f"{model}, {gradient}"
                        line(axis, chosen, 100 if metric == "accuracy" else 1, colours[gradient], dashes[model], label)
                axis.set(xlabel="epoch", ylabel=f"{part} {LABELS[metric]}")
                if len(factors) > 1:
                    axis.set_title(f"{factor:g} x learning rate")
                low, high = axis.get_ylim()
                limits = (0, min(high, 1.25 * log(classes))) if metric == "loss" else (max(low, 0), min(high, 101))
                axis.set_ylim(limits)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(colours) * 2))
    return figure


def differences(rows: Rows) -> Figure:
    """Each rule minus the reference, paired by seed: a row of panels for each model and factor, test and train."""
    cells = list(dict.fromkeys((row["model"], row["factor"]) for row in rows))
    colours = gradient_colours(_distinct(rows, "gradient"))
    with style():
        figure, axes = new_figure(len(cells), 2, width=6.4, height=0.6 + 2.2 * len(cells))
        for index, (model, factor) in enumerate(cells):
            for metric, axis in zip(LABELS, axes[2 * index : 2 * index + 2], strict=True):
                axis.axhline(0, color="black", linewidth=0.8)
                for part, dash in (("train", "-"), ("test", "--")):
                    for gradient, colour in colours.items():
                        chosen = [
                            row
                            for row in rows
                            if (row["model"], row["factor"], row["metric"], row["gradient"])
                            == (model, factor, f"{part}_{metric}", gradient)
                        ]
                        line(axis, chosen, 100 if metric == "accuracy" else 1, colour, dash, f"{gradient}, {part}")
                unit = LABELS[metric].replace("%", "points")
                axis.set(xlabel="epoch", ylabel=f"difference in\n{unit}", title=f"{model}, {factor:g} x learning rate")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def line(axis: Axes, rows: Rows, scale: float, colour: str, dash: str, label: str) -> None:
    """Mean over seeds and its band; gaps where nothing is finite."""
    epochs = [row["epoch"] for row in rows]
    mean, low, high = (
        scale * np.array([row[name] for row in rows], dtype=np.float64) for name in ("mean", "low", "high")
    )
    axis.plot(epochs, mean, dash, color=colour, label=label, marker="o" if len(epochs) < 3 else None)
    axis.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _distinct(rows: Rows, name: str) -> list[str]:
    return list(dict.fromkeys(row[name] for row in rows))
