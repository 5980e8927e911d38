"""Figures of `linbp.transfer`: success of every set on every model, as a map and against eps."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.linbp.transfer.config import TransferConfig
from suite.figures import heat_map, lines, percent, quantity

_RATE = percent("value", "success rate", limits=(0, 100))


def matrix(success: pl.DataFrame, config: TransferConfig, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """A panel per method and eps, a line per surrogate and rule, a column per victim; in cells rate and interval."""
    several = success["surrogate"].n_unique() > 1
    line = pl.format("{}: {}", "surrogate", "gradient") if several else pl.col("gradient")
    figure = heat_map(
        success.with_columns(line=line), x="victim", y=quantity("line", ""), value=_RATE, panel="method", rows="eps",
        text=True, outline="white_box",
    )  # fmt: skip
    return figure, f"{_caption(config, facts)}; framed: the surrogate itself."


def by_eps(success: pl.DataFrame, config: TransferConfig, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Success rate against eps: a panel per method, a line of panels per surrogate and victim, a line per rule."""
    pair = pl.when("white_box").then(pl.format("{} (white box)", "victim"))
    table = success.with_columns(pair=pair.otherwise(pl.format("{} → {}", "surrogate", "victim")))
    figure = lines(table, x="eps", y=_RATE, colour="gradient", panel="method", rows="pair")
    return figure, f"{_caption(config, facts)} as bands."


def _caption(config: TransferConfig, facts: Mapping[str, Any]) -> str:
    goal = "say the target" if config.target_shift else "are fooled"
    return f"Share of {facts['attacked']} samples that {goal}, with 95 % Wilson intervals"
