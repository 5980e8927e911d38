"""Figures of `pgd_dynamics.single_minimum`: shares against the radius, and where they halve against the dimension."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from modules.pgd_dynamics.single_minimum.config import SingleMinimumConfig
from suite.figures import curve as line
from suite.figures import points, quantity


def single_by_radius(shares: pl.DataFrame, thresholds: pl.DataFrame, config: SingleMinimumConfig) -> tuple[Figure, str]:
    """Shares with one minimum at the largest width, with their fits and what the theory guarantees."""
    widest = shares.filter(pl.col("m") == max(config.widths))
    range_of = widest.group_by("loss", "d").agg(least=pl.col("eps").min(), most=pl.col("eps").max())
    steps = pl.DataFrame({"t": np.linspace(0, 1, 200)})
    fitted = (
        thresholds.filter(pl.col("m") == max(config.widths)).join(range_of, on=["loss", "d"]).join(steps, how="cross")
    )
    fitted = fitted.with_columns(eps=pl.col("least") * (pl.col("most") / pl.col("least")) ** pl.col("t")).select(
        "loss", "d", "eps", value=1 / (1 + (pl.col("eps") / pl.col("value")) ** pl.col("steepness"))
    )  # fmt: skip
    guaranteed = widest.select("loss", "d", "eps", value="guaranteed")
    figure = points(
        widest,
        x=quantity("eps", log=True),
        y=quantity("value", "share with one minimum", limits=(-0.03, 1.03)),
        colour="d",
        panel="loss",
        references=[line(fitted, "fitted"), line(guaranteed, "guaranteed")],
    )
    return figure, (
        "Share of networks with exactly one local minimum of L on the sphere, with 95 % intervals, fitted curves, and "
        f"what tau = B_l / H and a constant sign of l' guarantee; m = {max(config.widths)}, {_of(config)}."
    )


def threshold_by_dimension(
    thresholds: pl.DataFrame, curve: pl.DataFrame, config: SingleMinimumConfig
) -> tuple[Figure, str]:
    """eps50 against the dimension, a colour per width, with the fitted power law and sqrt(d)."""
    powers = curve.pivot("variable", index="loss", values="value")
    laws = thresholds.select("loss", "d", "m").join(powers, on="loss", suffix="_power")
    p, q = (pl.col(f"{name}_power") if f"{name}_power" in laws.columns else 0.0 for name in ("d", "m"))
    fitted = laws.select("loss", "d", "m", value=pl.col("constant") * pl.col("d") ** p * pl.col("m") ** q)
    figure = points(
        thresholds,
        x=quantity("d", log=True),
        y=quantity("value", "eps50", log=True),
        colour="m",
        panel="loss",
        references=[line(fitted, "power law"), line(np.sqrt, "sqrt(d)")],
    )
    return figure, (
        "eps50, at which half of the networks have one local minimum of L on the sphere, against the dimension, with "
        f"95 % intervals and the fitted power law. {_of(config)}."
    )


def _of(config: SingleMinimumConfig) -> str:
    return f"{config.networks} networks, scale {config.scale:g}, y = {config.y:g}, {config.starts} starts each"
