"""The figures of `lazy_regime.adv_train`: maps of robust accuracy (Fig. 4), and curves that theory would make one."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.lazy_regime.adv_train.config import AdvTrainConfig, Panel
from suite.figures import curve, heat_map, level, lines, mark, percent, quantity

Facts = Mapping[str, Any]

ORDERS = {
    "step": "projected after every step",
    "epoch": "projected once an epoch",
    "released": "evaluated before projection",
}
_AXES = {"dimension": ("d", "eps"), "width": ("m", "radius")}
_BY = {
    "dimension": "d and eps (Fig. 4 left)",
    "width": "width and radius of the ball, one map an order of projection and evaluation (Fig. 4 right)",
}
_ROBUST = "robust accuracy"


def dimension(
    cells: pl.DataFrame, transitions: pl.DataFrame, powers: pl.DataFrame, config: AdvTrainConfig, facts: Facts
) -> tuple[Figure, str] | None:
    """Fig. 4 left: over d and eps."""
    return _map("dimension", cells, transitions, powers, config, facts)


def width(
    cells: pl.DataFrame, transitions: pl.DataFrame, powers: pl.DataFrame, config: AdvTrainConfig, facts: Facts
) -> tuple[Figure, str] | None:
    """Fig. 4 right: over width and radius, a map an order of projection and evaluation."""
    return _map("width", cells, transitions, powers, config, facts)


def dimension_curves(cells: pl.DataFrame, config: AdvTrainConfig, facts: Facts) -> tuple[Figure, str] | None:
    """Robust accuracy against eps sqrt(d): one curve, if the transition is at a constant over sqrt(d)."""
    return _curves("dimension", cells, config, facts)


def width_curves(cells: pl.DataFrame, config: AdvTrainConfig, facts: Facts) -> tuple[Figure, str] | None:
    """Robust accuracy against radius sqrt(m): one curve, if the transition is at a constant over sqrt(m)."""
    return _curves("width", cells, config, facts)


def _map(
    panel: Panel, cells: pl.DataFrame, transitions: pl.DataFrame, powers: pl.DataFrame, config: AdvTrainConfig,
    facts: Facts,
) -> tuple[Figure, str] | None:  # fmt: skip
    across, along = _AXES[panel]
    cells, transitions, powers = (_of_panel(panel, frame) for frame in (cells, transitions, powers))
    if cells.is_empty():
        return None
    places = transitions.rename({"value": along})
    at = pl.col(across).cast(pl.Float64)
    constant = (pl.col(along) * at.sqrt()).log().mean().exp().over("order")
    figure = heat_map(
        cells.rename({"value": "robust"}).drop("low", "high"),
        x=quantity(across, log=True),
        y=quantity(along, "eps" if along == "eps" else "radius of the ball", log=True),
        value=percent("robust", _ROBUST, limits=(0, 100)),
        panel="order",
        references=[
            curve(places.select("order", across, (1 / at.sqrt()).alias(along)), f"1 / sqrt({across})"),
            curve(
                places.select("order", across, (constant / at.sqrt()).alias(along)),
                f"constant / sqrt({across})",
            ),
            mark(places.drop_nulls(along).select("order", across, along, "low", "high"), "accuracy 1/2", marker="o"),
        ],
    )
    fits = powers.filter(part="all values").drop_nulls("value").iter_rows(named=True)
    fitted = ", ".join(f"{across}^{row['value']:.2f} ({row['order']})" for row in fits) or "no transition"
    return figure, (
        f"Robust accuracy against l2-PGD of {config.attack_steps} steps, by {_BY[panel]}: mean over runs; "
        f"{config.data(facts['samples'])}. Points: where it passes 1/2, with 95 % intervals; fitted: {fitted}."
    )


def _curves(panel: Panel, cells: pl.DataFrame, config: AdvTrainConfig, facts: Facts) -> tuple[Figure, str] | None:
    across, along = _AXES[panel]
    cells = _of_panel(panel, cells)
    if cells.is_empty():
        return None
    scaled = f"{along} sqrt({across})"
    figure = lines(
        cells.with_columns((pl.col(along) * pl.col(across).sqrt()).alias(scaled)),
        x=quantity(scaled, scaled, log=True),
        y=percent("value", _ROBUST, limits=(0, 100)),
        colour=across,
        panel="order",
        references=[level(0.5)],
    )
    return figure, (
        f"Robust accuracy against {scaled}: one curve, if the transition is at a constant over sqrt({across}). Bands: "
        f"95 % intervals; {config.data(facts['samples'])}."
    )


def _of_panel(panel: Panel, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of one panel, orders in the words of `ORDERS`."""
    return frame.filter(panel=panel).with_columns(pl.col("order").replace(ORDERS))
