"""Figures that both simulated studies have."""

import polars as pl
from matplotlib.figure import Figure

from suite.figures import level, lines, percent

CAPTION = "Solid: simulated; dashed: the dynamics of the expected gradients."
_SHARE = (0.0, 100.0)


def ahead_by_step(ahead: pl.DataFrame, setting: str) -> Figure:
    """The share of runs with LinBP ahead against step, a colour for each setting; runs that tie are left out."""
    share = percent("value", "runs with LinBP ahead", limits=_SHARE)
    return lines(ahead, x="step", y=share, colour=setting, dash="dynamics", references=[level(0.5)])


def condition_by_step(condition: pl.DataFrame, equation: str) -> Figure:
    """Where Eq. 21 or 22 has held from the first step on: coordinates, and runs in which it has for all of them."""
    held = {
        "coordinates": percent("value", f"coordinates: {equation} has held", limits=_SHARE),
        "runs": percent("value", "runs: for all coordinates", limits=_SHARE),
    }
    return lines(condition, x="step", y=held, panel="of", colour="units", dash="dynamics")
