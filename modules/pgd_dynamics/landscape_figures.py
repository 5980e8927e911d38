"""The figures of `pgd_dynamics.landscape`, drawn from its tables alone."""

from collections.abc import Mapping, Sequence
from math import cos, sin
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from modules.pgd_dynamics.published import INDEPENDENT_MINIMA
from suite.figures import band, gradient_colours, new_figure, style

Rows = Sequence[Mapping[str, Any]]

LANDSCAPES = (
    "Loss over the ball of one network, inputs in the plane, like Fig. 1 of Deng et al.: brighter is larger, a shade "
    "covers as much of the ball. Triangles up: all local maxima of the loss on the circle; triangles down: all local "
    "minima, from which the white lines ascend to the squares."
)
COUNTS = (
    "Left: mean number of local maxima of the loss on the circle; right: share of networks with exactly one. {}; bands "
    "are 95 % intervals. Crosses: an independent simulation of 40 networks."
)
ATLAS = (
    "One plane under several activations. Lines: ascents along the gradient (above) and along LinBP's field (below) "
    "from the same starts, squares their ends; triangles are the true loss's extrema on the circle."
)
_PANELS = 3
_LEVELS = 16
_COLOUR_MAP = "cividis"  # reads the same without colour


def landscapes(pictures: Rows, extrema: Rows, paths: Rows) -> Figure:
    """Panels of scale (down) and ratio (across), at most three of each: contours, extrema and ascents of a network."""
    scales, ratios = (_spread(sorted({row[name] for row in pictures})) for name in ("scale", "ratio"))
    with style():
        figure, axes = new_figure(len(scales), len(ratios), width=2.15 * len(ratios), height=0.1 + 2.3 * len(scales))
        for axis, (scale, ratio) in zip(axes, ((s, r) for s in scales for r in ratios), strict=True):
            mine = [
                [row for row in rows if (row["scale"], row["ratio"]) == (scale, ratio)]
                for rows in (pictures, extrema, paths)
            ]
            _contours(axis, mine[0])
            for line in _lines(mine[2]):
                _path(axis, *line, "white", "black")
            _triangles(axis, mine[1])
            count = sum(row["kind"] == "maximum" for row in mine[1])
            maxima = "maximum" if count == 1 else "maxima"
            axis.set_title(f"scale {scale:g}, ratio {ratio:g}\neps {scale * ratio:g}: {count} {maxima}", fontsize=8)
    return figure


def counts(rows: Rows) -> Figure:
    """Mean number of maxima of the loss, and the share of networks with one, against the ratio; a line per scale."""
    scales = sorted({row["scale"] for row in rows})
    colours = dict(zip(scales, gradient_colours([f"linbp{i}" for i in range(len(scales))]).values(), strict=True))
    with style():
        figure, axes = new_figure(1, 2, width=6.4, height=2.9)
        for scale, colour in colours.items():
            mine = sorted((row for row in rows if row["scale"] == scale), key=lambda row: row["ratio"])
            ratios = [row["ratio"] for row in mine]
            for axis, names in zip(
                axes, (("minima", "low", "high"), ("single", "single_low", "single_high")), strict=True
            ):
                values = (
                    np.array([row[name] for row in mine], dtype=float).tolist() for name in names
                )  # None: no limit
                band(axis, ratios, *values, colour=colour, label=f"scale {scale:g}")
            known = [
                (ratio, INDEPENDENT_MINIMA[scale, ratio]) for ratio in ratios if (scale, ratio) in INDEPENDENT_MINIMA
            ]
            if known:
                axes[0].plot(*zip(*known, strict=True), "x", color=colour, markersize=5)
        axes[0].set(xscale="log", yscale="log", xlabel="perturbation ratio", ylabel="maxima of the loss on the circle")
        axes[1].set(xscale="log", xlabel="perturbation ratio", ylabel="share with exactly one", ylim=(-0.02, 1.02))
        axes[0].legend(loc="upper left")
    return figure


def atlas(pictures: Rows, extrema: Rows, paths: Rows) -> Figure:
    """A column per activation; above with ascents along the gradient, below along LinBP's field."""
    activations = list(dict.fromkeys(row["activation"] for row in pictures))
    gradients = list(dict.fromkeys(row["gradient"] for row in paths))
    colours = gradient_colours(gradients)
    with style():
        columns = len(activations)
        figure, axes = new_figure(len(gradients), columns, width=2.15 * columns, height=0.1 + 2.2 * len(gradients))
        for axis, (gradient, name) in zip(axes, ((g, a) for g in gradients for a in activations), strict=True):
            picture, marks, walks = (
                [row for row in rows if row["activation"] == name] for rows in (pictures, extrema, paths)
            )
            _contours(axis, picture)
            for u1, u2 in _lines([row for row in walks if row["gradient"] == gradient]):
                _path(axis, u1, u2, colours[gradient], "white")
            _triangles(axis, marks)
            axis.set_title(f"{name}, {gradient}", fontsize=8)
    return figure


def _contours(axis: Axes, picture: Rows) -> None:
    side = round(len(picture) ** 0.5)
    u1, u2, loss = (np.array([row[name] for row in picture]).reshape(side, side) for name in ("u1", "u2", "loss"))
    outside = np.hypot(u1, u2) > 1
    inner = loss[~outside]
    rank = np.searchsorted(np.sort(inner), loss) / len(inner)  # shades of equal area: no loss is flat in all of a panel
    # Contours of the whole square, cut by the circle: no ragged edge where the grid ends.
    filled = axis.contourf(u1, u2, rank, levels=np.linspace(0, 1, _LEVELS + 1), cmap=_COLOUR_MAP, extend="both")
    ball = Circle((0, 0), 1, transform=axis.transData, facecolor="none", edgecolor="black", linewidth=0.8)
    axis.add_patch(ball)
    filled.set_clip_path(ball)
    axis.set(xlim=(-1.12, 1.12), ylim=(-1.12, 1.12), aspect="equal")
    axis.set_axis_off()


def _triangles(axis: Axes, extrema: Rows) -> None:
    for kind, marker, colour in (("minimum", "v", "#56B4E9"), ("maximum", "^", "#D55E00")):
        angles = [row["angle"] for row in extrema if row["kind"] == kind]
        size = 6.5 if len(angles) < 10 else 4.5
        axis.plot([cos(angle) for angle in angles], [sin(angle) for angle in angles], marker, color=colour,
                  markeredgecolor="black", markeredgewidth=0.6, markersize=size, zorder=7)  # fmt: skip


def _path(axis: Axes, u1: Sequence[float], u2: Sequence[float], colour: str, casing: str) -> None:
    axis.plot(u1, u2, color=casing, linewidth=2.6, zorder=3)
    axis.plot(u1, u2, color=colour, linewidth=1.4, zorder=4)
    axis.plot(u1[-1], u2[-1], "s", color=colour, markeredgecolor=casing, markersize=5.5, zorder=6)


def _lines(paths: Rows) -> list[tuple[list[float], list[float]]]:
    """The trajectories' coordinates."""
    lines = []
    for start in dict.fromkeys(row["start"] for row in paths):
        mine = [row for row in paths if row["start"] == start]
        lines.append(([row["u1"] for row in mine], [row["u2"] for row in mine]))
    return lines


def _spread(values: Sequence[float]) -> list[float]:
    """At most _PANELS of them: the ends and what lies between."""
    places = np.linspace(0, len(values) - 1, min(_PANELS, len(values))).round().astype(int)
    return [values[place] for place in places]
