"""The figure of `pgd_dynamics.rules`, drawn from its table alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from suite.figures import new_figure, style

Rows = Sequence[Mapping[str, Any]]

CAPTION = (
    "LinBP's ascent on the two-layer network, judged by the true loss. Left: angle between its end and the maximum "
    "that BP climbs to from there. Middle: loss gained over BP's gain from the same start. Right: asymmetry of the "
    "field's Jacobian at the start, 0 for a gradient. Means over networks with 95 % intervals; {}."
)
_QUANTITIES = {"away": "degrees from a maximum", "gain": "gain / BP's gain", "asymmetry": "asymmetry of J"}
_COLOURS = {"softplus": "#D55E00", "relu": "#0072B2"}


def rules(rows: Rows) -> Figure:
    """Three quantities against the input scale, a line per activation and dimension."""
    linbp = [row for row in rows if row["rule"] == "linbp"]
    lines = list(dict.fromkeys((row["activation"], row["d"]) for row in linbp))
    dims = sorted({d for _, d in lines})
    styles = dict(zip(dims, ("-", "--", ":", "-.") * len(dims), strict=False))
    with style():
        figure, axes = new_figure(1, 3, width=8.0, height=3.0)
        for activation, d in lines:
            line = sorted(
                (row for row in linbp if (row["activation"], row["d"]) == (activation, d)), key=lambda r: r["scale"]
            )
            for axis, name in zip(axes, _QUANTITIES, strict=True):
                bars = [
                    [row[name] - row[f"{name}_low"] for row in line],
                    [row[f"{name}_high"] - row[name] for row in line],
                ]
                axis.errorbar(
                    [row["scale"] for row in line], [row[name] for row in line], yerr=bars, color=_COLOURS[activation],
                    linestyle=styles[d], marker="o", markersize=3, capsize=2, label=f"{activation}, d = {d}",
                )  # fmt: skip
        for axis, label in zip(axes, _QUANTITIES.values(), strict=True):
            axis.set(xlabel="input scale", ylabel=label, xscale="log")
        axes[1].axhline(1, color="black", linewidth=0.8)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure
