"""`linbp.theory_train` analysed: from distances and losses of every run to means, shares of runs, and claims."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from modules.linbp import simulated_runs
from modules.linbp.simulated_claims import assumption, closer
from modules.linbp.theory_train.config import TheoryTrainConfig
from modules.linbp.theory_train.half_way import half_way
from suite.claims import Claim
from suite.statistics import Estimate
from suite.tables import Shown

SOURCES = {"l1 distance": "Theorem 2, Fig. 2b", "loss": "Fig. 2a"}


def by_step(curves: pl.DataFrame) -> pl.DataFrame:
    """The mean l1 distance to w* and the mean loss at every step that is read, and their change since step 0."""
    return simulated_runs.by_step(_pairs(curves), "quantity")


def ahead(curves: pl.DataFrame) -> pl.DataFrame:
    """The share of runs in which LinBP has the smaller distance or loss, and BP's mean minus LinBP's."""
    return simulated_runs.ahead(_pairs(curves), "quantity")


def condition(curves: pl.DataFrame) -> pl.DataFrame | None:
    """Where Eq. 22 has held so far."""
    return simulated_runs.condition(curves)


def claims(
    config: TheoryTrainConfig, by_step: pl.DataFrame, ahead: pl.DataFrame, condition: pl.DataFrame
) -> Iterator[Claim]:
    """Theorem 2 and Fig. 2: at the last step, and "at the early stage", where BP has gone half the way or nearly."""
    for until in sorted({half_way(by_step), config.steps}):
        for quantity, source in SOURCES.items():
            yield from closer(ahead.filter(pl.col("step") <= until, quantity=quantity), quantity, source)
    yield from assumption(condition, "Eq. 22")


def headline(config: TheoryTrainConfig, by_step: pl.DataFrame) -> dict[str, Any]:
    """How far from w* both rules end, and how many runs have diverged."""
    last = by_step.filter(step=config.steps)
    ends = last.filter(quantity="l1 distance", dynamics="simulated").to_dicts()
    gone = last.filter(pl.col("diverged") > 0).to_dicts()
    return {f"l1 distance at step {config.steps}, {row['gradient']}": Estimate.read(row, "runs") for row in ends} | {
        f"runs that diverged, {row['quantity']}, {row['dynamics']} {row['gradient']}": row["diverged"] for row in gone
    }


def shown(config: TheoryTrainConfig) -> Iterator[Shown]:
    """The claims."""
    yield Shown("claims", f"What the paper says and what {config.repeats} runs say (95 % intervals)")


def _pairs(curves: pl.DataFrame) -> pl.DataFrame:
    """Distances and losses; `quantity` says which."""
    named = {"l1 distance": simulated_runs.pairs(curves), "loss": simulated_runs.pairs(curves, loss=True)}
    return pl.concat([frame.with_columns(quantity=pl.lit(name)) for name, frame in named.items()])
