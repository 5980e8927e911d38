"""The figure of `pgd_dynamics.rules`."""

import polars as pl
from matplotlib.figure import Figure

from modules.pgd_dynamics.rules.config import RulesConfig
from suite.figures import level, points, quantity

SHOWN = {"away": "degrees from a maximum", "gain": "gain / BP's gain", "asymmetry": "asymmetry of J"}


def rules(rules: pl.DataFrame, config: RulesConfig) -> tuple[Figure, str]:
    """Three quantities against the input scale, a line per activation and dimension."""
    linbp = rules.filter(rule="linbp")
    frame = pl.concat(
        linbp.select("scale", "activation", "d", shown=pl.lit(name), value=name, low=f"{name}_low", high=f"{name}_high")
        for name in SHOWN
    )
    figure = points(
        frame, x=quantity("scale", "input scale", log=True),
        y={name: quantity("value", label) for name, label in SHOWN.items()},
        colour="activation", marker="d", panel="shown", join=True, references=[level(1.0, only="gain")],
    )  # fmt: skip
    return figure, (
        "LinBP's ascent on the two-layer network, judged by the true loss. Left: angle between its end and the maximum "
        "that BP ascends to from there. Middle: loss gained over BP's gain from the same start. Right: asymmetry of "
        "the field's Jacobian at the start, 0 for a gradient. Means over networks with 95 % intervals; "
        f"{config.networks} networks x {config.starts} starts, ratio {config.ratio:g}, {config.loss} loss."
    )
