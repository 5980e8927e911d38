"""`pgd_dynamics.landscape` analysed: counts by scale and ratio, how ascents end, and what the paper says of Fig. 1."""

from collections.abc import Iterator, Mapping
from math import inf, sqrt
from typing import Any

import numpy as np
import polars as pl

from modules.pgd_dynamics.by_network import always
from modules.pgd_dynamics.landscape import independent
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from suite.claims import Claim, direction, number, order_family
from suite.refs import format_number
from suite.statistics import Estimate, formulas, mcnemar_of, mean, mean_of, named, paired, rate, rate_of
from suite.tables import Shown

BEST = 0.99  # of the way from the least to the largest loss on the circle
PRECISION = 0.25
"""Half width, over the mean, up to which an interval tells a cell from its neighbours, a factor of 2 away."""

CELL = ("scale", "ratio")
_IS_GUARANTEED = (pl.col("eps_over_tau") < 1) & pl.col("one_sign")
_IS_SINGLE = pl.col("minima") == 1
_STEPS = pl.col("steps_90").cast(pl.Float64).fill_null(inf)  # an ascent that had not settled is infinitely long
_MEDIAN = _STEPS.quantile(0.5, "lower")


def counts(minima: pl.DataFrame) -> pl.DataFrame:
    """Per scale and ratio, over networks: the mean number of minima of L on the circle, how many have exactly one.

    on_ball: mean number of those that are minima on the whole ball. guaranteed: share of networks with eps < tau and l'
    of one sign. undecided: arcs of the circle, of all networks together, whose number of extrema is not proven.
    """
    return minima.group_by(CELL, maintain_order=True).agg(
        pl.col("eps").first(),
        named(mean("minima"), "minima"),
        named(rate(_IS_SINGLE), "single"),
        most=pl.col("minima").max(),
        n=pl.len(),
        on_ball=pl.col("on_ball").mean(),
        guaranteed=_IS_GUARANTEED.mean(),
        undecided=pl.col("undecided").sum(),
    ).unnest("minima", "single")  # fmt: skip


def escape(escapes: pl.DataFrame) -> pl.DataFrame:
    """Per scale, ratio and pace, over ascents: quartiles of the steps to 90 % of the gain, and where they end.

    at_minimum: share that ended at a minimum of L on the circle; best: share whose last loss is nearly the largest.
    """
    return escapes.group_by("pace", *CELL, maintain_order=True).agg(
        steps_90=_MEDIAN,
        lower_quartile=_STEPS.quantile(0.25, "lower"),
        upper_quartile=_STEPS.quantile(0.75, "lower"),
        settled=pl.col("steps_90").is_not_null().mean(),
        at_minimum=pl.col("at_minimum").mean(),
        best=((pl.col("attained") > BEST) & pl.col("attained").is_not_nan()).mean(),
        n=pl.len(),
        networks=pl.col("network").n_unique(),
    )


def atlas(atlas_ends: pl.DataFrame) -> pl.DataFrame:
    """Per activation and field: where ascents end in the true landscape; intervals are over networks.

    attained: mean last loss, 0 the least on the circle and 1 the largest. at_minimum: share of ascents that end at a
    minimum of L. to_minimum: median degrees to the nearest one. always: share of networks whose ascents all end at one.
    """
    field = ("activation", "gradient")
    ascents = atlas_ends.group_by(field, maintain_order=True).agg(
        steps_90=_MEDIAN, to_minimum=pl.col("to_minimum").median(), n=pl.len()
    )
    networks = atlas_ends.group_by(*field, "network", maintain_order=True).agg(
        pl.col("attained", "at_minimum").mean(), always=pl.col("at_minimum").all()
    )
    over_networks = networks.group_by(field, maintain_order=True).agg(
        named(mean("attained"), "attained"),
        named(rate("always"), "always"),
        pl.col("at_minimum").mean(),
        networks=pl.len(),
    ).unnest("attained", "always")  # fmt: skip
    return ascents.join(over_networks, on=field, maintain_order="left")


def claims(minima: pl.DataFrame, escapes: pl.DataFrame, config: LandscapeConfig) -> Iterator[Claim]:
    """The paper's words on Fig. 1, Theorem 5.1 with our tau, and the counts beside an independent simulation's."""
    small, large = min(config.scales), max(config.scales)
    low, high = min(config.ratios), max(config.ratios)
    single = minima.with_columns(holds=_IS_SINGLE)
    at_all_ratios = single.filter(scale=small).group_by("network").agg(pl.col("holds").all())
    yield always("one minimum at the smallest scale, whatever the ratio", "Fig. 1 (a)-(c)", at_all_ratios,
                 setting=f"scale {small:g}, ratios up to {high:g}")  # fmt: skip
    if large > small:
        more = _more(minima.filter(ratio=high), "scale", large, small)
        yield Claim("more minima at a larger scale", "Fig. 1", direction(more),
                    f"scale {large:g} over {small:g}, ratio {high:g}", more)  # fmt: skip
    if high > low:
        more = _more(minima.filter(scale=large), "ratio", high, low)
        yield Claim("more minima at a larger ratio", "Fig. 1 (g), (i)", direction(more),
                    f"ratio {high:g} over {low:g}, scale {large:g}", more)  # fmt: skip
        yield always("one minimum at the largest scale if the ratio is small", "Fig. 1 (g)",
                     single.filter(scale=large, ratio=low), setting=f"scale {large:g}, ratio {low:g}")  # fmt: skip
    yield always("exactly one minimum where eps < tau and y - f keeps its sign", "Theorem 5.1",
                 single.filter(_IS_GUARANTEED), setting="tau = B_l / H, sampled")  # fmt: skip
    if large > small:
        yield from _escapes_sooner(escapes, small, large)
    yield from _beside_independent_counts(minima, config)


def headline(counts: pl.DataFrame) -> Mapping[str, Any]:
    """The mean number of minima by scale and ratio."""
    return {
        f"minima at scale {format_number(row['scale'])}, ratio {format_number(row['ratio'])}": Estimate(
            row["minima"], row["minima_low"], row["minima_high"], row["n"], "networks"
        )
        for row in counts.iter_rows(named=True)
    }


def shown(config: LandscapeConfig) -> Iterator[Shown]:
    """Counts, ascents, the atlas and the claims."""
    of = f"{config.networks} networks, m = {config.m}, {config.loss} loss, y = {config.y:g}"
    yield Shown("counts", f"Local minima of L = -loss on the circle ({of}), 95 % intervals")
    yield Shown("escape", "Ascent from every local minimum of the loss on the circle: steps to 90 % of the gain")
    yield Shown("atlas", f"Where ascents end, scale {config.atlas_scale:g}, ratio {config.atlas_ratio:g}")
    yield Shown("claims", "What the paper says and what was measured")


def _more(minima: pl.DataFrame, column: str, first: float, second: float) -> Estimate:
    """How many minima more a network has in the first cell than in the second."""
    pairs = paired(minima, on=["network"], column=column, first=first, second=second, value="minima")
    return mean_of(pairs["first"] - pairs["second"], "networks")


def _escapes_sooner(escapes: pl.DataFrame, small: float, large: float) -> Iterator[Claim]:
    """Whether a network's median ascent is sooner through at the small scale; one family of ratios for each pace.

    A network that has not settled at either scale is lost.
    """
    medians = escapes.group_by("pace", *CELL, "network", maintain_order=True).agg(steps=_MEDIAN)
    pairs = paired(
        medians, on=["pace", "ratio", "network"], column="scale", first=small, second=large, value="steps"
    )  # fmt: skip
    first, second = pl.col("first"), pl.col("second")
    counted = pairs.group_by("pace", "ratio", maintain_order=True).agg(
        sooner=(first < second).sum(),
        later=(first > second).sum(),
        lost=((first == inf) & (second == inf)).sum(),
    )
    for (pace,), family in counted.group_by("pace", maintain_order=True):
        rows = family.rows(named=True)
        tests = [mcnemar_of(row["sooner"], row["later"]) for row in rows]
        for row, judgement in zip(rows, order_family(tests, lost=[row["lost"] for row in rows]), strict=True):
            yield Claim(
                "PGD escapes sooner at a smaller scale",
                "Fig. 1",
                judgement,
                f"scale {small:g} before {large:g}, ratio {row['ratio']:g}, {pace} steps",
                rate_of(row["sooner"], row["sooner"] + row["later"], "networks"),
            )


def _beside_independent_counts(minima: pl.DataFrame, config: LandscapeConfig) -> Iterator[Claim]:
    """Cells that the independent simulation has, in its setting."""
    if any(getattr(config, name) != value for name, value in independent.SETTING.items()) or config.networks < 2:
        return
    for (scale, ratio), cell in minima.group_by(CELL, maintain_order=True):
        if (theirs := independent.MINIMA.get((scale, ratio))) is not None:
            ours = _with_both_errors(cell["minima"], theirs)
            yield Claim(
                f"mean number of minima on the circle, as counted independently in {independent.NETWORKS} networks",
                "an independent simulation",
                number(ours, theirs, PRECISION * theirs, rounding=independent.ROUNDING),
                f"scale {scale:g}, ratio {ratio:g}",
                ours,
                theirs,
            )


def _with_both_errors(minima: pl.Series, theirs: float) -> Estimate:
    """Our mean with the interval of its difference to theirs, of which nothing but the mean is known.

    The variance is ours for both. Minima beyond the first are rare events in regular cells: none among ours does not
    make their variance 0, so that it is at least their rate in both samples together.
    """
    n, others = len(minima), independent.NETWORKS
    value = float(minima.to_numpy().mean())
    extra = (n * (value - 1) + others * (theirs - 1)) / (n + others)
    spread = sqrt(max(float(minima.to_numpy().var(ddof=1)), extra))
    low, high = formulas.student(np.array(value), np.array(spread), np.array(n * others / (n + others)))
    return Estimate(value, float(low), float(high), n, "networks")
