"""What Xing et al. 2022, Sec. 5.2 say of overfitting, and what we ask beside it, judged over seeds."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import inf, log
from typing import Any

import polars as pl

from modules.phase_transition.overfitting.config import OverfittingConfig
from suite.claims import Bounds, Claim, Judgement, censored_comparison, direction
from suite.statistics import Estimate, bracketed_mean_of, cluster_mean, mean_of

_FIGURE, _TABLE, _OURS = "Fig. 5", "Table 2", "ours"


def gaps(growth: pl.DataFrame, config: OverfittingConfig) -> Iterator[Claim]:
    """The gap grows more, after the reference epoch, under the strongest attack than without one.

    Ours: the same in nats, and that clean training does no harm meanwhile. A seed without a number is lost.
    """
    large = max(config.eps)
    for (samples,), rows in growth.group_by("samples", maintain_order=True):
        hard, clean = rows.filter(eps=large), rows.filter(eps=0)
        pairs = hard.join(clean, on="seed", suffix="_clean", maintain_order="left")
        for name, source, what in (
            ("ratio", _FIGURE, "ratio of the robust gap, end over reference"),
            ("growth", _OURS, "growth of the robust gap (nats)"),
        ):
            more = (pairs[name] - pairs[f"{name}_clean"]).drop_nulls()
            setting = f"n = {samples}, eps {large:.4g}"
            yield _above_zero(f"{what}, is larger than of clean training", source, setting, more, config)
        gained = clean["clean_accuracy_gained"]
        claim = "clean training's test accuracy rises after the reference"
        yield _above_zero(claim, _OURS, f"n = {samples}", gained, config)


def above_eps_star(unstable: pl.DataFrame, config: OverfittingConfig) -> Iterator[Claim]:
    """The smallest unstable strength is above eps_star; of either, bounds enter as bounds."""
    for (samples,), rows in unstable.group_by("samples", maintain_order=True):
        known = rows.drop_nulls("eps_star_at_least")
        pairs = [(_strengths(row), _star(row)) for row in known.iter_rows(named=True)]
        difference, judgement = _larger(pairs, config.seeds)
        yield Claim("the smallest unstable eps is above eps_star", _TABLE, judgement, f"n = {samples}", difference)


def rises(collapses: pl.DataFrame) -> Iterator[Claim]:
    """Ours: the accuracy under one step rises while that under many collapses; trainings of one seed are a cluster."""
    fell = collapses.filter(pl.col("fell"), kind="one step")
    for (samples,), rows in fell.group_by("samples", maintain_order=True):
        rise = cluster_mean(rows["rise"], rows["seed"], "seeds")
        claim = "the accuracy under one step rises while that under many collapses"
        yield Claim(claim, _OURS, direction(rise), f"n = {samples}", rise)


def smaller_with_more_data(unstable: pl.DataFrame, config: OverfittingConfig) -> Iterator[Claim]:
    """The smallest unstable strength falls with the training-set size, paired by seed: the ratio's logarithm is > 0."""
    for small, large in pairwise(sorted(unstable["samples"].unique())):
        both = unstable.filter(samples=small).join(unstable.filter(samples=large), on="seed", suffix="_large")
        pairs = [(_logarithms(row), _logarithms(row, "_large")) for row in both.iter_rows(named=True)]
        ratio, judgement = _larger(pairs, config.seeds)
        claim = "the smallest unstable eps is smaller for more samples (logarithm of the ratio)"
        yield Claim(claim, _TABLE, judgement, f"n = {small} over {large}", ratio)


def _above_zero(claim: str, source: str, setting: str, values: pl.Series, config: OverfittingConfig) -> Claim:
    measured = mean_of(values, "seeds")
    return Claim(claim, source, direction(measured, lost=config.seeds - measured.n), setting, measured)


def _larger(pairs: list[tuple[Bounds, Bounds]], seeds: int) -> tuple[Estimate, Judgement]:
    """The first minus the second, and whether it is above 0, wherever the values lie between their bounds.

    Where a bound is infinite no mean is known, and only the pairs that are decided count.
    """
    lows, highs = ([one[end] - other[1 - end] for one, other in pairs] for end in (0, 1))
    difference, lost = bracketed_mean_of(lows, highs, "seeds"), seeds - len(pairs)
    if difference.high - difference.low < inf:
        return difference, direction(difference, lost=lost)
    return difference, censored_comparison(pairs, of="seeds", lost=lost)


def _strengths(row: Mapping[str, Any], suffix: str = "") -> Bounds:
    """Where the strength lies from which on training is unstable."""
    least = row[f"unstable_eps{suffix}"]
    return row[f"stable_eps{suffix}"], inf if least is None else least


def _star(row: Mapping[str, Any]) -> Bounds:
    """eps_star as read off, or the bounds of what is not bracketed."""
    star = row["eps_star"]
    return (row["eps_star_at_least"], row["eps_star_at_most"]) if star is None else (star, star)


def _logarithms(row: Mapping[str, Any], suffix: str = "") -> Bounds:
    low, high = (log(eps) if eps else -inf for eps in _strengths(row, suffix))
    return low, high
