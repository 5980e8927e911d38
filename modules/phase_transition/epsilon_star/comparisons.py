"""eps_star of one kind of training over that of another, by seed, where some are known between bounds only."""

from typing import Any

import numpy as np
import polars as pl

from modules.phase_transition.crossings import FACTORS
from modules.phase_transition.epsilon_star.published import mnist_width
from suite.claims import Judgement, at_least, at_most, censored_comparison
from suite.statistics import Estimate, bracketed_mean_of

BY = ("factor", "changed", "reference", "at", "measure")


def pairs(crossings: pl.DataFrame) -> pl.DataFrame:
    """For each factor, kind that differs from the first one in it alone, measure and seed: bounds of both eps_star.

    Columns BY, seed, `low, high` of the changed kind, `low_reference, high_reference` of the other; ends are equal
    where the crossing is bracketed, and interpolated.
    """
    known = pl.when(pl.col("outcome") == "bracketed").then("eps_star")
    bounds = crossings.select(
        *FACTORS, "measure", "seed", low=pl.coalesce(known, "at_least"), high=pl.coalesce(known, "at_most")
    )
    frames = []
    for factor in FACTORS:
        first, others = crossings[factor][0], [name for name in FACTORS if name != factor]
        reference = bounds.filter(pl.col(factor) == first).drop(factor)
        changed = bounds.filter(pl.col(factor) != first)
        both = changed.join(
            reference, on=[*others, "measure", "seed"], suffix="_reference", maintain_order="left", validate="m:1"
        )
        changes = (pl.lit(factor).alias("factor"), pl.col(factor).cast(pl.String).alias("changed"))
        against = (pl.lit(str(first)).alias("reference"), pl.concat_str(others, separator=", ").alias("at"))
        frames.append(both.select(*changes, *against, pl.exclude(FACTORS)))
    return pl.concat(frames)


def ratio(pairs: pl.DataFrame) -> Estimate:
    """The geometric mean of the ratios by seed; limits 0 and inf, and no value, where one side is a bound alone."""
    ends: Any = pairs.select(pl.col("low", "high", "low_reference", "high_reference").log()).to_numpy().T
    low, high, *reference = ends
    with np.errstate(invalid="ignore"):  # of two that do not exist, or are beyond all that was tried
        lows, highs = low - reference[1], high - reference[0]
    unknown = np.isnan(lows) | np.isnan(highs)
    logs = bracketed_mean_of(np.where(unknown, -np.inf, lows), np.where(unknown, np.inf, highs), "seeds")
    value, low, high = np.exp([logs.value, logs.low, logs.high]).tolist()
    return Estimate(value, low, high, logs.n, logs.of)


def judged(pairs: pl.DataFrame, sign: int) -> Judgement:
    """Whether the changed kind's eps_star is larger (sign 1) or smaller (-1).

    Where each is bracketed by the interval of the ratio; else bounds decide seed by seed.
    """
    measured = ratio(pairs)
    if not np.isinf(measured.high):
        return at_least(measured, 1) if sign > 0 else at_most(measured, 1)
    bounds = pairs.select("low", "high", "low_reference", "high_reference").iter_rows()
    return censored_comparison([((a, b), (c, d)) for a, b, c, d in bounds], sign, of="seeds")


def published_sign(factor: str, changed: str, reference: str, dataset: str) -> int:
    """What Xing et al. find: smaller (-1) with more samples (Sec. 5.3.2), on MNIST larger with more units (Table 3)."""
    if factor == "samples":
        return -1 if int(changed) > int(reference) else 1
    widths = mnist_width(changed), mnist_width(reference)
    if factor != "model" or dataset != "mnist" or not all(widths):
        return 0
    return 1 if widths[0] > widths[1] else -1
