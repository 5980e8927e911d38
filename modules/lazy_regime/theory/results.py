"""`lazy_regime.theory` analysed: from rows per net and point to links beside bounds, conditions, sizes and powers.

Nets of one setting are independent; points of one net are not: means and shares are over nets. The nets of one run at
several C0 are places of one training.
"""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import polars as pl

from modules.lazy_regime.theory import bounds
from modules.lazy_regime.theory import claims as judged
from modules.lazy_regime.theory.config import TheoryConfig
from modules.lazy_regime.theory.laws import LAWS, WIDTH, WORST
from suite.claims import Claim
from suite.statistics import cluster_rate, estimates, log_log_slope, mean
from suite.tables import Shown

SETTING = ("d", "m", "c0")
NET = (*SETTING, "run")
ROUNDING = 1e-4  # of float32 sums of some thousand terms, relatively


def statements(points: pl.DataFrame, config: TheoryConfig) -> pl.DataFrame:
    """A row per net, point and link of the proof: its value, its bound, on which side that is, whether it holds."""
    size = pl.col("value").abs()
    change, allowed = (pl.col(name).cast(pl.Float64) for name in ("changed", "may_change"))
    measured = {
        "4.1: |f|": size,
        "4.1: |f| - |f at W0|": size - pl.col("initial_value").abs(),
        "4.1 given W0: |f| over its maximum": size / pl.col("ceiling"),
        "4.2: |grad f|": pl.col("gradient"),
        "4.2: |grad f - grad f at W0|": pl.col("drift"),
        "4.3: neurons with another sign": change,
        "4.3: neurons that the ball can change": allowed,
        "4.3 given W0: other signs - changeable": change - allowed,
        "4.4: change of grad f within 1 / sqrt(d)": pl.col("change"),
    }
    limits = []
    for d, m, c0 in points.select(SETTING).unique(maintain_order=True).iter_rows():
        changing, gamma = bounds.sign_changes_bound(m, c0, config.gamma), config.gamma
        of_links = (
            ("<=", bounds.value_bound(m, c0, gamma)), ("<=", c0), ("<=", 1.0),
            (">=", bounds.gradient_bound(d, m, c0, gamma)), ("<=", bounds.drift_bound(d, m, c0, gamma)),
            ("<=", changing), ("<=", changing), ("<=", 0.0),
            ("<=", bounds.difference_bound(d, m, c0, d**-0.5, gamma)),
        )  # fmt: skip
        limits += [(d, m, c0, name, *limit) for name, limit in zip(measured, of_links, strict=True)]
    long = points.select(*NET, "id", **measured).unpivot([*measured], index=[*NET, "id"], variable_name="statement")
    by, value, bound = [*SETTING, "statement"], pl.col("value"), pl.col("bound")
    of_settings = pl.DataFrame(limits, [*by, "side", "bound"], orient="row")
    stated = of_settings.join(long, on=by, maintain_order="left_right")
    slack = ROUNDING * value.abs().max().clip(lower_bound=1).over(by)
    below = value <= bound + slack
    return stated.with_columns(inside=pl.when(side="<=").then(below).otherwise(value >= bound - slack))


def links(statements: pl.DataFrame) -> pl.DataFrame:
    """Each link of the proof beside its bound, per setting: the mean over n nets of their points' averages.

    extreme: the value nearest to the bound, or furthest beyond it; inside: the share of points at which the bound
    holds. `given W0` bounds use the net's own initial values and hold always; the others are those of `bounds`, with
    their gamma.
    """
    by = [*SETTING, "statement"]
    upper = pl.col("side").first() == "<="
    facts = statements.group_by(by, maintain_order=True).agg(
        extreme=pl.when(upper).then(pl.col("value").max()).otherwise(pl.col("value").min()),
        bound=pl.col("bound").first(),
        side=pl.col("side").first(),
        points=pl.len().cast(pl.Int64),
    )
    means = _mean_over_nets(statements, by, "value")
    return means.join(facts, on=by, maintain_order="left").join(_share(statements, by, "inside"), on=by)


def changes(around: pl.DataFrame) -> pl.DataFrame:
    """The largest change of the gradient found in the ball of radius R = ratio |f| / ||grad f||, in ||grad f||.

    Mean over n nets. sampled, sampled_largest, on_the_way: what random and straight steps find. allowed: up to which
    change the proof's condition holds; holds: the share of points at which it does.
    """
    by, names = [*SETTING, "ratio"], ["sampled", "sampled_largest", "on_the_way", "supremum"]
    relative = around.with_columns(pl.col(names) / pl.col("gradient"), holds=_holds())
    others = relative.group_by(by).agg(pl.col(*names[:3], "radius").mean())  # nets have equally many points
    table = _mean_over_nets(relative, by, "supremum").join(others, on=by, maintain_order="left")
    table = table.with_columns(allowed=1 - 1 / pl.col("ratio"))
    return table.join(_share(relative, by, "holds"), on=by, maintain_order="left")


def condition(points: pl.DataFrame, around: pl.DataFrame) -> pl.DataFrame:
    """Where the proof's condition holds for some R, and whether a step of that length or a shorter one flips.

    holds: points with an R at which the outline is below 0, with the largest change found in place of the supremum, so
    that it can hold where the true condition does not, never the other way round; value: their share. predicted: the
    smallest such R over the smallest flipping step, its median.
    """
    of_points, flips = _with_condition(points, around), pl.col("size").is_finite()
    counts = of_points.group_by(SETTING, maintain_order=True).agg(
        points=pl.len().cast(pl.Int64),
        holds=pl.col("holds").sum().cast(pl.Int64),
        holds_and_flipped=(pl.col("holds") & (pl.col("size") <= pl.col("radius"))).sum().cast(pl.Int64),
        flipped=flips.sum().cast(pl.Int64),
        flipped_without=(flips & ~pl.col("holds")).sum().cast(pl.Int64),
        predicted=(pl.col("radius") / pl.col("size")).median(),
    )
    share = estimates(of_points, SETTING, lambda cell: cluster_rate(cell["holds"], cell["run"], "nets"))
    return counts.join(share, on=SETTING, maintain_order="left")


def sizes(points: pl.DataFrame, worst: pl.DataFrame | None = None) -> pl.DataFrame:
    """Median smallest flipping step of the nets at W0, as trained, and of the worst nets; mean over n nets.

    scaled: value x sqrt d, which the theorem has bounded; unflipped: the share of points that no step flips. `worst,
    linear` is `given_nets.worst_flip`. A median over points that half are never flipped is infinite: no mean then.
    """
    names = [*NET, "size"]
    trained = pl.when(pl.col("c0") == 0).then(pl.lit("initial")).otherwise(pl.lit("trained"))
    kinds = [points.select(*names, net=trained)]
    if worst is not None:
        linear = worst.with_columns(size="linear")
        kinds += [frame.select(*names, net=pl.lit(net)) for frame, net in ((worst, WORST), (linear, "worst, linear"))]
    of_points, by = pl.concat(kinds).with_columns(unflipped=pl.col("size").is_infinite()), [*SETTING, "net"]
    of_nets = of_points.group_by(*by, "run", maintain_order=True).agg(pl.col("size").median())
    means = of_nets.group_by(by, maintain_order=True).agg(
        pl.when(pl.col("size").is_finite().all()).then(mean("size")).alias("estimate"), nets=pl.len().cast(pl.Int64)
    )
    table = means.unnest("estimate").with_columns(n="nets", scaled=pl.col("value") * pl.col("d").sqrt()).drop("nets")
    counted = of_points.group_by(by).agg(points=pl.len().cast(pl.Int64))
    for more in (_share(of_points, by, "unflipped"), counted):
        table = table.join(more, on=by, maintain_order="left")
    return table


def explicit(points: pl.DataFrame, config: TheoryConfig) -> pl.DataFrame:
    """The proof with explicit constants per setting: whether it closes, and from which power of 10 on, at m = d^2.4."""
    closing = {c0: bounds.closing_dimension(c0, WIDTH, config.gamma) for c0 in config.c0s}
    rows = []
    for setting in points.select(SETTING).unique(maintain_order=True).iter_rows(named=True):
        chain = bounds.chain(**setting, gamma=config.gamma)
        rows.append(
            {
                **setting, "value": chain.value, "gradient": chain.gradient, "difference": chain.difference,
                "size": chain.size, "margin": chain.margin, "closes": chain.closes,
                "closing_d": closing[setting["c0"]],
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"closing_d": pl.Float64})


def powers(points: pl.DataFrame, worst: pl.DataFrame | None = None) -> pl.DataFrame:
    """The powers that the lemmas and the theorem name, for each value of the other two of d, m and C0.

    Least squares on logarithms for each run. A place where some net's value has no logarithm is left out for all of
    them (places says which stay): to leave out the net would be to choose. `law` is a name in `laws.LAWS`.
    """
    tables = []
    for name, law in LAWS.items():
        frame = worst if law.nets == WORST else points
        if frame is None:
            continue
        frame = frame.filter(pl.col("c0") > 0) if law.nets == "trained" else frame
        value = pl.col(law.quantity)
        of_nets = frame.group_by(NET, maintain_order=True).agg(value=value.median() if law.median else value.mean())
        other = "m" if law.variable == "d" else "d"
        fits = _fits(of_nets, law.variable, [other, "c0"]).with_columns(law=pl.lit(name), published=law.exponent)
        tables.append(fits.with_columns(pl.lit(None, pl.Int64).alias(law.variable)))
    columns = ["law", *SETTING, "places", "value", "low", "high", "n", "published"]
    return pl.concat(table.select(columns) for table in tables)


def claims(
    points: pl.DataFrame, around: pl.DataFrame, statements: pl.DataFrame, condition: pl.DataFrame,
    explicit: pl.DataFrame, powers: pl.DataFrame, config: TheoryConfig, worst: pl.DataFrame | None = None,
) -> Iterator[Claim]:  # fmt: skip
    """The lemmas, the condition, the theorem, and "for all W"; what needs a large d is judged at the largest."""
    yield from judged.of_lemmas(statements, config)
    yield from judged.of_powers(powers)
    yield from judged.of_condition(_with_condition(points, around), condition, config)
    yield from judged.of_theorem(points, worst)
    yield from judged.of_constants(explicit)


def headline(condition: pl.DataFrame, worst: pl.DataFrame | None = None) -> Mapping[str, Any]:
    """Points at which the condition holds, and flips with and without it."""
    names = ["points", "holds", "holds_and_flipped", "flipped_without"]
    words = ["nets_and_points", "condition_holds", "of_these_flipped", "flipped_without_it"]
    counts = dict(zip(words, condition.select(pl.col(names).sum()).row(0), strict=True))
    resisting = "0 of 0" if worst is None else f"{worst['resists'].sum()} of {len(worst)}"
    return {**counts, "worst_nets_that_no_step_flips": resisting}


def shown(config: TheoryConfig) -> Iterator[Shown]:
    """The condition, sizes of flips, and the claims."""
    of = f"{config.dataset} {' / '.join(config.classes)}, {config.points} points x {config.networks} nets a setting"
    yield Shown("condition", f"The condition of the proof outline, and what the step does: {of}")
    yield Shown(
        "sizes",
        f"Smallest flipping step |delta|, |x| = 1 (median over points; intervals over nets): {of}",
        ("d", "m", "c0", "net", "value", "low", "high", "scaled", "unflipped", "n"),
    )
    yield Shown("claims", f"What the proof says and what is measured: {of}")


def _with_condition(points: pl.DataFrame, around: pl.DataFrame) -> pl.DataFrame:
    """The points, whether the proof's condition holds at one of the radii, and the smallest of these, `radius`."""
    smallest = around.filter(_holds()).group_by(*NET, "id").agg(pl.col("radius").min())
    joined = points.join(smallest, on=[*NET, "id"], how="left", maintain_order="left")
    return joined.with_columns(holds=pl.col("radius").is_not_null())


def _holds() -> pl.Expr:
    return (pl.col("outline") < 0) & pl.col("outline").is_not_nan()


def _mean_over_nets(frame: pl.DataFrame, by: list[str], column: str) -> pl.DataFrame:
    """Of the averages over each net's points."""
    of_nets = frame.group_by(*by, "run", maintain_order=True).agg(pl.col(column).mean())
    return of_nets.group_by(by, maintain_order=True).agg(mean(column)).unnest("estimate")


def _share(frame: pl.DataFrame, by: list[str], column: str) -> pl.DataFrame:
    """Share of the points at which it holds, under the column's name and with its limits."""
    shares = estimates(frame, by, lambda cell: cluster_rate(cell[column], cell["run"]))
    return shares.drop("n").rename({"value": column, "low": f"{column}_low", "high": f"{column}_high"})


def _fits(of_nets: pl.DataFrame, variable: str, by: list[str]) -> pl.DataFrame:
    """Powers of the variable, of groups that have several values of it."""
    usable = ((pl.col("value") > 0) & (pl.col("value") < inf)).all().over(*by, variable)
    several = of_nets.filter(pl.col(variable).n_unique().over(by) > 1).with_columns(usable=usable)
    places = several.group_by(by, maintain_order=True).agg(
        places=pl.col(variable).filter("usable").unique(maintain_order=True).cast(pl.String).str.join(", ")
    )
    slopes = estimates(
        several.filter("usable"),
        by,
        lambda cell: log_log_slope(cell[variable], cell["value"], cell["run"], "nets"),
    )
    table = places.join(slopes, on=by, how="left", maintain_order="left")
    return table.with_columns(pl.col("n").fill_null(0))
