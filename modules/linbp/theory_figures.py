"""The figures of the simulated studies, drawn from their tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modules.linbp.theory_tables import half_way
from suite.figures import band, gradient_colours, new_figure, style

Rows = Sequence[Mapping[str, Any]]

NAMES = {"bp": "BP", "linbp": "LinBP"}
TITLES = {"raw": "original updates", "l2": "l2-normalised", "sign": "sign updates"}
CAPTION = "Solid: simulated; dashed: the dynamics of the expected gradients."
_LINES = ("#009E73", "#CC79A7", "#000000", "#E69F00")  # for what is no gradient rule


def distance_by_step(rows: Rows) -> Figure:
    """Fig. 1: mean l1 distance against step, a panel per mode; below, the same beside the expected dynamics.

    Bands are the interval of the change since step 0, around the mean: how far off the starts happen to lie says
    nothing about the rules, which share them.
    """
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    with style():
        figure, axes = new_figure(2, len(modes), width=1.0 + 2.2 * len(modes), height=4.6)
        for k, mode in enumerate(modes):
            mine = [row for row in rows if row["mode"] == mode]
            above, below = axes[k], axes[len(modes) + k]
            _curves(above, [row for row in mine if row["dynamics"] == "simulated"], of_the_change=True)
            _curves(below, mine, of_the_change=True)
            above.set(title=TITLES[mode])
            below.set(xlabel="step")
        for axis in (axes[0], axes[len(modes)]):
            axis.set_ylabel("l1 distance to x*")
        figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2 * min(2, len(modes)))
    return figure


def training_by_step(rows: Rows) -> Figure:
    """Fig. 2: training loss and l1 distance to the teacher against step; a logarithmic axis where BP is done early."""
    fast = 0 < half_way(rows) < max(row["step"] for row in rows) / 50
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=2.9)
        for axis, quantity in zip(axes, ("loss", "l1 distance"), strict=True):
            _curves(axis, [row for row in rows if row["quantity"] == quantity], of_the_change=False)
            axis.set(xlabel="step", ylim=(0, None), xscale="log" if fast else "linear")
        axes[0].set_ylabel("training loss")
        axes[1].set_ylabel("l1 distance to w*")
        figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def ahead_by_step(rows: Rows, key: str) -> Figure:
    """Share of runs with LinBP ahead against step, a line per `key`; runs that tie are left out."""
    groups = list(dict.fromkeys(row[key] for row in rows))
    with style():
        figure, (axis,) = new_figure(width=4.8, height=3.0)
        for group, colour in zip(groups, _LINES, strict=False):
            for dynamics, line in (("simulated", "-"), ("expected", "--")):
                mine = [row for row in rows if (row[key], row["dynamics"]) == (group, dynamics) and row["n"]]
                steps, share = [row["step"] for row in mine], [100 * row["share"] for row in mine]
                if line == "--":
                    axis.plot(steps, share, line, color=colour, linewidth=1)
                else:
                    low, high = ([100 * row[name] for row in mine] for name in ("low", "high"))
                    band(axis, steps, share, low, high, colour=colour, label=TITLES.get(group, group))
        axis.axhline(50, color="#999999", linewidth=1, linestyle=":")
        axis.set(xlabel="step", ylabel="runs with LinBP ahead (%)", ylim=(-2, 102))
        axis.legend(loc="best", title="dashed: expected dynamics", title_fontsize=8)
    return figure


def condition_by_step(rows: Rows, equation: str) -> Figure:
    """Where Eq. 21 or 22 has held from the first step on: coordinates, and runs in which it has for all of them."""
    units = list(dict.fromkeys(row["units"] for row in rows))
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=2.9)
        for axis, what, ends in zip(
            axes, ("coordinates", "runs"), (("low", "high"), ("runs_low", "runs_high")), strict=True
        ):
            for name, colour in zip(units, _LINES, strict=False):
                for trajectory, line in (("simulated", "-"), ("expected", "--")):
                    mine = [row for row in rows if (row["units"], row["trajectory"]) == (name, trajectory)]
                    steps, share = [row["step"] for row in mine], [100 * row[what] for row in mine]
                    if line == "--":
                        axis.plot(steps, share, line, color=colour, linewidth=1)
                    else:
                        low, high = ([100 * row[end] for row in mine] for end in ends)
                        band(axis, steps, share, low, high, colour=colour, label=name)
            axis.set(xlabel="step", ylim=(-2, 102))
        axes[0].set_ylabel(f"coordinates: {equation} has held (%)")
        axes[1].set_ylabel("runs: for all coordinates (%)")
        axes[1].legend(loc="best", title="units (dashed: expected)", title_fontsize=8)
    return figure


def _curves(axis: Axes, rows: Rows, *, of_the_change: bool) -> None:
    """Mean against step: BP and LinBP, expected ones dashed; bands of the level or of the change since step 0."""
    for gradient, colour in gradient_colours(list(NAMES)).items():
        for dynamics in ("simulated", "expected"):
            mine = [row for row in rows if (row["gradient"], row["dynamics"]) == (gradient, dynamics)]
            mine = [row for row in mine if row["n"] > 1]
            steps, mean = [row["step"] for row in mine], [row["mean"] for row in mine]
            if dynamics == "expected":
                axis.plot(
                    steps, mean, "--", color=colour, linewidth=1, label=f"{NAMES[gradient]}, expected" if mine else None
                )
                continue
            low, high = ([_end(row, end, of_the_change) for row in mine] for end in ("low", "high"))
            band(axis, steps, mean, low, high, colour=colour, label=NAMES[gradient])


def _end(row: Mapping[str, Any], end: str, of_the_change: bool) -> float:
    """An end of the band: that of the mean, or the mean with the uncertainty of its change."""
    if of_the_change:
        return float(row["mean"] + row[f"change_{end}"] - row["change"])
    return float(row[end])
