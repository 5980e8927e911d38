"""The figure of `phase_transition.two_layer`: distance from the linear model against width."""

import polars as pl
from matplotlib.figure import Figure

from modules.phase_transition.two_layer.config import TwoLayerConfig
from modules.phase_transition.two_layer.results import SCALES
from suite.figures import points, power, quantity

STRENGTH = "eps / sqrt(d/n)"


def by_width(by_width: pl.DataFrame, config: TwoLayerConfig) -> tuple[Figure, str]:
    """A panel per size; colours are strengths, shapes and lines the scale of a, and the activation where several."""
    net = pl.col("scale").replace_strict(SCALES)
    if len(config.activations) > 1:
        net = net + ", " + pl.col("activation")
    size = pl.format("d = {}, n = {}", "d", "samples")
    drawn = by_width.filter(pl.col("quantity") == "path").with_columns(
        size=size, net=net, **{STRENGTH: pl.col("eps_over_order")}
    )
    h, distance = quantity("h", log=True), quantity("value", "relative distance", log=True)
    figure = points(
        drawn, x=h, y=distance, colour=STRENGTH, marker="net", join=True, panel="size", references=[power(-1, "1 / h")]
    )
    return figure, (
        "Largest distance of the two-layer net's effective coefficients from the linear model's path that starts with "
        "it, over the length of what that ends with, against the width h, for |a_j| about 1 and for |a| = 1 as the "
        f"proof writes; geometric means with 95 % intervals, {config.seeds} seeds, noise variance "
        f"{config.noise_variance:g}, |theta0| = {config.theta0_norm:g}."
    )
