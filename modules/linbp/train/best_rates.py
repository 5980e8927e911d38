"""Is a rule better, or is it a larger step? Each rule at its own best learning rate, chosen on other seeds.

For each seed the rate of a rule is the one that is best on average over all *other* seeds, by the same metric in the
same window. So no training is chosen for its own luck. But the choices share trainings, as a cross-validation's folds
do, and the differences are no independent draws: their variance is taken as Nadeau and Bengio (2003) do, with
1/n + 1/(n - 1) in place of 1/n.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from modules.linbp import learning_curves
from modules.linbp.learning_curves import Window
from suite.statistics import against, mean

FEWEST = 3  # rates among which one can be best without being at an end

_CELL = ["model", "gradient", "metric", "window"]
_RATE = [*_CELL, "factor"]


def at_best_rates(
    curves: pl.DataFrame, metrics: Sequence[str], windows: Mapping[str, Window], reference: str
) -> pl.DataFrame:
    """Each rule minus the reference in each metric and window, both at their best rates: mean over seeds.

    All trainings of a model must be meant to last as long. Columns beside the estimate: `factor` and
    `reference_factor`, chosen with all seeds; `at_end`, whether for any choice one of both rates is the smallest or
    largest, so that a better one may lie beyond; `lost` seeds.
    """
    settings = ("model", "factor", "gradient")
    chosen = _chosen(learning_curves.levels(curves, metrics, settings, windows, as_long_as=["model"]))
    sides = pl.struct("level", "overall", "at_end")
    pairs = against(
        chosen, on=["model", "metric", "window", "seed"], column="gradient", reference=reference, value=sides
    ).filter(pl.col("gradient") != reference)
    other = pl.col("reference").struct
    rows = pairs.with_columns(
        difference=pl.col("level") - other.field("level"),
        reference_factor=other.field("overall"),
        at_end=pl.col("at_end") | other.field("at_end"),
        reference=pl.lit(reference),
    )
    cells = rows.group_by("model", "gradient", "reference", "metric", "window", maintain_order=True)
    return cells.agg(
        _of_shared_choices("difference"),
        factor=pl.col("overall").first(),
        reference_factor=pl.col("reference_factor").first(),
        at_end=pl.col("at_end").any(),
        lost=pl.col("difference").null_count().cast(pl.Int64),
    ).unnest("estimate")


def _of_shared_choices(column: str) -> pl.Expr:
    """The mean with limits for differences whose rates were chosen on each other: `value, low, high, n`."""
    independent = mean(column).struct
    value, n = independent.field("value"), independent.field("n").cast(pl.Int64)
    wider = (1 + n / (n - 1)).sqrt()
    limits = [value + wider * (independent.field(name) - value) for name in ("low", "high")]
    return pl.struct(value.alias("value"), limits[0].alias("low"), limits[1].alias("high"), n.alias("n")).alias(
        "estimate"
    )


def _chosen(levels: pl.DataFrame) -> pl.DataFrame:
    """A row for each cell and seed: the `level` at the rate that is best over the other seeds.

    `overall` is the rate that is best over all seeds. A rate at which a seed that chooses has no level, since it
    diverged, is not chosen; of equal ones the one nearest to the middle of the grid is.
    """
    sign = pl.when(pl.col("metric").str.ends_with("loss")).then(-1.0).otherwise(1.0)
    score = pl.when(pl.col("theirs").null_count() == 0).then(pl.col("theirs").mean())
    place = pl.col("factor").rank("dense").over(_CELL)
    last = place.max().over(_CELL)
    rates = levels.with_columns(off=(place - (last + 1) / 2).abs(), end=(place == 1) | (place == last))
    theirs = levels.select(*_RATE, pl.col("seed").alias("other"), pl.col("level").alias("theirs"))
    scored = rates.join(theirs, on=_RATE).with_columns(theirs=sign * pl.col("theirs"))
    by_all = _best(scored.group_by(*_RATE, "off", "end", maintain_order=True).agg(score=score), _CELL)
    others = scored.filter(pl.col("seed") != pl.col("other"))
    by_others = _best(
        others.group_by(*_RATE, "off", "end", "seed", maintain_order=True).agg(score=score), [*_CELL, "seed"]
    )
    own = levels.select(*_CELL, "seed").unique(maintain_order=True)
    return (
        own.join(by_others, on=[*_CELL, "seed"], how="left", maintain_order="left")
        .join(levels, on=[*_RATE, "seed"], how="left", maintain_order="left")
        .join(by_all.rename({"factor": "overall", "end": "overall_end"}), on=_CELL, how="left", maintain_order="left")
        .with_columns(at_end=(pl.col("end") | pl.col("overall_end")).fill_null(False))
    )


def _best(scored: pl.DataFrame, cell: Sequence[str]) -> pl.DataFrame:
    """The factor of the highest score in each cell, and whether it is at an `end`; no row where there is no score."""
    ranked = scored.drop_nulls("score").sort("score", "off", descending=[True, False], maintain_order=True)
    return ranked.group_by(cell, maintain_order=True).agg(pl.col("factor").first(), pl.col("end").first())
