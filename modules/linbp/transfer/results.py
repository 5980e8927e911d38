"""`linbp.transfer` analysed: success of every set on every model, and rules against the first one on black boxes."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from modules.linbp import audit as audits
from modules.linbp import cautions
from modules.linbp.agreement import counted
from modules.linbp.black_boxes import black_boxes, by_victim
from modules.linbp.sentences import standing
from modules.linbp.transfer.config import TransferConfig
from suite.claims import Claim, order_family
from suite.numbers import told_p
from suite.refs import format_number
from suite.statistics import Estimate, PairedTest, against, holm, mcnemar, mean, named, rate, sign_test
from suite.tables import Shown

SET = ["method", "eps", "surrogate", "gradient"]
"""What one set of adversarial images was made with."""


def audit(samples: pl.DataFrame, models: pl.DataFrame, config: TransferConfig) -> pl.DataFrame:
    """Reasons to doubt the sets of the first rule; another rule may well serve others better than its own model."""
    first = by_victim(samples.filter(gradient=config.gradients[0]), models, SET)
    return audits.table(audits.transfer_beats_white_box(first))


def success(samples: pl.DataFrame, models: pl.DataFrame, config: TransferConfig) -> pl.DataFrame:
    """Success rate of each set on each model, with Wilson's interval and McNemar's test against the first rule."""
    first = config.gradients[0]
    on = ["id", "method", "eps", "surrogate", "victim"]
    pairs = against(by_victim(samples, models, SET), on=on, column="gradient", reference=first, value="fooled")
    cells = pairs.group_by(*SET, "victim", maintain_order=True).agg(rate("fooled"), mcnemar("fooled", "reference"))
    names = {"only_first": "only_this", "only_second": "only_first_rule"}
    table = cells.with_columns(white_box=pl.col("victim") == pl.col("surrogate")).unnest("estimate", "test")
    tested = table.rename(names).with_columns(p_value=pl.when(pl.col("gradient") != first).then("p_value"))
    return _ordered(tested, samples)


def matrix(samples: pl.DataFrame, models: pl.DataFrame, config: TransferConfig) -> pl.DataFrame:
    """One row per set: its success rate on each model, and the mean over the black boxes beside the first rule's.

    `black_box` is that mean, `difference` the same minus the first rule's, with Student's limits over samples. The test
    is a sign test over samples, each of which counts how many black boxes it fools under this rule and under the first:
    `more` and `fewer` samples, all others alike. With one black box it is McNemar's. `p_holm` allows for all tests of
    the table. `excess_levels` is by how many grey levels (1/255) the rounded images leave their balls at most.
    """
    shown = by_victim(samples, models, SET)
    rates = shown.pivot("victim", index=SET, values="fooled", aggregate_function="mean")
    excess = (255 * (pl.col("perturbation") - pl.col("eps"))).max().clip(0).round(3)  # float32 is off by 10^-4 levels
    sizes = samples.group_by(SET).agg(pl.len().cast(pl.Int64).alias("n"), excess.alias("excess_levels"))
    table = rates.join(sizes, on=SET, maintain_order="left")
    table = table.join(_against_first(shown, config.gradients[0]), on=SET, how="left", maintain_order="left")
    tests = ["black_box", "more", "fewer", "p_value", "p_holm"]
    columns = [*SET, "^difference.*$", "n", *models["name"], *tests, "excess_levels"]
    return _ordered(table.with_columns(p_holm=holm("p_value")).select(columns), samples)


def agreement(samples: pl.DataFrame, models: pl.DataFrame, exact: pl.DataFrame | None = None) -> pl.DataFrame | None:
    """Black-box successes that rounding loses and gains against the exact attack; None where it met no images."""
    if exact is None:
        return None
    on = ["id", *SET, "victim"]
    met = black_boxes(by_victim(exact, models, SET))
    pairs = met.join(black_boxes(by_victim(samples, models, SET)), on=on, suffix="_rounded", maintain_order="left")
    return counted(pairs, SET)


def claims(matrix: pl.DataFrame, config: TransferConfig) -> Iterator[Claim]:
    """Every rule against the first one on the black boxes of each surrogate; Holm's adjustment is over all of them."""
    first = config.gradients[0]
    rows = matrix.drop_nulls("p_value").to_dicts()
    judgements = order_family([PairedTest(row["more"], row["fewer"], row["p_value"]) for row in rows])
    for row, judgement in zip(rows, judgements, strict=True):
        is_guos = first == "bp" and row["gradient"].startswith("linbp")
        yield Claim(
            f"images made under {row['gradient']} fool other models more often than under {first}",
            "Guo et al. (NeurIPS 2020)" if is_guos else "ours",
            judgement,
            setting=f"{row['method']} on {row['surrogate']}, eps = {format_number(row['eps'])}",
            measured=Estimate(row["difference"], row["difference_low"], row["difference_high"], row["n"], "images"),
        )


def headline(samples: pl.DataFrame, models: pl.DataFrame, config: TransferConfig) -> dict[str, Estimate]:
    """Success on black boxes at the largest eps under each rule: of each image over all its sets, then over images."""
    strongest = max(config.eps)
    boxes = black_boxes(by_victim(samples.filter(eps=strongest), models, SET))
    images = boxes.group_by("gradient", "id", maintain_order=True).agg(share=pl.col("fooled").mean())
    means = images.group_by("gradient", maintain_order=True).agg(mean("share")).unnest("estimate")
    # A share is in [0, 1]; Student's limits of few images need not be.
    means = means.with_columns(pl.col("low", "high").clip(0, 1))
    return {
        f"black-box success of {row['gradient']} at eps {format_number(strongest)}": Estimate.read(row, "images")
        for row in means.iter_rows(named=True)
    }


def seen(matrix: pl.DataFrame, config: TransferConfig, facts: Mapping[str, Any]) -> Iterator[str]:
    """Every rule against the first one at the largest eps: on black boxes, with the matrix's p-values, and at home."""
    first, n = config.gradients[0], facts["attacked"]
    at = matrix.filter(eps=max(config.eps)).drop_nulls("black_box")
    for (method, surrogate), sets in at.group_by("method", "surrogate", maintain_order=True):
        rows = {row["gradient"]: row for row in sets.to_dicts()}
        for rule in config.gradients[1:]:
            mine, reference = rows[rule], rows[first]
            p, points = mine["p_holm"], 100 * mine["difference"]
            at_home = f"in the white box {mine[surrogate]:.1%} against {reference[surrogate]:.1%}"
            yield (
                f"{method} from {surrogate} at eps {format_number(mine['eps'])}: {rule} fools another model on "
                f"{mine['black_box']:.1%} of {n} samples, {standing(p, mine['more'] - mine['fewer'])} {first}: "
                f"{points:+.1f} points, {told_p(p)} by Holm; {at_home}"
            )


def notes(audit: pl.DataFrame, config: TransferConfig, agreement: pl.DataFrame | None = None) -> Iterator[str]:
    """What makes the numbers mean less than they seem to."""
    yield from audits.lines(audit)
    if agreement is not None:
        setting = "by {method} from {surrogate} under {gradient} at eps {eps}"
        yield from cautions.lost_to_rounding(agreement.to_dicts(), setting)
    if {"ifgsm", "mifgsm"}.intersection(config.methods):
        yield from cautions.out_of_reach(config.eps, [config.steps], config.step_size)
    yield from cautions.more_than_a_pixel(config.eps)
    yield from cautions.nothing_linear(config.gradients)


def shown(
    models: pl.DataFrame, config: TransferConfig, facts: Mapping[str, Any], agreement: pl.DataFrame | None = None
) -> Iterator[Shown]:
    """The matrix, and what rounding loses."""
    n = f"{facts['attacked']} of {facts['chosen']} samples, which all models classify correctly"
    columns = (*SET, *models["name"], "black_box", "more", "fewer", "p_value", "p_holm")
    yield Shown("matrix", f"Success rate per victim on {config.dataset}, {n}", columns)
    if agreement is not None:
        yield Shown("agreement", "Successes of the exact attack that the rounded one loses, and others that it gains")


def _against_first(shown: pl.DataFrame, first: str) -> pl.DataFrame:
    """The comparison on black boxes, for each set that is shown to one; the first rule is not compared to itself."""
    boxes = black_boxes(shown).group_by("id", *SET, maintain_order=True)
    by_sample = boxes.agg(share=pl.col("fooled").mean())
    on = ["id", "method", "eps", "surrogate"]
    pairs = against(by_sample, on=on, column="gradient", reference=first, value="share")
    more = pl.col("share") - pl.col("reference")
    sets = pairs.group_by(SET).agg(
        pl.col("share").mean().alias("black_box"), named(mean(more), "difference"), sign_test(more)
    )
    table = sets.unnest("difference", "test").rename({"only_first": "more", "only_second": "fewer"})
    return table.with_columns(pl.when(pl.col("gradient") != first).then(pl.col("^difference.*$", "p_value")))


def _ordered(table: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """By method, in the order of the samples, then by eps; else as it was."""
    methods = pl.Enum(samples["method"].unique(maintain_order=True))
    return table.sort(pl.col("method").cast(methods), "eps", maintain_order=True)
