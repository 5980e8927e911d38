"""The figure of `lazy_regime.dial`, drawn from its table alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modules.lazy_regime.dial_tables import named
from suite.figures import gradient_colours, new_figure, style

Rows = Sequence[Mapping[str, Any]]


_SHADES = ("#009E73", "#000000", "#CC79A7", "#56B4E9", "#E69F00")


def dial(rows: Rows, rule: str) -> Figure:
    """Flip sizes and drift against C0, and one against the other; a line a width but in the first panel."""
    colours = gradient_colours(list(dict.fromkeys(("bp", rule))))
    lines = {"single_step": ("one step, BP", colours["bp"], "-")}
    if rule != "bp":
        lines["rule_step"] = (f"one step, {rule}", colours[rule], "-")
    lines["many_steps"] = ("many steps", "#000000", "--")
    widths = sorted({row["m"] for row in rows})
    names = [named(row["c0"]) for row in rows if row["m"] == widths[0]]
    places = list(range(len(names)))
    with style():
        figure, (kinds, drift, sizes, against) = new_figure(2, 2, width=6.8, height=5.2)
        for name, (label, colour, line) in lines.items():
            _line(kinds, places, [row for row in rows if row["m"] == widths[-1]], name, colour, line, label)
        for m, colour in zip(widths, _SHADES * len(widths), strict=False):
            mine = [row for row in rows if row["m"] == m]
            _line(drift, places, mine, "drift", colour, "-", f"m = {m}")
            _line(sizes, places, mine, "single_step", colour, "-", f"m = {m}")
            _line(against, [row["drift"] for row in mine], mine, "single_step", colour, "-", f"m = {m}")
        for axis in (kinds, drift, sizes):
            axis.set_xticks(places, names)
            axis.set(xlabel="C0", ylim=(0, None))
        for axis in (kinds, sizes, against):
            axis.set(ylabel="median |delta| / |x|", ylim=(0, None))
        kinds.set(title=f"m = {widths[-1]}")
        drift.set(ylabel="|K - K0| / |K0|", title="drift of the kernel")
        sizes.set(title="one step, BP")
        against.set(xlabel="|K - K0| / |K0|", title="one step, BP")
        kinds.legend()
        drift.legend()
    return figure


def _line(
    axis: Axes, x: Sequence[float], rows: Rows, name: str, colour: str, line: str, label: str
) -> None:  # fmt: skip
    known = [(place, row) for place, row in zip(x, rows, strict=True) if row[name] is not None]
    places, middle = [place for place, _ in known], [row[name] for _, row in known]
    low, high = (
        [row[name] if row[end] is None else row[end] for _, row in known] for end in (f"{name}_low", f"{name}_high")
    )
    axis.plot(places, middle, line, marker="o", markersize=3.5, color=colour, label=label)
    axis.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
