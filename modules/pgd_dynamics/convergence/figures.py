"""Figures of `pgd_dynamics.convergence`: phases of trajectories, and rates beside the paper's bounds."""

from collections.abc import Mapping

import polars as pl
from matplotlib.figure import Figure

from modules.pgd_dynamics.convergence.config import ConvergenceConfig
from modules.pgd_dynamics.convergence.rates import DISTANCE, NEAR
from suite.figures import Quantity, level, lines, power, quantity
from suite.figures import curve as line

SHOWN = 40  # trajectories
PHASES: Mapping[str, Quantity] = {
    "distance": quantity("value", "|delta| / eps", limits=(0, 1.05)),
    "direction": quantity("value", "cosine of -dL, normal", limits=(-1.05, 1.05)),
    "tangent": quantity("value", "|Gamma|", log=True),
}


def phases_of_ascent(phases: pl.DataFrame) -> tuple[Figure, str]:
    """Where trajectories are, against the step; a line per trajectory."""
    trajectories = (
        phases.select("network", "start").unique(maintain_order=True).head(SHOWN).with_row_index("trajectory")
    )
    frame = phases.join(trajectories, on=["network", "start"]).select(
        "trajectory", "step", "eta", distance="radius", direction="cosine", tangent="gamma"
    )
    frame = frame.unpivot([*PHASES], index=["trajectory", "step", "eta"], variable_name="phase")
    floor = frame.select("phase", value=pl.col("eta").sqrt()).filter(phase="tangent").unique()
    figure = lines(frame, x="step", y=PHASES, group="trajectory", panel="phase", references=[level(floor, "sqrt(eta)")])
    return figure, (
        "Phases of projected gradient ascent at one eta (Deng et al., Sec. 4), a line per trajectory: through the "
        "ball, along the sphere, near a local maximum of the loss. Left: distance from the centre. Middle: cosine of "
        "the ascent direction with the outward normal. Right: length of the tangential gradient; dashed is sqrt(eta)."
    )


def rates_in_eta(by_eta: pl.DataFrame, rates: pl.DataFrame, config: ConvergenceConfig) -> tuple[Figure, str]:
    """Steps, and distance at Theorem 3.1's output, against eta."""
    exponents = rates.select(quantity=pl.col("quantity").str.strip_suffix(", in eta"), exponent=_written("value"))
    frame = by_eta.join(exponents, on="quantity", maintain_order="left").with_columns(
        name=pl.format("{}: {}", "quantity", "exponent"),
        shown=pl.when(pl.col("quantity") == DISTANCE).then(pl.lit("distance")).otherwise(pl.lit("steps")),
    )
    frame = frame.sort(pl.col("quantity") != NEAR, maintain_order=True)  # a bound goes through a panel's first line
    ys = {"steps": quantity("median", "steps", log=True), "distance": quantity("median", "distance", log=True)}
    bounds = [power(-2, "bound: -2", only="steps"), power(0.5, "bound: 0.5", only="distance")]
    figure = lines(frame, x=quantity("eta", log=True), y=ys, low="tenth", high="ninetieth", colour="name",
                   panel="shown", references=bounds)  # fmt: skip
    return figure, (
        "Steps to the sphere and to Theorem 3.1's output, and the output's distance to the local maximum beside it, "
        f"against eta, with exponents; medians and 10-90 % range over trajectories. {_of(config)}."
    )


def schedule(by_step: pl.DataFrame, rates: pl.DataFrame, config: ConvergenceConfig) -> tuple[Figure, str]:
    """D_s under the schedule of Remark 3, a line per beta."""
    exponents = rates.drop_nulls("beta").select("beta", exponent=_written("value"))
    label = pl.format("beta = {} kappa: {}", pl.col("beta").map_elements("{:g}".format, pl.String), "exponent")
    frame = by_step.join(exponents, on="beta", maintain_order="left").with_columns(label=label)
    figure = lines(frame, x=quantity("time", "(s + z) / z", log=True), y=quantity("median", "D_s / D_1", log=True),
                   low="tenth", high="ninetieth", colour="label",
                   references=[line(lambda time: 1 / time, "bound: -1")])  # fmt: skip
    return figure, (
        "Squared distance to the local maximum under the schedule eta_s = 2 / (beta (s + z)), with the exponents over "
        f"the last tenth of the steps; medians and 10-90 % range over trajectories. {_of(config)}."
    )


def _of(config: ConvergenceConfig) -> str:
    return (
        f"{config.networks} networks x {config.starts} starts, d = {config.d}, m = {config.m}, eps = {config.eps:g}, "
        f"{config.loss} loss, {config.gradient}"
    )


def _written(exponent: str) -> pl.Expr:
    """An exponent in a legend; a dash where there was nothing to fit."""
    return pl.col(exponent).map_elements("{:.2f}".format, pl.String).fill_null("-")
