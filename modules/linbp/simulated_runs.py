"""Statistics of simulated runs in which BP and LinBP begin alike: means by step, who is ahead, what has held so far.

A frame of runs has a row per run and step (and perhaps mode): the l1 distances to the optimum `bp`, `linbp`,
`expected bp` and `expected linbp`; of a training also the losses `loss bp` and `loss linbp`; and the shares of
coordinates for which Eq. 21 or 22 has held so far, `held DYNAMICS UNITS`.
"""

from collections.abc import Sequence

import polars as pl

from suite.statistics import mcnemar, mean, named, rate

RULES = ("bp", "linbp")
FAR = 10.0  # times the distance at the start: beyond it a run counts as diverged
TIE = 1e-9  # of the value at the start: below it a difference is rounding


def pairs(runs: pl.DataFrame, *settings: str, loss: bool = False) -> pl.DataFrame:
    """Both rules' values side by side, a row per dynamics, run and step: `bp`, `linbp`, and `start`, where both began.

    Where a trajectory has diverged (its distance is not finite, or more than FAR times that at the start), its value is
    null.

    Args:
        settings: columns that tell the trajectories of a run apart.
        loss: the losses, which only the simulation has, in place of the distances.
    """
    if loss:
        return _side_by_side(runs, settings, "simulated", distance="", value="loss ")
    simulated = _side_by_side(runs, settings, "simulated", distance="", value="")
    return pl.concat([simulated, _side_by_side(runs, settings, "expected", distance="expected ", value="expected ")])


def by_step(pairs: pl.DataFrame, setting: str) -> pl.DataFrame:
    """The mean value over the runs that have not diverged, and the mean change since step 0, with Student's intervals.

    `diverged` counts the other runs.
    """
    index = [setting, "dynamics", "run", "step", "start"]
    long = pairs.unpivot(RULES, index=index, variable_name="gradient", value_name="level")
    table = long.group_by(setting, "dynamics", "gradient", "step").agg(
        mean("level"),
        named(mean(pl.col("level") - pl.col("start")), "change"),
        diverged=pl.col("level").null_count().cast(pl.Int64),
    )
    return _sorted(table.unnest("estimate", "change"), long, setting, "dynamics", "gradient")


def ahead(pairs: pl.DataFrame, setting: str) -> pl.DataFrame:
    """The share of runs in which LinBP has the smaller value, with the exact sign test; and BP's mean minus LinBP's.

    The share, with Wilson's interval, is of the `n` runs that differ by more than rounding; a run that has diverged is
    behind one that has not. `ties` counts the others, `lost` those of them in which both have diverged. The mean gap,
    with Student's interval, is over the `gap_n` runs in which neither has.
    """
    bp, linbp, rounding = pl.col("bp"), pl.col("linbp"), TIE * pl.col("start")
    linbp_leads = (linbp < bp - rounding).fill_null(linbp.is_not_null() & bp.is_null())
    bp_leads = (bp < linbp - rounding).fill_null(bp.is_not_null() & linbp.is_null())
    table = pairs.group_by(setting, "dynamics", "step").agg(
        mean(bp - linbp).struct.rename_fields(["gap", "gap_low", "gap_high", "gap_n"]).alias("gap"),
        rate(pl.when(linbp_leads | bp_leads).then(linbp_leads)),
        mcnemar(linbp_leads, bp_leads).struct.rename_fields(["linbp_ahead", "bp_ahead", "p_value"]),
        ties=(~linbp_leads & ~bp_leads).sum().cast(pl.Int64),
        lost=(bp.is_null() & linbp.is_null()).sum().cast(pl.Int64),
    )
    return _sorted(table.unnest("gap", "estimate", "test"), pairs, setting, "dynamics")


def condition(runs: pl.DataFrame) -> pl.DataFrame | None:
    """Where Eq. 21 or 22 has held at all steps so far: `of` coordinates (a mean share over runs), and of runs.

    A run counts where the condition has held for all of its coordinates. Steps at which it cannot be evaluated in some
    run are left out. None where it was not followed.
    """
    held = [name for name in runs.columns if name.startswith("held ")]
    if not held:
        return None
    long = runs.unpivot(held, index=["run", "step"], value_name="share").drop_nulls("share").filter(pl.col("step") > 0)
    words = pl.col("variable").str.splitn(" ", 3).struct
    long = long.with_columns(units=words.field("field_2"), dynamics=words.field("field_1"))
    cells = long.group_by("units", "dynamics", "step", maintain_order=True).agg(
        mean("share").alias("coordinates"), rate(pl.col("share") == 1).alias("runs")
    )
    cells = cells.filter(pl.col("coordinates").struct.field("value").is_not_nan())
    table = cells.unpivot(
        ["coordinates", "runs"], index=["units", "dynamics", "step"], variable_name="of", value_name="estimate"
    )
    return _sorted(table.unnest("estimate"), table, "units", "dynamics", "of")


def _side_by_side(
    runs: pl.DataFrame, settings: Sequence[str], dynamics: str, *, distance: str, value: str
) -> pl.DataFrame:
    """`distance` and `value` are what stands before the rules' names in the columns."""

    def start(name: str) -> pl.Expr:
        return pl.col(name).filter(pl.col("step") == 0).first().over("run", *settings)

    near = {rule: pl.col(distance + rule) <= FAR * start(distance + rule) for rule in RULES}
    kept = {rule: pl.when(near[rule], pl.col(value + rule).is_finite()).then(value + rule) for rule in RULES}
    return runs.select(*settings, "run", "step", **kept, dynamics=pl.lit(dynamics), start=start(f"{value}bp"))


def _sorted(table: pl.DataFrame, rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    """The table in the order in which names appear in `rows`, then by step."""
    ranks = [pl.col(name).cast(pl.Enum(rows[name].unique(maintain_order=True))) for name in names]
    return table.sort(*ranks, "step")
