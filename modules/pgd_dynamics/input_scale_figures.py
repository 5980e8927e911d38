"""The figures of `pgd_dynamics.input_scale`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from modules.pgd_dynamics.escape_tables import groups
from suite.figures import band, new_figure, style
from suite.stats import mean_interval

Rows = Sequence[Mapping[str, Any]]
TRAININGS = ("adversarial", "clean")


def curves(rows: Rows, summary: Rows) -> Figure:
    """Training loss against the epoch, a line per scale at its best learning rate; adversarial and clean apart."""
    scales = sorted({row["scale"] for row in rows})
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=3.4)
        for axis, training in zip(axes, TRAININGS, strict=True):
            for number, scale in enumerate(scales):
                rate = [
                    r["learning_rate"]
                    for r in summary
                    if (r["training"], r["scale"], r["best"]) == (training, scale, True)
                ]
                mine = [
                    r for r in rows if (r["training"], r["scale"]) == (training, scale) and r["learning_rate"] in rate
                ]
                means = [
                    (key["epoch"], mean_interval([r["train_loss"] for r in some]))
                    for key, some in groups(mine, "epoch")
                ]
                if means:
                    numbers = [
                        [mean.mean for _, mean in means],
                        [mean.low for _, mean in means],
                        [mean.high for _, mean in means],
                    ]
                    label = f"scale {scale:g}, rate {rate[0]:g}"
                    band(axis, [epoch for epoch, _ in means], *numbers, colour=_colour(number, scales), label=label)
            axis.set(title=f"{training} training", xlabel="epoch")
            if axis.get_legend_handles_labels()[1]:  # every rate may have diverged
                axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))
        axes[0].set_ylabel("training loss (nats)")
    return figure


def rates(summary: Rows) -> Figure:
    """Loss at the fixed epoch against the learning rate, a line per scale."""
    scales = sorted({row["scale"] for row in summary})
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=3.4)
        for axis, training in zip(axes, TRAININGS, strict=True):
            for number, scale in enumerate(scales):
                mine = [r for r in summary if (r["training"], r["scale"]) == (training, scale) and not r["diverged"]]
                x, y = [row["learning_rate"] for row in mine], [row["train_loss"] for row in mine]
                reach = [
                    [row["train_loss"] - row["low"] for row in mine],
                    [row["high"] - row["train_loss"] for row in mine],
                ]
                axis.errorbar(
                    x, y, yerr=reach, marker="o", capsize=2, color=_colour(number, scales), label=f"scale {scale:g}"
                )
            axis.set(title=f"{training} training", xlabel="learning rate", xscale="log")
            if axis.get_legend_handles_labels()[1]:  # every rate may have diverged
                axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))
        axes[0].set_ylabel("loss at the fixed epoch (nats)")
    return figure


def _colour(number: int, scales: Sequence[float]) -> Any:
    return mpl.colormaps["viridis"](0.9 * number / max(len(scales) - 1, 1))
