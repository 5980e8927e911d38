"""`lazy_regime.dial` analysed: from test points to nets, from nets to means, and what they say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from modules.lazy_regime.dial.config import DialConfig
from modules.lazy_regime.generalising import not_generalising
from suite.claims import Claim, order
from suite.statistics import Estimate, mcnemar_of, mean, rate_of
from suite.tables import Shown

FLIPS = ("single_step", "rule_step", "pgd", "rule_pgd", "many_steps")
MEANS = (*FLIPS, "accuracy", "distance", "drift", "gradient", "unflipped")

GROWING = {
    "single_step": ("the single flipping step is longer without a ball", "Fig. 3, Sec. 5.2"),
    "many_steps": ("the smallest flip found is longer without a ball", "Sec. 5.2"),
    "gradient": ("the gradient is longer without a ball", "Fig. 3"),
    "drift": ("the tangent kernel has drifted further without a ball", "ours"),
}


def nets(points: pl.DataFrame) -> pl.DataFrame:
    """A row per net and ball: medians over the n test points that it classifies correctly, in units of their norms.

    A median is infinite where half of the points are never flipped, and a gap where no point is classified correctly;
    unflipped: the share that no single gradient step flips. gradient: its mean length.
    """
    right = (pl.col("margin") > 0) & pl.col("margin").is_not_nan()
    nothing = pl.lit("classifies no test point correctly: nothing to flip")
    of_nets = points.group_by("m", "c0", "run", maintain_order=True).agg(
        right.sum().cast(pl.Int64).alias("n"),
        right.mean().alias("accuracy"),
        *((pl.col(name) / pl.col("norm")).filter(right).median().alias(name) for name in FLIPS),
        pl.col("single_step").is_infinite().filter(right).mean().alias("unflipped"),
        pl.col("gradient").filter(right).mean(),
        pl.col("drift", "distance", "sgd_steps", "left").first(),
    )
    return of_nets.with_columns(note=pl.when(pl.col("n") == 0).then(nothing).otherwise(pl.lit("")))


def flips(nets: pl.DataFrame, config: DialConfig) -> pl.DataFrame:
    """A net's sizes once more, a row each, by attack and by the gradient that it follows.

    ratio: over the size of BP's single step; a gap where either is not known.
    """
    rule = config.gradient
    ways = [
        ("single_step", "one step", "bp"), ("pgd", "PGD", "bp"), ("many_steps", "nearest found", "bp"),
        ("rule_step", "one step", rule), ("rule_pgd", "PGD", rule),
    ]  # fmt: skip
    names = pl.DataFrame(ways if rule != "bp" else ways[:3], ["way", "attack", "gradient"], orient="row")
    net = ["m", "c0", "run", "accuracy"]
    base = nets.with_row_index("net").with_columns(base="single_step")
    sizes = base.unpivot(names["way"].to_list(), index=["net", *net, "base"], variable_name="way", value_name="size")
    known = pl.col("size").is_finite() & pl.col("base").is_finite()
    table = sizes.sort("net", maintain_order=True).join(names, on="way", maintain_order="left")
    return table.select(*net, "attack", "gradient", "size", ratio=pl.when(known).then(pl.col("size") / pl.col("base")))


def dial(nets: pl.DataFrame) -> pl.DataFrame:
    """For every m and C0 the means over nets with their limits; a quantity that some net lacks has none."""
    return (
        nets.group_by("m", "c0", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("nets"), pl.col("left").sum().cast(pl.Int64), *map(_mean, MEANS))
        .unnest(MEANS)
        .drop(f"{name}_n" for name in MEANS)
    )


def claims(nets: pl.DataFrame, config: DialConfig) -> Iterator[Claim]:
    """Comparisons of the same nets in a ball and without one, and of directions on the same nets, by sign tests.

    Infinite sizes are larger than all others. One step against many has no claim: the search for many begins with the
    one, so that it is never longer. The paper's figures are about nets that generalise: besides the smallest ball, the
    smallest one whose nets do is compared.
    """
    for m in config.widths:
        of_width = nets.filter(m=m)
        free, smallest = of_width.filter(pl.col("c0").is_null()), min(config.c0s)
        for c0 in dict.fromkeys([smallest, *_generalising(of_width)[:1]]):
            ball = of_width.filter(c0=c0)
            pair, conditions = ball.join(free, on="run", suffix="_free"), not_generalising(pl.concat([ball, free]))
            for name, (claim, source) in GROWING.items():
                ours = source == "ours"
                if c0 == smallest or not ours:
                    setting = f"against m = {m}, C0 = {c0:g}"
                    sizes = pair[name], pair[f"{name}_free"]
                    yield _longer(claim, source, setting, *sizes, conditions=[] if ours else conditions)
        if config.gradient != "bp":
            claim = f"{config.gradient}'s step is longer than the gradient's"
            for setting, cell in (("no ball", free), (f"C0 = {smallest:g}", of_width.filter(c0=smallest))):
                yield _longer(claim, "ours", f"m = {m}, {setting}", cell["single_step"], cell["rule_step"])


def headline(dial: pl.DataFrame, config: DialConfig) -> Mapping[str, Any]:
    """Step and drift in the smallest ball and without one, for the largest width."""
    widest = dial.filter(m=max(config.widths))
    ends = (widest.row(place, named=True) for place in (0, -1))
    return {
        f"{name} at C0 = {'inf' if row['c0'] is None else format(row['c0'], 'g')}, m = {row['m']}": Estimate(
            row[name], row[f"{name}_low"], row[f"{name}_high"], row["nets"], "nets"
        )
        for row in ends
        for name in ("single_step", "drift")
    }


def shown(config: DialConfig, facts: Mapping[str, Any]) -> Iterator[Shown]:
    """The dial and the claims."""
    of = config.data(facts)
    columns = (
        "m", "c0", "accuracy", "distance", "drift", "drift_low", "drift_high", "single_step", "single_step_low",
        "single_step_high", "rule_step", "pgd", "rule_pgd", "many_steps", "unflipped",
    )  # fmt: skip
    yield Shown("dial", f"Robustness against laziness: {of}", columns)
    yield Shown("claims", f"Leaving the lazy regime (sign tests over nets): {of}")


def _mean(name: str) -> pl.Expr:
    whole = pl.col(name).is_finite().fill_null(False).all()
    fields = [name, f"{name}_low", f"{name}_high", f"{name}_n"]
    return pl.when(whole).then(mean(name)).struct.rename_fields(fields).alias(name)


def _generalising(nets: pl.DataFrame) -> list[float]:
    """The balls in which all nets generalise, from small to large."""
    balls = nets.drop_nulls("c0").group_by("c0", maintain_order=True)
    return sorted(c0 for (c0,), rows in balls if not not_generalising(rows))


def _longer(
    claim: str, source: str, setting: str, first: pl.Series, second: pl.Series, *, conditions: Sequence[str] = ()
) -> Claim:
    """The second is longer in most nets; a net without a size is lost."""
    longer, shorter = int((second > first).sum()), int((second < first).sum())
    lost = int((first.is_null() | second.is_null()).sum())
    return Claim(
        claim,
        source,
        order(mcnemar_of(longer, shorter), lost=lost, conditions=conditions),
        setting=setting,
        measured=rate_of(longer, longer + shorter, "nets"),
    )
