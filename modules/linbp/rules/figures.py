"""Figures of `linbp.rules`: the ranking, success against cost, and each rule against backpropagation."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.linbp.rules.catalogue import BP
from suite.figures import Quantity, percent, points, quantity, upright


def ranking(ranking: pl.DataFrame, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Mean rank of each rule: a panel per surrogate, the first for all of them; a colour per place."""
    wider = pl.col("pairs_low").is_not_null()
    table = ranking.with_columns(
        low=pl.when(wider).then("pairs_low").otherwise("low"), high=pl.when(wider).then("pairs_high").otherwise("high")
    )
    figure = points(
        table, x=quantity("value", "mean rank (1: fools most often)"), y=quantity("rule", ""), colour="place",
        panel="surrogate",
    )  # fmt: skip
    return figure, (
        f"Mean rank of each rule over pairs of a surrogate and a victim, on {facts['attacked']} images, with 95 % "
        "intervals from drawing images anew, and pairs too where there are six or more. In the panel of all surrogates "
        "are the rules that all of them have."
    )


def success_by_cost(cost: pl.DataFrame) -> tuple[Figure, str]:
    """Black-box success against what was spent: a panel per surrogate, bp and the rules that are on a front by colour.

    The others lie below these, and would hide them.
    """
    best = [*cost.filter("front")["rule"].unique(maintain_order=True), BP]
    table = cost.filter(pl.col("rule").is_in(best)).with_columns(spent=pl.col("steps") * pl.col("passes_per_step"))
    figure = points(
        table, x=quantity("spent", "passes spent on an image"), y=percent("black_box", "success on other models"),
        low="black_box_low", high="black_box_high", colour="rule", marker="place", panel="surrogate",
    )  # fmt: skip
    return figure, (
        "A point is a rule at a place within a budget: success on other models, mean and 95 % interval over images, "
        "against what its steps cost in multiply-adds of the surrogate's own passes. Shown are bp and the rules that "
        "are on the front of a surrogate: no other does as well there for less, or better for as little."
    )


def gains(comparisons: pl.DataFrame, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Success minus backpropagation's by rule: a panel per surrogate, a colour per place."""
    table = comparisons.filter(pl.col("rule") != BP)
    figure = points(
        table, x=Quantity("difference", f"black-box success minus {BP}'s (points)", 100.0), y=quantity("rule", ""),
        low="difference_low", high="difference_high", colour="place", panel="surrogate",
        references=[upright(0, BP)],
    )  # fmt: skip
    return figure, (
        f"Success on other models minus that of backpropagation within the largest budget: mean and 95 % interval over "
        f"{facts['attacked']} images, paired."
    )
