"""The figures of `lazy_regime.theory`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from modules.lazy_regime.proof_tables import groups
from modules.lazy_regime.theory import initial_flip
from suite.figures import band, new_figure, style

Rows = Sequence[Mapping[str, Any]]

_SHADES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
_MEDIAN = 0.6745 * np.sqrt(np.pi / 2)  # of |N(0, 1)| over its mean
_NETS = {"initial": "#000000", "trained": "#0072B2", "worst found": "#D55E00"}


def condition(changes: Rows) -> Figure:
    """Largest change of the gradient in the ball against its radius at the largest width: a panel a C0, a line a d."""
    widest = [row for row in changes if row["m"] == max(row["m"] for row in changes)]
    panels = list(groups(widest, "c0"))
    with style():
        figure, axes = _panels(len(panels))
        for axis, (key, mine) in zip(axes, panels, strict=True):
            for (of, rows), colour in zip(groups(mine, "d"), _SHADES * len(mine), strict=False):
                ratio, middle, low, high = (
                    [row[name] for row in rows] for name in ("ratio", "supremum", "low", "high")
                )
                band(axis, ratio, middle, low, high, colour=colour, label=f"d = {of['d']}")
            grid = np.geomspace(min(row["ratio"] for row in mine), max(row["ratio"] for row in mine), 50)
            axis.plot(grid, 1 - 1 / grid, "k--", linewidth=1.2)
            axis.set(xscale="log", xlabel="R in |f| / |grad f|", ylim=(0, 1.6), title=_named(key["c0"]))
            axis.set_xticks([2, 5], ["2", "5"])
            axis.set_xticks([], minor=True)
        figure.supylabel("change of gradient / |grad f|", fontsize=9)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def sizes(found: Rows) -> Figure:
    """The smallest flipping step against d, for the largest width: a panel a C0 > 0."""
    widest = [row for row in found if row["m"] == max(row["m"] for row in found)]
    initial = [row for row in widest if row["net"] == "initial"]
    panels = [pair for pair in groups(widest, "c0") if pair[0]["c0"] > 0] or list(groups(widest, "c0"))
    with style():
        figure, axes = _panels(len(panels))
        for axis, (key, mine) in zip(axes, panels, strict=True):
            for net, colour in _NETS.items():
                rows = [row for row in (initial if net == "initial" else mine) if row["net"] == net]
                known = [row for row in rows if row["median"] is not None]
                d, middle = ([row[name] for row in known] for name in ("d", "median"))
                low, high = ([_end(row, name) for row in known] for name in ("low", "high"))
                axis.plot(d, middle, "o-", markersize=4, color=colour, label=net)
                axis.fill_between(d, low, high, color=colour, alpha=0.18, linewidth=0)
                never = [row["d"] for row in rows if row["median"] is None]
                if never:
                    axis.plot(never, [1] * len(never), "^", color=colour, transform=axis.get_xaxis_transform(),
                    clip_on=False,
                              in_layout=False)  # fmt: skip
            linear = [row for row in mine if row["net"] == "worst, linear"]
            axis.plot([row["d"] for row in linear], [row["median"] for row in linear], ":", color=_NETS["worst found"],
                      label="worst, linear")  # fmt: skip
            dims = sorted({row["d"] for row in widest})
            axis.plot(dims, [_MEDIAN * initial_flip(d) for d in dims], "--", color="#999999", label="initial, theory")
            axis.set(xscale="log", yscale="log", xlabel="d", title=_named(key["c0"]))
            axis.set_xticks(dims, [str(d) for d in dims])
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter(NullFormatter())
            axis.set_xticks([], minor=True)
        figure.supylabel("smallest flipping |delta|, |x| = 1", fontsize=9)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """Panels in rows of two, or of three where that fills them."""
    columns = 1 if count == 1 else 3 if count % 3 == 0 else 2
    rows = -(-count // columns)
    figure, axes = new_figure(rows, columns, width=1.2 + 2.4 * columns, height=0.6 + 2.4 * rows)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def _named(c0: float) -> str:
    return f"C0 = {c0:g}" + (" (initialisation)" if c0 == 0 else "")


def _end(row: Mapping[str, Any], name: str) -> float:
    """An end of the interval, on a logarithmic axis; the middle where there is none."""
    value = row["median"] if row[name] is None else row[name]
    return float(max(value, row["median"] / 100))
