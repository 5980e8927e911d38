"""`pgd_dynamics.rules` analysed: per network the mean over its starts, then means with intervals over networks."""

from collections.abc import Iterator, Mapping
from math import nan
from typing import Any

import polars as pl

from modules.pgd_dynamics.events import step_of
from modules.pgd_dynamics.rules.config import RulesConfig
from suite.statistics import Estimate, against, mean, named
from suite.tables import Shown

MEASURED = ("near", "slant", "away", "gain", "asymmetry", "hit", "reached", "sooner")
LANDSCAPE = ("d", "activation", "scale")
_START = (*LANDSCAPE, "network", "start")


def arrivals(ascents: pl.DataFrame, config: RulesConfig) -> pl.DataFrame:
    """Per landscape, network and rule: how many starts come to a local maximum of the true loss, and when.

    share: that were at one at some step (`arrived`); ended: that end at one, by the slant there. steps: until then,
    where an ascent that never arrives counts with all `steps`. later: by how many steps later than BP from the same
    start, where both arrive; null without such a start.
    """
    step = pl.col("arrived")
    compared = _beside_bp(ascents.with_columns(step_of("arrived")), "arrived")
    return compared.group_by(*LANDSCAPE, "network", "rule", maintain_order=True).agg(
        share=step.is_not_null().mean(),
        ended=(pl.col("slant") <= config.degrees).mean(),
        steps=step.fill_null(config.steps).mean(),
        later=(step - pl.col("reference")).mean(),
        starts=pl.len(),
    )


def rules(ascents: pl.DataFrame) -> pl.DataFrame:
    """Per landscape and rule: the mean of each quantity with its interval, and the shares that never got there.

    `sooner` is by how many steps the rule had `share` of BP's gain before BP from the same start, where both got there.
    """
    compared = _beside_bp(ascents.with_columns(step_of("hit"), step_of("reached")), "reached")
    compared = compared.with_columns(sooner=pl.col("reference") - pl.col("reached"))
    by = (*LANDSCAPE, "rule")
    networks = compared.group_by(*by, "network", maintain_order=True).agg(pl.col(MEASURED).mean())
    means = networks.group_by(by, maintain_order=True).agg(
        *(named(mean(name), name) for name in MEASURED),
        n=pl.len(),
        sooner_n=pl.col("sooner").count(),
    )
    never = compared.group_by(by, maintain_order=True).agg(
        never_hit=pl.col("hit").is_null().mean(), never_reached=pl.col("reached").is_null().mean()
    )
    return means.unnest(MEASURED).join(never, on=by, maintain_order="left")


def answers(rules: pl.DataFrame) -> pl.DataFrame:
    """Per landscape: does LinBP end at a maximum? how far from one? with what gain? how many steps sooner than BP?"""
    bp, linbp, same_length = (rules.filter(rule=rule) for rule in ("bp", "linbp", "linbp, same length"))
    return linbp.select(
        *LANDSCAPE,
        at_maximum="near",
        bp_at_maximum=bp["near"],
        degrees_away="away", away_low="away_low", away_high="away_high",
        gain_over_bp="gain", gain_low="gain_low", gain_high="gain_high",
        bp_steps=bp["reached"],
        sooner="sooner", sooner_low="sooner_low", sooner_high="sooner_high",
        sooner_same_length=same_length["sooner"],
        sooner_n="sooner_n",
        never="never_reached",
        asymmetry="asymmetry",
        n="n",
    )  # fmt: skip


def headline(rules: pl.DataFrame, config: RulesConfig) -> Mapping[str, Any]:
    """How often LinBP ends at a maximum on the landscapes of the largest scale."""
    largest = rules.filter(rule="linbp", d=config.dims[0], scale=max(config.scales))
    return {
        f"{row['activation']}, scale {row['scale']:g}: LinBP ends at a maximum": _near(row)
        for row in largest.iter_rows(named=True)
    }


def shown(config: RulesConfig) -> Iterator[Shown]:
    """The answers."""
    of = f"{config.networks} networks x {config.starts} starts, ratio {config.ratio:g}, {config.loss} loss"
    yield Shown("answers", f"LinBP's ascent judged by the true loss ({of}), means over networks, 95 % intervals")


def _near(row: Mapping[str, Any]) -> Estimate:
    """The share of ascents that end at a maximum, from a row of `rules`."""
    value, low, high = (nan if row[name] is None else row[name] for name in ("near", "near_low", "near_high"))
    return Estimate(value, low, high, row["n"], "networks")


def _beside_bp(ascents: pl.DataFrame, value: str) -> pl.DataFrame:
    """The ascents, with BP's value from the same start as `reference`."""
    return against(ascents, on=_START, column="rule", reference="bp", value=value)
