"""The figures of `pgd_dynamics.escape`, drawn from its table of curves alone: Deng et al. 2020, Fig. 2 and 3."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from modules.pgd_dynamics.escape_tables import SHARE
from suite.figures import new_figure, style

Rows = Sequence[Mapping[str, Any]]


def escape(rows: Rows, *, rule: str, panels: Literal["scale", "epoch"], fixed: float) -> Figure:
    """Loss (above) and share of the rise (below) against the step; a column per scale or epoch, a line per ratio.

    Medians over starts. Dashed: another gradient rule than bp. Dots: where a line passes 90 % of the rise.

    Args:
        panels: `scale` for Fig. 2, `epoch` for Fig. 3.
        fixed: the epoch of Fig. 2, the scale of Fig. 3.
    """
    other = "epoch" if panels == "scale" else "scale"
    chosen = [row for row in rows if row["rule"] == rule and row[other] == fixed]
    columns, ratios = sorted({row[panels] for row in chosen}), sorted({row["ratio"] for row in rows})
    colours = mpl.colormaps["viridis"]
    with style():
        figure, axes = new_figure(2, max(len(columns), 1), width=0.8 + 2.3 * max(len(columns), 2), height=4.4)
        for number, value in enumerate(columns):
            above, below = axes[number], axes[number + len(columns)]
            for place, ratio in enumerate(ratios):
                colour = colours(0.9 * place / max(len(ratios) - 1, 1))
                for gradient in dict.fromkeys(row["gradient"] for row in chosen):
                    line = [r for r in chosen if (r[panels], r["ratio"], r["gradient"]) == (value, ratio, gradient)]
                    dashes = "-" if gradient == "bp" else "--"
                    label = f"ratio {ratio:g}" + ("" if gradient == "bp" else f", {gradient}")
                    steps = [row["step"] + 1 for row in line]
                    above.plot(steps, [row["loss"] for row in line], dashes, color=colour, label=label)
                    below.plot(steps, [row["share"] for row in line], dashes, color=colour)
                    passed = next((row for row in line if row["share"] >= SHARE), None)
                    if passed:
                        below.plot(passed["step"] + 1, passed["share"], "o", color=colour, markersize=4)
            name = f"input scale {value:g}" if panels == "scale" else f"epoch {value:g}"
            above.set(title=name, xscale="log")
            below.set(xlabel="step + 1", xscale="log", ylim=(-0.05, 1.05))
            _loss_axis(above, [row["loss"] for row in chosen if row[panels] == value])
        if columns:
            axes[0].set_ylabel("loss (nats)")
            axes[len(columns)].set_ylabel("share of the rise")
            handles, labels = axes[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(labels)))
    return figure


def _loss_axis(axis: Any, losses: Sequence[float]) -> None:
    """Linear near the common level of the losses; logarithmic where they span more than two decades."""
    if losses and min(losses) < max(losses) / 100:
        axis.set(yscale="log", ylim=(max(min(losses), 1e-6) / 2, 2 * max(losses)))
