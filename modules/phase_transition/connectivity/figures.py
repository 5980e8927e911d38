"""Figures of `phase_transition.connectivity`: losses along paths, their climbs, and the plane of three models."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from modules.phase_transition.connectivity.config import ConnectivityConfig
from suite.figures import SEQUENTIAL, level, lines, named, panels, points, quantity, spread, style

Floats = NDArray[np.float64]

PANELS, SIZE = 4, (2.6, 2.3)
LEVELS = 13
CEILING = 10.0  # nats: beyond it a model is as bad as it gets, and differences say nothing
FLOOR = 1e-3

_MARKS = {"start": "o", "middle": "s", "end": "^"}
_INK = "#CC79A7"  # of the models, apart from all shades


def paths(profiles: pl.DataFrame, means: pl.DataFrame, config: ConnectivityConfig) -> tuple[Figure, str] | None:
    """Loss against the place on the curve and on the segment, a line per strength with its band; R* beside them."""
    if means.is_empty():
        return None
    place = quantity("t", "t (0: clean, 1: adversarial)")
    loss = quantity("value", "clean training loss (nats)", log=True)
    threshold = level(float(means["threshold"].mean()), "R*")  # type: ignore[arg-type]
    figure = lines(profiles, x=place, y=loss, colour="eps", panel="path", references=[threshold])
    return figure, f"Clean training loss along the {config.curve} curve and the segment: {_about(config)}."


def barriers(means: pl.DataFrame, config: ConnectivityConfig) -> tuple[Figure, str] | None:
    """Left: barrier and excess of both paths against eps; right: the clean training loss of the two ends."""
    if means.is_empty():
        return None
    ends = {"start_loss": "clean model", "end_loss": "adversarial model"}
    curve = means.filter(path="curve")
    drawn = pl.concat(
        frame.select("eps", panel=pl.lit(panel), of=of, what=pl.lit(what), value=name,
                     low=pl.col(f"{name}_low").clip(lower_bound=0), high=f"{name}_high")  # nothing is below 0
        for frame, panel, of, what, name in (
            *((means, "climb", pl.col("path"), name, name) for name in ("barrier", "excess")),
            *((curve, "loss", pl.lit(model), "loss", name) for name, model in ends.items()),
        )
    )  # fmt: skip
    ys = {
        "climb": quantity("value", "climb (nats)", limits=(0, None)),
        "loss": quantity("value", "clean training loss (nats)", limits=(0, None)),
    }
    eps = quantity("eps", f"eps, {'l_inf' if config.norm == 'linf' else 'l2'} (pixels in [0, 1])")
    figure = points(drawn, x=eps, y=ys, colour="of", marker="what", join=True, panel="panel")
    return figure, f"Barrier and excess of both paths, and the clean training loss of both models: {_about(config)}."


def planes(
    plane: pl.DataFrame, marks: pl.DataFrame, barriers: pl.DataFrame, config: ConnectivityConfig
) -> tuple[Figure, str] | None:
    """A panel for each of at most four strengths: loss contours, the three models and the curve, lengths as they are.

    Shades are logarithmic and the same in all panels; the dashed line is the contour of R*.
    """
    if barriers.filter(path="curve", seed=config.seed).is_empty():
        return None
    finite = pl.all_horizontal(pl.col("x", "y").cast(pl.Float64).is_finite().fill_null(value=False))
    whole = marks.group_by("eps").agg(finite=finite.all()).filter("finite")
    strengths = spread(whole["eps"].sort().to_list(), PANELS)
    columns = min(2, len(strengths))
    levels = _levels(plane.filter(pl.col("eps").is_in(strengths))["loss"])
    with style():
        figure, axes = panels(-(-len(strengths) // columns), columns, size=SIZE)
        for axis, eps in zip(axes, strengths, strict=False):
            filled = _contours(axis, plane.filter(eps=eps), levels, barriers["threshold"][0])
            _models(axis, marks.filter(eps=eps))
            axis.set_title(named("eps", eps))
        for axis in axes[len(strengths) :]:
            axis.set_axis_off()
        bar = figure.colorbar(filled, ax=axes, label="clean training loss (nats)", aspect=30)
        bar.ax.yaxis.set(major_locator=LogLocator(subs=(1, 3)), minor_locator=NullLocator())
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        figure.supxlabel("distance in weight space towards the adversarial model", fontsize=9)
        figure.supylabel("towards the middle point", fontsize=9)
    about, _, _ = _about(config).partition(";")
    return figure, (
        "Clean training loss on the plane through the clean model (circle), the middle point (square) and the "
        f"adversarial one (triangle), with the {config.curve} curve: {about}, seed {config.seed}. Within the "
        "dashed line the loss is below R*, the clean model's test loss."
    )


def _levels(losses: pl.Series) -> Floats:
    """Borders of shades, even on a logarithmic scale."""
    known = losses.filter(losses.is_finite()).to_numpy()
    low = max(float(known.min(initial=1.0)), FLOOR)
    return np.geomspace(low, max(min(float(known.max(initial=1.0)), CEILING), 2 * low), LEVELS)


def _contours(axis: Axes, plane: pl.DataFrame, levels: Floats, threshold: float) -> Any:
    side = round(len(plane) ** 0.5)
    x, y, loss = (plane[name].cast(pl.Float64).to_numpy().reshape(side, side) for name in ("x", "y", "loss"))
    loss = np.nan_to_num(loss, nan=levels[-1], posinf=levels[-1]).clip(levels[0], levels[-1])
    filled = axis.contourf(x, y, loss, levels=levels, norm=LogNorm(levels[0], levels[-1]), cmap=f"{SEQUENTIAL}_r")
    if loss.min() < threshold < loss.max():
        axis.contour(x, y, loss, levels=[threshold], colors="black", linestyles="--", linewidths=0.9)
    axis.grid(visible=False)
    return filled


def _models(axis: Axes, marks: pl.DataFrame) -> None:
    curve = marks.filter(what="curve")
    for ink, width in (("white", 3.0), ("black", 1.4)):
        axis.plot(curve["x"], curve["y"], color=ink, linewidth=width)
    for what, marker in _MARKS.items():
        model = marks.filter(what=what)
        axis.plot(model["x"], model["y"], marker, color=_INK, markeredgecolor="white", markersize=7)


def _about(config: ConnectivityConfig) -> str:
    about = f"{config.model} on {config.dataset}, {config.norm}, {config.initialisation} initial weights"
    return f"{about}; bands and bars are 95 % intervals (Student) over {config.seeds} seed{'s' * (config.seeds > 1)}"
