"""The figures of `phase_transition.fine_tune`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modules.phase_transition.epsilon_star_tables import RUNNING
from modules.phase_transition.extrapolation import METHODS, curve
from modules.phase_transition.fine_tune_claims import CLOSE
from modules.phase_transition.rows import grouped
from suite.figures import gradient_colours, new_figure, style
from suite.stats import mean_interval

Rows = Sequence[Mapping[str, Any]]

_DASHES = {"1-point": "--", "least-squares": "-", "isotonic": ":", "spline": "-."}
_SCRATCH, _THRESHOLD = "0.35", "#009E73"
_WIDER = 1.25  # the curves are drawn a quarter beyond the last point


def losses(trainings: Rows, norm: str) -> Figure:
    """Running training loss against eps, a panel per inner attack and gradient rule: points, curves and threshold."""
    _, column, threshold_column = RUNNING
    rows = [row for row in trainings if not row["diverged"] and row[column] is not None]
    clean = [row for row in rows if row["how"] == "clean"]
    scratch = [row for row in rows if row["how"] == "from scratch"]
    panels = grouped([row for row in rows if row["how"] == "fine-tuned"], "attack", "gradient")
    colours = gradient_colours(list(dict.fromkeys(gradient for _, gradient in panels)))
    across = min(2, len(panels)) or 1
    down = -(-len(panels) // across) or 1
    with style():
        figure, axes = new_figure(down, across, width=2.2 * across + 2.2, height=1.0 + 2.3 * down)
        for axis, ((attack, gradient), tuned) in zip(axes, panels.items(), strict=False):
            _threshold(axis, [row[threshold_column] for row in clean])
            _points(axis, [*clean, *scratch], column, _SCRATCH, "s", "from scratch")
            eps, means = _points(axis, tuned, column, colours[gradient], "o", "fine-tuned")
            _curves(axis, float(np.mean([row[column] for row in clean])), eps, means, colours[gradient])
            alone = len({one for one, _ in panels}) == 1
            axis.set(xlabel=f"eps ({norm})", title=gradient if alone else f"{gradient}, {attack}")
        highest = max(axis.get_ylim()[1] for axis in axes)
        for axis in axes:
            axis.set_ylim(0, highest)
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        for axis in axes[::across]:
            axis.set_ylabel("adversarial training loss (nats)")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=across + 2)
    return figure


def strengths(stars: Rows, norm: str) -> Figure:
    """eps_star by each method, rule and attack over seeds, beside the value from scratch and a quarter around it."""
    rows = [row for row in stars if row["measure"] == RUNNING[0]]
    gradients = list(dict.fromkeys(row["gradient"] for row in rows))
    attacks = list(dict.fromkeys(row["attack"] for row in rows))
    colours = gradient_colours(gradients)
    with style():
        figure, (axis,) = new_figure(width=4.8, height=0.9 + 0.26 * (len(rows) + 1))
        labels = []
        if rows and rows[0]["scratch_text"]:
            _from_scratch(axis, rows[0])
            labels.append("from scratch")
        for row in rows:
            _bar(axis, len(labels), row["eps_star"], row["low"], row["high"], colours[row["gradient"]])
            of = f"{row['gradient']}, " + (f"{row['attack']}, " if len(attacks) > 1 else "")
            labels.append(of + row["method"])
        axis.set_yticks(range(len(labels)), labels)
        axis.set(xlabel=f"eps_star ({norm})", ylim=(len(labels) - 0.4, -0.6))
        axis.set_xlim(left=0)
        axis.grid(axis="y", visible=False)
    return figure


def _points(
    axis: Axes, rows: Rows, column: str, colour: str, marker: str, label: str
) -> tuple[list[float], list[float]]:
    """Mean over seeds at each strength with its interval; returns strengths and means."""
    cells = sorted(grouped(rows, "eps").items())
    eps = [key[0] for key, _ in cells]
    means = [mean_interval([row[column] for row in cell]) for _, cell in cells]
    centre = np.array([mean.mean for mean in means])
    half = np.nan_to_num(np.array([mean.high - mean.mean for mean in means]))
    axis.errorbar(eps, centre, half, fmt=marker, color=colour, markersize=4.5, capsize=2.5, linewidth=1, label=label)
    return eps, centre.tolist()


def _curves(axis: Axes, clean_loss: float, eps: Sequence[float], means: Sequence[float], colour: str) -> None:
    """Each method's curve through the means; thinner where it is an extrapolation."""
    for method in METHODS:
        fitted = curve(method, clean_loss, eps, means)
        last = float(fitted.knots[-1])
        for begin, end, width in ((0.0, last, 1.4), (last, _WIDER * eps[-1], 0.7)):
            at = np.linspace(begin, end, 100)
            label = method if begin == 0 else None
            axis.plot(at, fitted(at), _DASHES[method], color=colour, linewidth=width, label=label)


def _threshold(axis: Axes, values: Sequence[float]) -> None:
    mean = mean_interval(values)
    axis.axhline(mean.mean, color=_THRESHOLD, linewidth=1.2, label="clean test loss")
    if np.isfinite(mean.low):
        axis.axhspan(mean.low, mean.high, color=_THRESHOLD, alpha=0.15, linewidth=0)


def _from_scratch(axis: Axes, row: Mapping[str, Any]) -> None:
    star = row["scratch"]
    if star is not None:
        axis.axvspan((1 - CLOSE) * star, (1 + CLOSE) * star, color=_SCRATCH, alpha=0.12, linewidth=0)
        axis.axvline(star, color=_SCRATCH, linewidth=0.8)
    _bar(axis, 0, star, row["scratch_low"], row["scratch_high"], _SCRATCH)


def _bar(axis: Axes, place: int, value: float | None, low: float | None, high: float | None, colour: str) -> None:
    if value is None:
        axis.text(
            0.02, place, "not found for every seed", va="center", fontsize=7, transform=axis.get_yaxis_transform()
        )
        return
    axis.plot(value, place, "o", color=colour, markersize=4.5)
    if low is not None and high is not None:
        axis.plot([low, high], [place, place], color=colour, linewidth=1.2)
