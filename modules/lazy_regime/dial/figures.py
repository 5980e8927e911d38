"""The figure of `lazy_regime.dial`: flips and drift against C0, and one against the other."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.lazy_regime.dial.config import DialConfig
from suite.figures import draw_lines, draw_points, legend, panels, quantity, style

_SIZE = quantity("value", "median |delta| / |x|", limits=(0, None))
_DRIFT = quantity("value", "|K - K0| / |K0|", limits=(0, None))


def dial(dial: pl.DataFrame, config: DialConfig, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Flip sizes and drift against C0, and one against the other; a line a width but in the first panel."""
    m = max(config.widths)
    ways = {config.gradient: "rule_step"} | {"bp": "single_step", "nearest found": "many_steps"}
    named = dial.with_columns(
        C0=pl.col("c0").map_elements(lambda c0: f"{c0:g}", return_dtype=pl.String).fill_null("inf")
    )
    kinds = pl.concat(
        _of(named.filter(m=m), column).with_columns(gradient=pl.lit(name)) for name, column in ways.items()
    )
    steps, drifts = _of(named, "single_step"), _of(named, "drift")
    with style():
        figure, axes = panels(2, 2)
        draw_lines(axes[0], kinds, x="C0", y=_SIZE, colour="gradient")
        draw_lines(axes[1], drifts, x="C0", y=_DRIFT, colour="m")
        draw_lines(axes[2], steps, x="C0", y=_SIZE, colour="m")
        draw_points(axes[3], steps, x=quantity("drift", "|K - K0| / |K0|"), y=_SIZE, colour="m", join=True)
        for axis, title in zip(axes, (f"m = {m}", "drift of the kernel", "one step, bp", "one step, bp"), strict=True):
            axis.set_title(title)
        legend(figure)
    return figure, (
        "Median length of the smallest flipping perturbation over correctly classified points. Top: by one step along "
        f"the gradient and along {config.gradient}'s direction, and the nearest found, against C0 at m = {m}; drift of "
        f"the tangent kernel against C0. Bottom: by one step, against C0 and against the drift. {config.data(facts)}; "
        "bands are 95 % intervals over nets."
    )


def _of(dial: pl.DataFrame, name: str) -> pl.DataFrame:
    """One quantity as value, low and high."""
    return dial.select("m", "C0", "drift", value=name, low=f"{name}_low", high=f"{name}_high")
