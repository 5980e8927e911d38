"""The figure of `phase_transition.two_layer`, drawn from its table alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from suite.figures import new_figure, style

Rows = Sequence[Mapping[str, Any]]

BY_WIDTH = (
    "Largest distance of the two-layer net's effective coefficients from the linear model's path that starts with it, "
    "over the length of what that ends with, against the width h; filled: |a_j| about 1, open: |a| = 1 as the proof "
    "writes; geometric means with 95 % intervals, {}. Dotted: 1 / h."
)
_COLOURS = ("#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^")


def by_width(rows: Rows) -> Figure:
    """A panel per size; colours are strengths, markers activations, open markers the scale |a| = 1."""
    rows = [row for row in rows if row["quantity"] == "path" and row["distance"] is not None]
    sizes = list(dict.fromkeys((row["d"], row["n"]) for row in rows))
    strengths = list(dict.fromkeys(row["eps_over_order"] for row in rows))
    activations = list(dict.fromkeys(row["activation"] for row in rows))
    with style():
        figure, axes = new_figure(
            1,
            max(1, len(sizes)),
            width=0.8 + 2.9 * max(1, len(sizes)),
            height=2.7 + 0.2 * len(strengths) * len(activations),
        )
        for axis, (d, n) in zip(axes, sizes, strict=False):
            here = [row for row in rows if (row["d"], row["n"]) == (d, n)]
            for scale, activation, eps in dict.fromkeys(
                (r["scale"], r["activation"], r["eps_over_order"]) for r in here
            ):
                mine = [
                    r for r in here if (r["scale"], r["activation"], r["eps_over_order"]) == (scale, activation, eps)
                ]
                y = [row["distance"] for row in mine]
                errors = [[abs(y[k] - _end(row, end)) for k, row in enumerate(mine)] for end in ("low", "high")]
                colour = _COLOURS[strengths.index(eps) % len(_COLOURS)]
                words = f"eps = {eps:.2g} sqrt(d/n)" if eps else "clean"
                words += f", {activation}" if len(activations) > 1 else ""
                axis.errorbar(
                    [row["h"] for row in mine], y, errors, color=colour, linewidth=1.2, markersize=4,
                    marker=_MARKERS[activations.index(activation) % len(_MARKERS)],
                    markerfacecolor=colour if scale == "one" else "white", linestyle="-" if scale == "one" else "--",
                    label=f"{words}, {'|a_j| ~ 1' if scale == 'one' else '|a| = 1'}",
                )  # fmt: skip
            widths = sorted({row["h"] for row in here})
            top = max(row["distance"] for row in here if row["h"] == widths[0])
            axis.plot(widths, [top * widths[0] / h for h in widths], ":", color="#777777", linewidth=1)
            axis.set(xscale="log", yscale="log", xlabel="width h", title=f"d = {d}, n = {n}")
        axes[0].set_ylabel("relative distance")
        if sizes:
            figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _end(row: Mapping[str, Any], end: str) -> float:
    """A limit, or the value where there is none: no bar."""
    return float(row["distance"] if row[end] is None else row[end])
