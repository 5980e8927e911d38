"""`phase_transition.two_layer` analysed: from distances per seed to means, powers of the width and Proposition 1."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from modules.phase_transition.two_layer.config import TwoLayerConfig
from suite.claims import Claim, at_most
from suite.statistics import Estimate, estimates, geometric_mean, log_log_slope
from suite.tables import Shown

QUANTITIES = {
    "path": "coefficients, all steps",
    "end": "coefficients, last step",
    "path_from_zero": "coefficients, all steps, from the path started at 0",
    "end_from_zero": "coefficients, last step, from the path started at 0",
    "prediction": "predictions, last step",
    "loss": "training loss over that of 0, last step",
}
CLAIMED = ("path", "path_from_zero", "end_from_zero", "loss")
CONVERGES = -0.25  # largest power of h that counts as converging: a decade of width brings less than a factor 1.8
CELL = ("d", "samples", "scale", "activation", "eps", "eps_over_order")
SCALES = {"one": "|a_j| ~ 1", "norm": "|a| = 1"}


def by_width(distances: pl.DataFrame) -> pl.DataFrame:
    """Geometric means over seeds of the relative distances, by width; trainings that diverged are left out."""
    distance = pl.when(~pl.col("gone")).then("distance")
    cells = _long(distances).group_by(*CELL, "h", "quantity", maintain_order=True)
    return cells.agg(geometric_mean(distance), diverged=pl.col("gone").sum()).unnest("estimate")


def powers(distances: pl.DataFrame) -> pl.DataFrame:
    """The power p of distance = constant h^p: a slope of logarithms for each seed, and their mean.

    Seeds of which a training diverged are lost.
    """
    by, cells = (*CELL, "quantity"), _long(distances)
    cells = cells.with_columns(lost=pl.col("gone").any().over(*by, "repeat"))
    lost = cells.group_by(by, maintain_order=True).agg(lost=pl.col("repeat").filter("lost").n_unique())
    slopes = estimates(cells.filter(~pl.col("lost")), by, _power)
    table = lost.join(slopes, on=by, how="left", maintain_order="left")
    return table.with_columns(pl.col("n").fill_null(0))


def claims(powers: pl.DataFrame) -> Iterator[Claim]:
    """Proposition 1: the net comes to the linear model as h grows: the power of h is at most CONVERGES."""
    for row in powers.filter(pl.col("quantity").is_in(CLAIMED)).iter_rows(named=True):
        measured = Estimate.read(row, "seeds")
        claim = f"the net comes to the linear model: {QUANTITIES[row['quantity']]}"
        yield Claim(claim, "Prop. 1", at_most(measured, CONVERGES, lost=row["lost"]), _setting(row, SCALES), measured)


def headline(powers: pl.DataFrame) -> dict[str, Any]:
    """Powers of h in the distance of the coefficients over all steps."""
    scales = {scale: f"|a_j| {scale}" for scale in SCALES}
    rows = powers.filter(pl.col("quantity") == "path").iter_rows(named=True)
    return {f"power of h in the distance, {_setting(row, scales)}": Estimate.read(row, "data sets") for row in rows}


def shown(config: TwoLayerConfig) -> Iterator[Shown]:
    """Proposition 1."""
    of = f"{config.seeds} seeds, noise variance {config.noise_variance:g}, |theta0| = {config.theta0_norm:g}"
    yield Shown("claims", f"Proposition 1: the power of h in the distance from the linear model, 95 % intervals ({of})")


def notes(by_width: pl.DataFrame) -> Iterator[str]:
    """Trainings that were left out."""
    if gone := by_width.filter(pl.col("quantity") == "path")["diverged"].sum():
        yield f"{gone} trainings diverged and are left out; a smaller --step keeps them"


def _long(distances: pl.DataFrame) -> pl.DataFrame:
    """A row per seed, strength, cell and quantity; a distance of 0 has a logarithm all the same."""
    keys = [*CELL, "h", "repeat", "gone"]
    long = distances.unpivot([*QUANTITIES], index=keys, variable_name="quantity", value_name="distance")
    return long.with_columns(pl.col("distance").clip(1e-300))


def _power(cells: pl.DataFrame) -> Estimate:
    return log_log_slope(cells["h"], cells["distance"], cells["repeat"])


def _setting(row: dict[str, Any], scales: dict[str, str]) -> str:
    attacked = f"eps = {row['eps_over_order']:.2g} sqrt(d/n)" if row["eps_over_order"] else "clean"
    return f"d/n = {row['d']}/{row['samples']}, {scales[row['scale']]}, {row['activation']}, {attacked}"
