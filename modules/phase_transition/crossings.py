"""eps_star of each kind of training and seed, from a table with a row per training: free of torch, for results."""

from collections.abc import Iterable
from math import inf, nan
from typing import Any

import polars as pl

from modules.phase_transition.crossing import Crossing, crossing
from modules.phase_transition.options import loss_call

Measure = tuple[str, str, str]
RUNNING = ("running", "train_loss", "clean_test_objective")
MEASURES = (RUNNING, ("attacked", "attacked_train_loss", "clean_test_objective"))
"""(name, column of the training loss, column of the threshold): the paper's mean over the selected epoch while the
weights moved, and what its definition says, the loss of the selected weights under attack with true gradients."""
AS_PRINTED = ("running, R* by cross-entropy", "train_loss", "clean_test_loss")
"""Xing et al.'s table of MART compares its objective with the clean test cross-entropy (Table B.5)."""

FACTORS = ("model", "samples", "gradient")
"""What makes a kind of training."""

_SCHEMA: dict[str, Any] = {
    "model": pl.String, "samples": pl.Int64, "gradient": pl.String, "seed": pl.Int64, "measure": pl.String,
    "threshold": pl.Float64, "eps_star": pl.Float64, "outcome": pl.String, "at_least": pl.Float64,
    "at_most": pl.Float64, "monotone": pl.Boolean, "strengths": pl.Int64, "left_out": pl.Int64,
}  # fmt: skip


def counts(column: str) -> pl.Expr:
    """Whether a training did not diverge and has a finite loss in that column."""
    return (~pl.col("diverged") & pl.col(column).cast(pl.Float64).is_finite()).fill_null(value=False)


def crossings(losses: pl.DataFrame, loss: str) -> pl.DataFrame:
    """A row for each kind, seed and measure: where its training loss reaches the threshold (`crossing.Crossing`).

    Diverged trainings are left out; without its clean training a seed has no threshold, and the outcome is "none".

    Args:
        losses: a row per training, at its selected epoch; clean trainings have eps 0 and serve all gradient rules.
        loss: the objective, see `options.loss_call`.
    """
    return crossings_of(losses, (*MEASURES, AS_PRINTED) if loss_call(loss).name == "mart" else MEASURES)


def crossings_of(losses: pl.DataFrame, measures: Iterable[Measure]) -> pl.DataFrame:
    """The same by any measures of the training loss and the threshold."""
    clean, attacked = losses.filter(pl.col("eps") == 0), losses.filter(pl.col("eps") > 0)
    rows = []
    for key, group in attacked.group_by(*FACTORS, "seed", maintain_order=True):
        model, samples, _, seed = key
        trained = pl.concat([clean.filter(model=model, samples=samples, seed=seed), group])
        for measure in measures:
            rows.append(dict(zip((*FACTORS, "seed"), key, strict=True)) | _crossing(trained, *measure))
    return pl.DataFrame(rows, schema=_SCHEMA)


def found(row: dict[str, Any]) -> Crossing:
    """The crossing that a row of `crossings` holds."""
    star = nan if row["eps_star"] is None else row["eps_star"]
    return Crossing(row["outcome"], star, row["at_least"], row["at_most"], row["monotone"])


def _crossing(trained: pl.DataFrame, measure: str, column: str, threshold_column: str) -> dict[str, Any]:
    points = trained.filter(counts(column))
    threshold = points.filter(pl.col("eps") == 0)[threshold_column].to_list()
    its = Crossing("none", nan, 0.0, inf, True)
    if threshold:
        its = crossing(points["eps"].to_list(), points[column].to_list(), *threshold)
    return {
        "measure": measure,
        "threshold": threshold[0] if threshold else None,
        "eps_star": its.estimate if its.outcome == "bracketed" else None,
        "outcome": its.outcome,
        "at_least": its.low,
        "at_most": its.high,
        "monotone": its.monotone,
        "strengths": len(points),
        "left_out": len(trained) - len(points),
    }
