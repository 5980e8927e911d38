"""`linbp.theory_attack` analysed: from distances of every run to means, shares of runs, and the paper's claims."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from modules.linbp import simulated_runs
from modules.linbp.simulated_claims import assumption, closer
from modules.linbp.simulated_runs import pairs
from modules.linbp.theory_attack.config import TheoryAttackConfig
from suite.claims import Claim, majority
from suite.statistics import Estimate, rate_of
from suite.tables import Shown


def by_step(distances: pl.DataFrame) -> pl.DataFrame:
    """The mean l1 distance to x* at every step that is read, and its change since step 0."""
    return simulated_runs.by_step(pairs(distances, "mode"), "mode")


def ahead(distances: pl.DataFrame) -> pl.DataFrame:
    """The share of runs in which LinBP is closer to x*, and the mean distance under BP minus that under LinBP."""
    return simulated_runs.ahead(pairs(distances, "mode"), "mode")


def condition(distances: pl.DataFrame) -> pl.DataFrame | None:
    """Where Eq. 21 has held so far; without raw updates, which it is about, there is no such table."""
    return simulated_runs.condition(distances)


def claims(
    config: TheoryAttackConfig,
    ahead: pl.DataFrame,
    first_gradients: pl.DataFrame,
    condition: pl.DataFrame | None = None,
) -> Iterator[Claim]:
    """Theorem 1, Fig. 1, and the remarks after the theorem."""
    unfit = [] if config.clip else ["no clip, which Eq. 15 has"]
    for mode in config.modes:
        yield from closer(ahead.filter(mode=mode), mode, "Theorem 1, Fig. 1", unfit)
    yield _in_most_runs("LinBP's first gradient is longer", first_gradients, "length")
    yield _in_most_runs("LinBP's first gradient points better at the residual", first_gradients, "cosine")
    if condition is not None:
        yield from assumption(condition, "Eq. 21")


def headline(config: TheoryAttackConfig, by_step: pl.DataFrame, ahead: pl.DataFrame) -> dict[str, Any]:
    """In which share of runs LinBP is ahead at the end, and how many have diverged."""
    last = ahead.filter(dynamics="simulated", step=config.steps).to_dicts()
    gone = by_step.filter(pl.col("diverged") > 0, step=config.steps).to_dicts()
    return {f"LinBP ahead at step {config.steps}, {row['mode']}": Estimate.read(row, "runs") for row in last} | {
        f"runs that diverged, {row['mode']}, {row['dynamics']} {row['gradient']}": row["diverged"] for row in gone
    }


def shown(config: TheoryAttackConfig) -> Iterator[Shown]:
    """The claims."""
    yield Shown("claims", f"What the paper says and what {config.repeats} runs say (95 % intervals)")


def _in_most_runs(claim: str, first_gradients: pl.DataFrame, what: str) -> Claim:
    """LinBP's first gradient has more of something than BP's of the same run; where both have as much is undecided."""
    bp, linbp = first_gradients[f"bp {what}"], first_gradients[f"linbp {what}"]
    holds = pl.select(pl.when(linbp != bp).then(linbp > bp)).to_series()
    measured = rate_of(int((linbp > bp).sum()), len(bp), of="runs")
    return Claim(claim, "Sec. 3.1", majority(holds, of="runs"), "raw, simulated, step 0", measured)
