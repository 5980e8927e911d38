"""Figures of `phase_transition.epsilon_star`, drawn from its tables alone."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modules.phase_transition.rows import Row, grouped
from suite.figures import new_figure, style

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
Rows = Sequence[Row]


def losses(trainings: Rows, strengths: Rows, norm: str) -> Figure:
    """Adversarial training loss against eps: a dot per training, a line per seed; means of R* dashed, and eps_star."""
    kinds = [row for row in strengths if row["measure"] == "running"]
    with style():
        figure, (axis,) = new_figure(width=5.2, height=3.4)
        for number, kind in enumerate(kinds):
            colour = _COLOURS[number % len(_COLOURS)]
            axis.plot([], [], color=colour, label=kind["kind"])
            trained = [row for row in trainings if _is_of(row, kind) and not row["diverged"]]
            for mine in grouped(trained, "seed").values():
                curve = sorted((row["eps"], row["train_loss"]) for row in mine)
                axis.plot(*zip(*curve, strict=True), ".-", color=colour, linewidth=1, alpha=0.7)
            if kind["threshold"] is not None:
                axis.axhline(kind["threshold"], color=colour, linestyle="--", linewidth=1)
            if kind["eps_star"] is not None:
                axis.plot(kind["eps_star"], kind["threshold"], "D", color=colour, markersize=5, zorder=3)
                _interval(axis, kind, kind["threshold"], colour)
        axis.set(xlabel=_strength(norm), ylabel="adversarial training loss (nats)", ylim=(0, None), xlim=(0, None))
        axis.plot([], [], "--", color="grey", linewidth=1, label="R*, clean test loss")
        axis.plot([], [], "D", color="grey", markersize=5, label="eps_star")
        handles, labels = axis.get_legend_handles_labels()
        axis.legend(handles, labels)
    return figure


def strengths(kinds: Rows, norm: str) -> Figure:
    """eps_star of each kind with its interval, by both measures; a triangle where only a bound is known."""
    names = list(dict.fromkeys(row["kind"] for row in kinds))
    measures = list(dict.fromkeys(row["measure"] for row in kinds))
    with style():
        figure, (axis,) = new_figure(width=5.2, height=1.2 + 0.42 * len(names))
        for number, measure in enumerate(measures):
            colour = _COLOURS[number]
            for row in kinds:
                if row["measure"] != measure:
                    continue
                place = len(names) - names.index(row["kind"]) - 0.18 * (number - (len(measures) - 1) / 2)
                _point(axis, row, place, colour)
            axis.plot([], [], "o", color=colour, label=measure)
        axis.set(xlabel=f"eps_star, {_strength(norm)}", xlim=(0, None), ylim=(0.4, len(names) + 0.6))
        axis.set_yticks(range(len(names), 0, -1), names)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=len(measures))
    return figure


def _point(axis: Axes, row: Row, place: float, colour: str) -> None:
    if row["outcome"] == "bracketed":
        axis.plot(row["eps_star"], place, "o", color=colour, markersize=5)
        _interval(axis, row, place, colour)
    elif row["outcome"] == "above":
        axis.plot(row["at_least"], place, ">", color=colour, fillstyle="none", markersize=6)
    elif row["outcome"] == "below":
        axis.plot(row["at_most"], place, "<", color=colour, fillstyle="none", markersize=6)
    elif row["outcome"] == "mixed" and row["at_most"] is not None:
        axis.plot([row["at_least"], row["at_most"]], [place, place], ":", color=colour)


def _interval(axis: Axes, row: Row, place: float, colour: str) -> None:
    if row["low"] is not None:
        axis.plot([max(row["low"], 0), row["high"]], [place, place], color=colour, linewidth=3, alpha=0.5)


def _is_of(row: Row, kind: Row) -> bool:
    same = (row["model"], row["samples"]) == (kind["model"], kind["samples"])
    return same and row["gradient"] in ("", kind["gradient"])


def _strength(norm: str) -> str:
    return "eps, l_inf (pixels in [0, 1])" if norm == "linf" else "eps, l2 (pixels in [0, 1])"
