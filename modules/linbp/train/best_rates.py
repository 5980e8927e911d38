"""Is a rule better, or is it a larger step? Each rule at its own best learning rate, chosen on other seeds.

For each seed the rate of a rule is the one that is best on average over all *other* seeds, by the same metric in the
same window. So no training is chosen for its own luck. The choices share trainings, as a cross-validation's folds do.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from modules.linbp import learning_curves
from modules.linbp.learning_curves import Window
from suite.statistics import against, mean

FEWEST = 3  # rates among which one can be best without being at an end

_CELL = ("model", "gradient", "metric", "window")


def at_best_rates(
    curves: pl.DataFrame, metrics: Sequence[str], windows: Mapping[str, Window], reference: str
) -> pl.DataFrame:
    """Each rule minus the reference in each metric and window, both at their best rates: mean over seeds.

    Columns beside the estimate: `factor` and `reference_factor`, chosen with all seeds; `at_end`, whether for any seed
    one of both chosen rates is the smallest or largest, so that a better one may lie beyond; `lost` seeds.
    """
    chosen = _chosen(learning_curves.levels(curves, metrics, ("model", "factor", "gradient"), windows))
    sides = pl.struct("level", "factor", "all", "at_end")
    pairs = against(
        chosen, on=["model", "metric", "window", "seed"], column="gradient", reference=reference, value=sides
    ).filter(pl.col("gradient") != reference)
    other = pl.col("reference").struct
    rows = pairs.with_columns(
        difference=pl.col("level") - other.field("level"),
        reference_factor=other.field("all"),
        at_end=pl.col("at_end") | other.field("at_end"),
        reference=pl.lit(reference),
    )
    cells = rows.group_by("model", "gradient", "reference", "metric", "window", maintain_order=True)
    return cells.agg(
        mean("difference"),
        factor=pl.col("all").first(),
        reference_factor=pl.col("reference_factor").first(),
        at_end=pl.col("at_end").any(),
        lost=pl.col("difference").null_count().cast(pl.Int64),
    ).unnest("estimate")


def _chosen(levels: pl.DataFrame) -> pl.DataFrame:
    """A row for each cell and seed: the level at the rate that is best over the other seeds.

    A rate at which one of the others has no level, since it diverged, is not chosen.
    """
    sign = pl.when(pl.col("metric").str.ends_with("loss")).then(-1.0).otherwise(1.0)
    rate, cell = [*_CELL, "factor"], [*_CELL, "seed"]
    others = pl.len().over(rate) - 1
    scored = levels.with_columns(
        score=sign * (pl.col("level").sum().over(rate) - pl.col("level").fill_null(0.0)) / others,
        known=pl.col("level").count().over(rate) - pl.col("level").is_not_null() == others,
        overall=sign * pl.when(pl.col("level").null_count().over(rate) == 0).then(pl.col("level").mean().over(rate)),
    )
    score = pl.when("known").then("score")
    ends = pl.col("factor").min(), pl.col("factor").max()
    return scored.group_by(cell, maintain_order=True).agg(
        level=_where_best("level", score),
        factor=_where_best("factor", score),
        all=_where_best("factor", pl.col("overall")),
        at_end=_where_best("factor", score).is_in(pl.concat_list(ends)),
    )


def _where_best(column: str, score: pl.Expr) -> pl.Expr:
    """The value of a column where the score is highest; null where there is none."""
    return pl.col(column).filter(score.is_not_null()).get(score.drop_nulls().arg_max(), null_on_oob=True)
