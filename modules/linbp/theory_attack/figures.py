"""Figures of `linbp.theory_attack`: distances against step (Fig. 1), who is ahead, and where Eq. 21 has held."""

import polars as pl
from matplotlib.figure import Figure

from modules.linbp import simulated_figures
from modules.linbp.theory_attack.config import TheoryAttackConfig
from suite.figures import lines, quantity

TITLES = {"raw": "original updates", "l2": "l2-normalised", "sign": "sign updates"}


def distance_by_step(by_step: pl.DataFrame, config: TheoryAttackConfig) -> tuple[Figure, str]:
    """Fig. 1: the mean l1 distance against step, a panel per mode; below, the same beside the expected dynamics.

    Bands are the interval of the change since step 0, around the mean: how far off the starts happen to lie says
    nothing about the rules, which share them.
    """
    around = pl.col("value") - pl.col("change")
    both = by_step.filter(pl.col("n") > 1).with_columns(
        pl.col("mode").replace(TITLES), low=around + pl.col("change_low"), high=around + pl.col("change_high")
    )
    simulated = both.filter(dynamics="simulated")
    rows = pl.concat([simulated.with_columns(line=pl.lit("above")), both.with_columns(line=pl.lit("below"))])
    distance = {"above": "l1 distance to x*", "below": "distance, with expected"}
    figure = lines(
        rows, x="step", y={line: quantity("value", words) for line, words in distance.items()},
        colour="gradient", dash="dynamics", panel="mode", rows="line",
    )  # fmt: skip
    what = f"Mean l1 distance to x*, {_runs(config)}. {simulated_figures.CAPTION}"
    return figure, f"{what} Bands: Student's 95 % interval of the change."


def ahead_by_step(ahead: pl.DataFrame, config: TheoryAttackConfig) -> tuple[Figure, str]:
    """The share of runs in which LinBP is closer, a line per mode."""
    figure = simulated_figures.ahead_by_step(ahead.with_columns(pl.col("mode").replace(TITLES)), "mode")
    return figure, f"Share of the runs with LinBP closer to x*, {_runs(config)}; bands are 95 % Wilson intervals."


def condition_by_step(config: TheoryAttackConfig, condition: pl.DataFrame | None = None) -> tuple[Figure, str] | None:
    """Where Eq. 21 has held, with d2 as printed and with d2 d3 as derived."""
    if condition is None:
        return None
    what = f"Where Eq. 21 has held up to a step, raw updates, {_runs(config)}; d2 as printed, d2 d3 as derived."
    return simulated_figures.condition_by_step(condition, "Eq. 21"), what


def _runs(config: TheoryAttackConfig) -> str:
    return f"{config.repeats} runs, protocol {config.protocol}{'' if config.clip else ', no clip'}"
