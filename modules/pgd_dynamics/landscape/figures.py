"""Figures of `pgd_dynamics.landscape`: contours with extrema and ascents, and counts against the ratio."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from modules.pgd_dynamics.landscape import independent
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from suite.figures import colours, lines, mark, panels, quantity, spread, style
from suite.figures.heat import SEQUENTIAL

PANELS = 3  # at most, across and down
LEVELS = 16
SIZE = (2.1, 2.2)  # inches of a panel


def landscapes(pictures: pl.DataFrame, extrema: pl.DataFrame, paths: pl.DataFrame) -> tuple[Figure, str]:
    """Panels of scale (down) and ratio (across): contours, extrema and ascents of a network."""
    scales, ratios = (spread(sorted(pictures[name].unique()), PANELS) for name in ("scale", "ratio"))
    with style():
        figure, axes = panels(len(scales), len(ratios), size=SIZE)
        for axis, (scale, ratio) in zip(axes, ((s, r) for s in scales for r in ratios), strict=True):
            picture, marks, ascents = (frame.filter(scale=scale, ratio=ratio) for frame in (pictures, extrema, paths))
            _contours(axis, picture)
            _paths(axis, ascents, "white", "black")
            _triangles(axis, marks)
            maxima = len(marks.filter(kind="maximum"))
            count = f"{maxima} {'maximum' if maxima == 1 else 'maxima'}"
            axis.set_title(f"scale {scale:g}, ratio {ratio:g}\neps {scale * ratio:g}: {count}", fontsize=8)
    return figure, (
        "Loss over the ball of one network, inputs in the plane, like Fig. 1 of Deng et al.: brighter is larger, a "
        "shade covers as much of the ball. Triangles up: all local maxima of the loss on the circle; triangles down: "
        "all local minima, from which the white lines ascend to the squares."
    )


def minima_by_ratio(counts: pl.DataFrame, config: LandscapeConfig) -> tuple[Figure, str]:
    """Mean number of maxima of the loss, and the share of networks with one, against the ratio; a line per scale."""
    names = {"number": "minima", "share": "single"}
    frame = pl.concat(
        counts.select("scale", "ratio", shown=pl.lit(key), value=name, low=f"{name}_low", high=f"{name}_high")
        for key, name in names.items()
    )
    ys = {
        "number": quantity("value", "maxima of the loss on the circle", log=True),
        "share": quantity("value", "share with exactly one", limits=(-0.02, 1.02)),
    }
    rows = [(*cell, value) for cell, value in independent.MINIMA.items()]
    counted = pl.DataFrame(rows, schema=["scale", "ratio", "value"], orient="row")
    counted = counted.join(counts, on=["scale", "ratio"], how="semi")
    independently = mark(counted, "independent simulation", only="number")
    ratio = quantity("ratio", "perturbation ratio", log=True)
    figure = lines(frame, x=ratio, y=ys, colour="scale", panel="shown", references=[independently])
    return figure, (
        "Left: mean number of local maxima of the loss on the circle; right: share of networks with exactly one. "
        f"{config.networks} networks, m = {config.m}, {config.loss} loss, y = {config.y:g}; bands are 95 % intervals. "
        f"Diamonds: an independent simulation of {independent.NETWORKS} networks."
    )


def ascents_by_activation(
    atlas_pictures: pl.DataFrame, atlas_extrema: pl.DataFrame, atlas_paths: pl.DataFrame
) -> tuple[Figure, str]:
    """A column per activation; above with ascents along the gradient, below along LinBP's field."""
    activations = atlas_pictures["activation"].unique(maintain_order=True)
    fields = atlas_paths["gradient"].unique(maintain_order=True)
    inks = colours(fields.to_list())
    with style():
        figure, axes = panels(len(fields), len(activations), size=SIZE)
        for axis, (field, name) in zip(axes, ((f, a) for f in fields for a in activations), strict=True):
            _contours(axis, atlas_pictures.filter(activation=name))
            _paths(axis, atlas_paths.filter(activation=name, gradient=field), inks[field], "white")
            _triangles(axis, atlas_extrema.filter(activation=name))
            axis.set_title(f"{name}, {field}", fontsize=8)
    return figure, (
        "One plane under several activations. Lines: ascents along the gradient (above) and along LinBP's field "
        "(below) from the same starts, squares their ends; triangles are the true loss's extrema on the circle."
    )


def _contours(axis: Axes, picture: pl.DataFrame) -> None:
    side = round(len(picture) ** 0.5)
    u1, u2, loss = (picture[name].to_numpy().reshape(side, side) for name in ("u1", "u2", "loss"))
    inner = np.sort(loss[np.hypot(u1, u2) <= 1])
    rank = np.searchsorted(inner, loss) / len(inner)  # shades of equal area: no loss is flat in all of a panel
    # Contours of the whole square, cut by the circle: no ragged edge where the grid ends.
    filled = axis.contourf(u1, u2, rank, levels=np.linspace(0, 1, LEVELS + 1), cmap=SEQUENTIAL, extend="both")
    ball = Circle((0, 0), 1, transform=axis.transData, facecolor="none", edgecolor="black", linewidth=0.8)
    axis.add_patch(ball)
    filled.set_clip_path(ball)
    axis.set(xlim=(-1.12, 1.12), ylim=(-1.12, 1.12), aspect="equal")
    axis.set_axis_off()


def _triangles(axis: Axes, extrema: pl.DataFrame) -> None:
    inks = colours(["minimum", "maximum"])
    for kind, marker in (("minimum", "v"), ("maximum", "^")):
        angle = extrema.filter(kind=kind)["angle"].to_numpy()
        axis.plot(np.cos(angle), np.sin(angle), marker, color=inks[kind], markeredgecolor="black",
                  markeredgewidth=0.6, markersize=6.5 if len(angle) < 10 else 4.5, zorder=7)  # fmt: skip


def _paths(axis: Axes, paths: pl.DataFrame, ink: str, casing: str) -> None:
    for path in paths.partition_by("start", maintain_order=True):
        u1, u2 = path["u1"], path["u2"]
        axis.plot(u1, u2, color=casing, linewidth=2.6, zorder=3)
        axis.plot(u1, u2, color=ink, linewidth=1.4, zorder=4)
        axis.plot(u1[-1], u2[-1], "s", color=ink, markeredgecolor=casing, markersize=5.5, zorder=6)
