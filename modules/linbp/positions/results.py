"""`linbp.positions` analysed: rates, losses and angles of every start, each against BP on the same samples."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from modules.linbp.names import BP, short_names
from modules.linbp.positions.config import PositionsConfig
from suite.claims import Claim, order_family
from suite.refs import format_number, parse_sum
from suite.statistics import (
    Estimate,
    PairedTest,
    against,
    geometric_mean,
    holm,
    mcnemar,
    mean,
    named,
    paired_difference,
    rate,
)
from suite.tables import Shown

SIGNIFICANT = 0.05  # family-wise, over all starts of one comparison with BP

_OTHERS = pl.col("start") != BP


def success(samples: pl.DataFrame, starts: pl.DataFrame, config: PositionsConfig) -> pl.DataFrame:
    """White-box success within K steps: a row per K and start."""
    read = [
        samples.select(pl.lit(k, dtype=pl.Int64).alias("steps"), "id", "start", fooled=pl.col("fooled").list.get(k))
        for k in sorted(config.steps)
    ]
    return _against_bp(pl.concat(read), "steps", starts)


def transfer(samples: pl.DataFrame, starts: pl.DataFrame, config: PositionsConfig) -> pl.DataFrame | None:
    """Share of the K-th iterates, rounded to 8 bits, that fool a victim: a row per victim and start.

    Only over samples that the victim classifies correctly when clean; the others are null in `transferred`.
    """
    if config.victims is None:
        return None
    fooled = pl.col("transferred").cast(pl.List(pl.Boolean)).list
    read = [
        samples.select(pl.lit(name).alias("victim"), "id", "start", fooled=fooled.get(place))
        for place, name in enumerate(short_names(config.victims).values())
    ]
    return _against_bp(pl.concat(read).drop_nulls("fooled"), "victim", starts)


def loss(samples: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """Mean cross-entropy of the true model at every iterate, and its paired difference from BP's: start by step."""
    step = pl.int_ranges(pl.col("loss").list.len())
    reached = samples.select("id", "start", step=step, value="loss").explode("step", "value")
    pairs = against(reached, on=["id", "step"], column="start", reference=BP, value="value")
    difference = named(mean(pl.col("value") - pl.col("reference")), "difference")
    table = pairs.group_by("start", "step", maintain_order=True).agg(mean("value"), difference)
    return _with_path(table.unnest("estimate", "difference"), starts)


def diagnostics(samples: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """Cosine, norm ratio and sign agreement with the true gradient at the iterates of every start's own trajectory.

    Means over the watched samples; the norm ratio's is geometric, since ratios are. `undefined` counts samples where a
    gradient was zero: they are in no mean.
    """
    names = ("cosine", "norm_ratio", "sign_agreement")
    watched = samples.filter(pl.col("cosine").list.len() > 0)
    step = pl.int_ranges(pl.col("cosine").list.len())
    steps = watched.select("start", *names, step=step).explode(*names, "step")
    defined = pl.col("cosine").is_finite()
    cosine, ratio, signs = (pl.when(defined).then(name) for name in names)
    table = steps.group_by("start", "step", maintain_order=True).agg(
        defined.sum().cast(pl.Int64).alias("n"),
        (~defined).sum().cast(pl.Int64).alias("undefined"),
        named(mean(cosine), "cosine"),
        named(geometric_mean(ratio), "norm_ratio"),
        signs.mean().alias("sign_agreement"),
    )
    return _with_path(table.unnest("cosine", "norm_ratio"), starts)


def best(success: pl.DataFrame, transfer: pl.DataFrame | None) -> pl.DataFrame:
    """For every K and every victim the start of the highest rate, and its difference from BP (Newcombe).

    Of equal starts the latest one: it changes least. It `helps` where it is above BP and its p-value, adjusted by Holm
    over all starts, is at most 0.05. `better` and `worse` count the starts that differ so from BP.
    """
    comparisons = _comparisons(success, transfer)
    ahead = pl.col("difference") > 0
    differs = pl.col("p_holm") <= SIGNIFICANT
    others = comparisons.filter(_OTHERS).with_columns(helps=differs & ahead, harms=differs & ~ahead)
    counts = others.group_by("measure").agg(
        pl.len().cast(pl.Int64).alias("starts"),
        pl.col("helps").sum().cast(pl.Int64).alias("better"),
        pl.col("harms").sum().cast(pl.Int64).alias("worse"),
        pl.col("start").filter("helps").first().alias("first_better"),
        pl.col("start").filter("helps").last().alias("last_better"),
    )
    top = others.group_by("measure", maintain_order=True).agg(pl.all().sort_by("value", maintain_order=True).last())
    reference = comparisons.filter(~_OTHERS).select("measure", bp="value")
    table = top.join(reference, on="measure", maintain_order="left").join(counts, on="measure", maintain_order="left")
    return table.select(
        "measure", "helps", "start", "path", value="difference", low="difference_low", high="difference_high", n="n",
        p_holm="p_holm", rate="value", bp="bp", starts="starts", better="better", worse="worse",
        first_better="first_better", last_better="last_better",
    )  # fmt: skip


def why(success: pl.DataFrame, loss: pl.DataFrame, diagnostics: pl.DataFrame) -> pl.DataFrame:
    """Over the starts, Spearman's rank correlation of the success at each K with what might explain it.

    Starts are not independent of each other, so there is no p-value: a description, not a test.
    """
    clean = diagnostics.filter(step=0).select(
        "start", pl.col("cosine").alias("cosine at the clean sample"),
        pl.col("norm_ratio").alias("norm ratio at the clean sample"),
    )  # fmt: skip
    last = diagnostics.select("start", pl.col("cosine").alias("cosine at the last gradient"), steps=pl.col("step") + 1)
    reached = loss.select("start", pl.col("value").alias("loss reached"), steps="step")
    wide = success.filter(_OTHERS).select("steps", "start", "value")
    for frame, on in ((clean, ["start"]), (last, ["start", "steps"]), (reached, ["start", "steps"])):
        wide = wide.join(frame, on=on, how="left", maintain_order="left")
    long = wide.unpivot(
        ["cosine at the clean sample", "cosine at the last gradient", "norm ratio at the clean sample", "loss reached"],
        index=["steps", "start", "value"], variable_name="explanation", value_name="by",
    )  # fmt: skip
    known = pl.col("by").is_finite().fill_null(False)
    ranks = pl.corr(pl.col("value").filter(known), pl.col("by").filter(known), method="spearman")
    defined = (known.sum() > 2) & ranks.is_finite()  # of constants there is no rank
    cells = long.group_by("steps", "explanation", maintain_order=True).agg(
        pl.when(defined).then(ranks).alias("rank_correlation"), pl.len().cast(pl.Int64).alias("starts")
    )
    return cells.sort("steps", maintain_order=True)


def claims(
    success: pl.DataFrame, transfer: pl.DataFrame | None, best: pl.DataFrame, config: PositionsConfig
) -> Iterator[Claim]:
    """What both papers say of starts chosen by hand, from the best start; Holm's adjustment allows for the choice."""
    comparisons = _comparisons(success, transfer).filter(_OTHERS)
    rules = {call.name for call in parse_sum(config.gradient)} - {"linbp"}
    conditions = [f"the rule is {rule}" for rule in sorted(rules)]
    for row in best.iter_rows(named=True):
        family = comparisons.filter(measure=row["measure"])
        tests = [PairedTest(*test) for test in family.select("only_this", "only_bp", "p_value").iter_rows()]
        judgements = dict(zip(family["start"], order_family(tests, conditions=conditions), strict=True))
        white_box = row["measure"].startswith("success")
        yield Claim(
            "LinBP succeeds more often than BP in a white box" if white_box else "LinBP transfers better than BP",
            "Li et al., Sec. 4.2" if white_box else "Guo et al. (NeurIPS 2020)",
            judgements[row["start"]],
            setting=f"{row['measure']}, from the best start on: {row['start']} ({row['path']})",
            measured=Estimate.read(row, of="samples"),
        )


def headline(best: pl.DataFrame) -> dict[str, Any]:
    """The best start for each K and victim, or none."""
    return {
        f"best start for {row['measure']}": f"{row['start']} ({row['path']})" if row["helps"] else "none"
        for row in best.iter_rows(named=True)
    }


def shown(config: PositionsConfig, facts: Mapping[str, Any]) -> Iterator[Shown]:
    """The best starts, and what goes with success."""
    yield Shown(
        "best",
        f"Best start of {config.gradient} in {config.model} / {config.dataset}, {facts['attacked']} {config.split} "
        f"samples, eps {format_number(config.eps)}, step {format_number(config.step_size)}: its rate minus BP's, which "
        f"helps where p_holm <= {SIGNIFICANT}",
    )
    yield Shown("why", "Rank correlation over the starts of success with what might explain it")


def _against_bp(fooled: pl.DataFrame, by: str, starts: pl.DataFrame) -> pl.DataFrame:
    """Rates of each start in each cell `by`, and their paired difference from BP's (Newcombe).

    `only_this`, `only_bp` and `p_value` are McNemar's; `p_holm` is adjusted for the number of starts. BP itself has no
    difference and no test.
    """
    pairs = against(fooled, on=["id", by], column="start", reference=BP, value="fooled")
    cells = pairs.group_by(by, "start", maintain_order=True).agg(
        rate("fooled"),
        named(paired_difference("fooled", "reference"), "difference"),
        mcnemar("fooled", "reference"),
    )
    table = cells.unnest("estimate", "difference", "test")
    compared = table.with_columns(pl.when(_OTHERS).then(pl.col("^difference.*$", "p_value")))
    adjusted = compared.with_columns(p_holm=holm("p_value").over(by))
    return _with_path(adjusted.rename({"only_first": "only_this", "only_second": "only_bp"}), starts)


def _comparisons(success: pl.DataFrame, transfer: pl.DataFrame | None) -> pl.DataFrame:
    """All comparisons with BP below each other, named in the column `measure`."""
    rows = success.with_columns(measure=pl.format("success, K {}", "steps")).drop("steps")
    if transfer is None:
        return rows
    return pl.concat([rows, transfer.with_columns(measure=pl.format("transfer to {}", "victim")).drop("victim")])


def _with_path(table: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """The table with the module that calls each start's rectifier; empty for BP."""
    paths = starts.select("start", "path")
    return table.join(paths, on="start", how="left", maintain_order="left").with_columns(pl.col("path").fill_null(""))
