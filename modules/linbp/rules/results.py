"""`linbp.rules` analysed: success of every arm, each against backpropagation, the ranking, and success against cost."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from modules.linbp import audit as audits
from modules.linbp import cautions
from modules.linbp.black_boxes import by_victim
from modules.linbp.rules.budget import steps_within
from modules.linbp.rules.catalogue import BOTH, BP, CALIBRATED, CATALOGUE, PUBLISHED
from modules.linbp.rules.config import RulesConfig
from modules.linbp.rules.pareto import fronts
from modules.linbp.rules.ranking import ranked
from modules.linbp.rules.shares import SET, answering_alike, at_largest, cube, placed, shares
from modules.linbp.sentences import standing
from suite.claims import Claim, order_family
from suite.numbers import format_estimate, told_p
from suite.statistics import Estimate, PairedTest, against, holm, mean, named, rate, sign_test
from suite.tables import Shown

ALL = "all"
"""In the place of a surrogate: all of them together."""

_RANKING = {
    "surrogate": pl.String, "place": pl.String, "rule": pl.String, "value": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "n": pl.Int64, "pairs": pl.Int64, "pairs_low": pl.Float64, "pairs_high": pl.Float64,
    "first": pl.Float64, "behind": pl.Boolean,
}  # fmt: skip


def audit(samples: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Reasons to doubt backpropagation's sets; another rule may well serve other models better than its own model."""
    first = by_victim(at_largest(samples).filter(gradient=BP), models, SET)
    return audits.table(audits.transfer_beats_white_box(first))


def success(samples: pl.DataFrame, models: pl.DataFrame, arms: pl.DataFrame) -> pl.DataFrame:
    """The matrix: success rate of each set on each model, with Wilson's interval."""
    cells = by_victim(samples, models, SET).group_by(*SET, "victim", maintain_order=True).agg(rate("fooled"))
    table = arms.join(cells.unnest("estimate"), on=["surrogate", "gradient"], maintain_order="left_right")
    white = pl.col("victim") == pl.col("surrogate")
    sets = ["surrogate", "rule", "place", "method", "eps", "passes", "victim"]
    return table.select(*sets, "value", "low", "high", "n", white_box=white)


def comparisons(samples: pl.DataFrame, models: pl.DataFrame, arms: pl.DataFrame) -> pl.DataFrame:
    """Every arm against backpropagation at the largest budget, over all attacks and black boxes, paired by image.

    `over_published` is what calibration adds: the calibrated arm's share minus that of the published one.
    """
    by_image = shares(at_largest(samples), models, "surrogate", "gradient")
    on = ["id", "surrogate"]
    rows = against(by_image, on=on, column="gradient", reference=BP, value="share").join(
        arms, on=["surrogate", "gradient"]
    )
    own = rows.filter(place=PUBLISHED).select(*on, "rule", published="share")
    rows = rows.join(own, on=[*on, "rule"], how="left")
    more, gained = (pl.col("share") - pl.col(of) for of in ("reference", "published"))
    arm = ["surrogate", "rule", "place", "gradient"]  # two rules may come to one gradient
    cells = rows.group_by(arm).agg(
        black_box=pl.col("share").mean(), difference=named(mean(more), "difference"), test=sign_test(more),
        over=named(mean(gained), "over_published"), n=pl.len().cast(pl.Int64),
    )  # fmt: skip
    cells = cells.unnest("difference", "test", "over").rename({"only_first": "more", "only_second": "fewer"})
    table = arms.select(*arm, "at").join(cells, on=arm, maintain_order="left")
    compared = pl.when(pl.col("rule") != BP)
    table = table.with_columns(
        compared.then(pl.col("^difference.*$", "more", "fewer", "p_value")),
        pl.when(pl.col("place") == CALIBRATED).then(pl.col("^over_published.*$")),
    )
    return table.with_columns(p_holm=holm("p_value"))


def ranking(samples: pl.DataFrame, models: pl.DataFrame, arms: pl.DataFrame, config: RulesConfig) -> pl.DataFrame:
    """Mean rank of each rule over the black boxes of a surrogate, and over all pairs; at either place."""
    by_pair = shares(at_largest(samples), models, "surrogate", "victim", "gradient")
    surrogates = arms["surrogate"].unique(maintain_order=True).to_list()
    rows = list[dict[str, Any]]()
    for place in (PUBLISHED, CALIBRATED) if config.judges else (PUBLISHED,):
        here = placed(arms, place)
        for surrogate in ([ALL] if len(surrogates) > 1 else []) + surrogates:
            some = here if surrogate == ALL else here.filter(surrogate=surrogate)
            names, given = cube(by_pair, some)
            for rule, rank in zip(names, ranked(given, config.seed), strict=True):
                pairs = rank.over_pairs.columns()
                rows.append({
                    "surrogate": surrogate, "place": place, "rule": rule, **rank.over_images.columns(),
                    "pairs": pairs["n"], "pairs_low": pairs["low"], "pairs_high": pairs["high"],
                    "first": rank.first, "behind": rank.behind,
                })  # fmt: skip
    table = pl.DataFrame(rows, schema=_RANKING)
    parts = [part.sort("value", maintain_order=True) for part in table.partition_by("place", "surrogate")]
    return pl.concat(parts)


def cost(samples: pl.DataFrame, models: pl.DataFrame, arms: pl.DataFrame, config: RulesConfig) -> pl.DataFrame:
    """Success on black boxes of each arm and budget beside what it costs, and whether another of the surrogate does
    better for as little; `front_share` is how often it is on the front when images are drawn anew."""
    by_image = shares(samples, models, "surrogate", "gradient", "passes")
    means = by_image.group_by("surrogate", "gradient", "passes").agg(named(mean("share"), "black_box"), n=pl.len())
    table = arms.join(means.unnest("black_box"), on=["surrogate", "gradient"], maintain_order="left")
    table = table.sort(pl.col("surrogate").cast(pl.Enum(arms["surrogate"].unique(maintain_order=True))), "passes",
                       maintain_order=True)  # fmt: skip
    steps = [steps_within(*pair) for pair in table.select("passes", "passes_per_step").iter_rows()]
    table = table.with_columns(steps=pl.Series(steps, dtype=pl.Int64), n=pl.col("n").cast(pl.Int64))
    table = table.with_columns(multiply_adds=pl.col("multiply_adds") * pl.col("steps"))
    judged = []
    for part in table.partition_by("surrogate", maintain_order=True):
        wide = part.join(by_image, on=["surrogate", "gradient", "passes"], maintain_order="left").sort(
            "id", maintain_order=True
        )
        found = wide["share"].to_numpy().reshape(-1, part.height)
        front = fronts(part["multiply_adds"].to_numpy().astype(np.float64), found, config.seed)
        judged.append(part.with_columns(front=pl.Series(front.now), front_share=pl.Series(front.share)))
    columns = ["surrogate", "rule", "place", "passes", "passes_per_step", "steps", "multiply_adds"]
    return pl.concat(judged).select(*columns, "^black_box.*$", "n", "front", "front_share")


def claims(comparisons: pl.DataFrame) -> Iterator[Claim]:
    """Each rule against backpropagation, from each surrogate and at each place; Holm's adjustment is over all.

    All are ours: papers claim the direction for nets of their own, so that "differs" here refutes none of them.
    """
    rows = comparisons.drop_nulls("p_value").to_dicts()
    judgements = order_family([PairedTest(row["more"], row["fewer"], row["p_value"]) for row in rows])
    for row, judgement in zip(rows, judgements, strict=True):
        entry = CATALOGUE.get(row["rule"])
        theirs = entry is not None and entry.claimed and row["place"] != CALIBRATED
        yield Claim(
            f"images made under {row['rule']} fool other models more often than under {BP}",
            f"ours, after {entry.source}" if entry and theirs else "ours", judgement,
            setting=f"from {row['surrogate']}, {_of_place(row['place'])}: {row['at']}".removesuffix(": "),
            measured=Estimate(row["difference"], row["difference_low"], row["difference_high"], row["n"], "images"),
        )  # fmt: skip


def headline(samples: pl.DataFrame, models: pl.DataFrame, arms: pl.DataFrame) -> dict[str, Estimate]:
    """Black-box success of each rule at its published place: of each image over all its sets, then over images."""
    by_image = shares(at_largest(samples), models, "surrogate", "gradient")
    rows = placed(arms, PUBLISHED).join(by_image, on=["surrogate", "gradient"], maintain_order="left")
    images = rows.group_by("rule", "id", maintain_order=True).agg(pl.col("share").mean())
    means = images.group_by("rule", maintain_order=True).agg(mean("share")).unnest("estimate")
    return {f"black-box success of {row['rule']}": Estimate.read(row, "images") for row in means.iter_rows(named=True)}


def seen(
    ranking: pl.DataFrame, comparisons: pl.DataFrame, cost: pl.DataFrame, facts: Mapping[str, Any]
) -> Iterator[str]:
    """Who is first and who cannot be told from it; who beats backpropagation; what is on the front; what steps take."""
    for (place, surrogate), rows in ranking.group_by("place", "surrogate", maintain_order=True):
        yield _first(rows.to_dicts(), f"from {_together(str(surrogate))}, {_of_place(str(place))}")
    for (surrogate,), rows in comparisons.drop_nulls("p_holm").group_by("surrogate", maintain_order=True):
        yield _against_bp(str(surrogate), rows.to_dicts())
    for (surrogate,), rows in cost.filter("front").group_by("surrogate", maintain_order=True):
        arms = [f"{_arm(row)} in {row['steps']}" for row in rows.to_dicts()]
        yield f"from {surrogate}, no other does better for as few multiply-adds (steps): {', '.join(arms)}"
    for surrogate, spent in facts["milliseconds"].items():
        times = sorted((milliseconds / spent[BP], gradient) for gradient, milliseconds in spent.items())
        ends = " to ".join(f"{ratio:.2f} ({gradient})" for ratio, gradient in (times[0], times[-1]))
        yield f"from {surrogate}, a step takes {ends} times the {spent[BP]:.3g} ms an image of {BP}, here"
    for surrogate, reasons in facts["left_out"].items():
        yield f"not compared from {surrogate}: " + "; ".join(f"{rule} ({why})" for rule, why in reasons.items())


def notes(
    audit: pl.DataFrame, cost: pl.DataFrame, samples: pl.DataFrame, models: pl.DataFrame, config: RulesConfig
) -> Iterator[str]:
    """What makes the numbers mean less than they seem to."""
    for names in answering_alike(samples, models):
        yield f"{' and '.join(names)} answer every image alike: if they are one net, success is the white box's"
    yield from audits.lines(audit)
    for passes in config.passes:
        fewest = cost.filter(passes=passes)["steps"].min()
        yield from cautions.out_of_reach(config.eps, [int(str(fewest))], config.step_size)
    yield from cautions.more_than_a_pixel(config.eps)


def shown(
    samples: pl.DataFrame, models: pl.DataFrame, config: RulesConfig, facts: Mapping[str, Any]
) -> Iterator[Shown]:
    """Each rule at each place against backpropagation; the ranking has sentences of its own."""
    others = "models of other names" if answering_alike(samples, models) else "other models"
    n = f"{facts['attacked']} of {facts['chosen']} samples, which all models classify correctly"
    title = f"Success on {others} on {config.dataset}, and its difference from {BP}'s; {max(config.passes)} passes, {n}"
    columns = ("surrogate", "rule", "place", "at", "black_box", "difference", "difference_low", "difference_high")
    yield Shown("comparisons", title, (*columns, "p_holm"))


def _of_place(place: str) -> str:
    return "published and calibrated place" if place == BOTH else f"{place} place"


def _together(surrogate: str) -> str:
    return "all surrogates" if surrogate == ALL else surrogate


def _first(rows: list[dict[str, Any]], where: str) -> str:
    """The first rules of a ranking, and those of which it cannot be told whether they are behind."""
    best = rows[0]
    leaders = [row for row in rows if row["value"] == best["value"]]
    level = [row["rule"] for row in rows[len(leaders) :] if not row["behind"]]
    names = ", ".join(row["rule"] for row in leaders)
    low, high = (best[f"pairs_{end}"] if best["pairs_low"] is not None else best[end] for end in ("low", "high"))
    rank, times = format_estimate(best["value"], low, high), sum(row["first"] for row in leaders)
    pairs = f"{best['pairs']} pair" + "s" * (best["pairs"] != 1)
    return (
        f"{where}: {names} {'share' if len(leaders) > 1 else 'has'} the best mean rank of {len(rows)} rules, {rank}; "
        f"first in {times:.0%} of the resamples of {best['n']} images and {pairs}; "
        + (f"not told to be behind: {', '.join(level)}" if level else "all others are behind")
    )


def _against_bp(surrogate: str, rows: list[dict[str, Any]]) -> str:
    """Which arms are ahead of backpropagation, and which behind; of how many it cannot be told."""
    by_word: dict[str, list[str]] = {}
    for row in rows:
        points = f"{_arm(row)} {100 * row['difference']:+.1f}, {told_p(row['p_holm'])}"
        by_word.setdefault(standing(row["p_holm"], row["more"] - row["fewer"]), []).append(points)
    told = [f"{word} {BP}: {'; '.join(by_word[word])}" for word in ("ahead of", "behind") if word in by_word]
    level = sum(len(arms) for word, arms in by_word.items() if word not in ("ahead of", "behind"))
    told += [f"not told apart from {BP}: {level} of {len(rows)} rules at a place"] if level else []
    return f"from {surrogate}, points and p after Holm; {'. '.join(told)}"


def _arm(row: Mapping[str, Any]) -> str:
    return row["rule"] if row["place"] == BOTH else f"{row['rule']} ({row['place']})"
