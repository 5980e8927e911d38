"""The figures of `phase_transition.linear`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modules.phase_transition import theory
from suite.figures import band, new_figure, style

Rows = Sequence[Mapping[str, Any]]

PATHS = (
    "Relative distance of the adversarial from the clean path by step of gradient descent (Fig. 2 left), mean over {} "
    "data sets with 95 % intervals; eps in units of sqrt(d/n), {}."
)
P_VALUES = (
    "Mean p-value of {} trained models (left: parameters, right: adversarial training loss) among {} clean trainings, "
    "by eps / sqrt(d/n), with 95 % intervals (Fig. 2 right, Fig. 3); dashed: by rank; arrows: eps_star by its "
    "definition; {}."
)
GROWTH = (
    "eps_star against d/n: by its definition (losses) and where the parameters part by one standard deviation (Theorem "
    "1), 95 % bootstrap intervals over {} data sets; lines: derived for small and large d/n; {}."
)
_COLOURS = ("#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#999999")


def paths(by_step: Rows) -> Figure:
    """A panel per size: distance against step, a line per strength."""
    sizes = list(dict.fromkeys((row["d"], row["n"]) for row in by_step))
    with style():
        figure, axes = new_figure(1, len(sizes), width=0.6 + 3.0 * len(sizes), height=3.0)
        for axis, (d, n) in zip(axes, sizes, strict=True):
            rows = [row for row in by_step if (row["d"], row["n"]) == (d, n) and row["distance"] is not None]
            for strength, colour in zip(dict.fromkeys(row["eps_over_order"] for row in rows), _endless(), strict=False):
                mine = [row for row in rows if row["eps_over_order"] == strength]
                values = ([row[name] for row in mine] for name in ("step", "distance", "low", "high"))
                _band(axis, *values, colour=colour, label=f"{strength:.2g} ({mine[0]['eps']:.2g})")
            axis.set(title=f"d = {d}, n = {n}", xlabel="step", ylim=(0, 1.4 * axis.get_ylim()[1]))
            axis.legend(title="eps / sqrt(d/n) (eps)", title_fontsize=8, loc="upper center", ncols=2)
        axes[0].set_ylabel("|theta(eps) - theta(0)| / |theta(0)|")
    return figure


def p_values(rows: Rows, eps_star: Rows) -> Figure:
    """Two panels: p-value of parameters and of losses against eps, a line per size."""
    critical = {(row["d"], row["n"]): row["eps_star_over_order"] for row in eps_star}
    with style():
        figure, axes = new_figure(1, 2, width=6.6, height=3.0)
        for axis, of in zip(axes, ("parameters", "loss"), strict=True):
            mine = [row for row in rows if row["of"] == of and row["eps"] > 0 and row["p"] is not None]
            for (d, n), colour in zip(dict.fromkeys((row["d"], row["n"]) for row in mine), _endless(), strict=False):
                line = [row for row in mine if (row["d"], row["n"]) == (d, n)]
                x = [row["eps_over_order"] for row in line]
                values = ([row[name] for row in line] for name in ("p", "low", "high"))
                _band(axis, x, *values, colour=colour, label=f"d = {d}, n = {n}")
                axis.plot(x, [row["rank_p"] for row in line], "--", color=colour, linewidth=0.9)
                if critical.get((d, n)):
                    axis.annotate("", (critical[d, n], -0.02), (critical[d, n], 0.07),
                                  arrowprops={"arrowstyle": "->", "color": colour})  # fmt: skip
            axis.axvline(1, color="#999999", linewidth=1, linestyle=":")
            axis.set(xscale="log", xlabel="eps / sqrt(d/n)", ylim=(-0.02, 0.65), title=of)
        axes[0].set_ylabel("mean p-value")
        axes[1].legend(loc="upper right")
    return figure


def growth(eps_star: Rows, fitted: Rows, sigma: float, norm: float) -> Figure:
    """Both critical strengths against d/n on logarithmic axes, with fitted powers in the legend."""
    powers = {(row["quantity"], row["range"]): row["leading"] for row in fitted}
    ratios = sorted(row["d_over_n"] for row in eps_star)
    with style():
        figure, (axis,) = new_figure(width=5.2, height=4.6)
        for column, words, colour, marker in (
            ("eps_star", "losses", _COLOURS[0], "o"), ("parted", "parameters", _COLOURS[3], "s"),
        ):  # fmt: skip
            rows = [row for row in eps_star if row[column] is not None]
            x, y = (np.array([row[name] for row in rows]) for name in ("d_over_n", column))
            ends = [[row[column] if row[f"{column}_{end}"] is None else row[f"{column}_{end}"] for row in rows]
                    for end in ("low", "high")]  # fmt: skip
            errors = np.abs(np.array(ends).reshape(2, -1) - y)
            slopes = [_written(powers.get((f"eps_star ({words})", name))) for name in ("d/n <= 0.2", "d/n >= 5")]
            axis.errorbar(x, y, errors, fmt=marker, color=colour, markersize=4, linewidth=0.9,
                          label=f"{words}, leading power {slopes[0]} (d/n <= 0.2), {slopes[1]} (d/n >= 5)")  # fmt: skip
        small = np.geomspace(min(ratios), 0.6, 50) if min(ratios) < 0.6 else np.array([])
        large = np.geomspace(2, max(ratios), 50) if max(ratios) > 2 else np.array([])
        many = 10**6  # samples: the limit at this d/n
        first = [theory.eps_star_first_order(many, max(1, round(r * many)), sigma, norm) for r in small]
        axis.plot(small, first, color=_COLOURS[0], linewidth=1, label="Delta / slope of the loss (d < n)")
        axis.plot(small, small**0.5 / theory.ABSOLUTE, color=_COLOURS[3], linewidth=1, label="sqrt(pi/2) sqrt(d/n)")
        axis.plot(large, large**0.5 / theory.ABSOLUTE, color=_COLOURS[3], linewidth=1)
        everywhere = np.array([min(ratios), max(ratios)])
        axis.plot(everywhere, everywhere**0.5, ":", color="black", linewidth=1, label="sqrt(d/n)")
        axis.set(xscale="log", yscale="log", xlabel="d / n", ylabel="critical attack strength")
        figure.legend(loc="outside lower center")
    return figure


def _written(power: float | None) -> str:
    return "-" if power is None else f"{power:.2f}"


def _endless() -> Sequence[str]:
    """Colours for as many lines as there are."""
    return _COLOURS * 20


def _band(axis: Axes, x: Any, y: Any, low: Any, high: Any, *, colour: str, label: str) -> None:
    """A line with its band; no band where there is one data set only."""
    known = not any(value is None for value in (*low, *high))
    band(axis, x, y, low if known else y, high if known else y, colour=colour, label=label)
