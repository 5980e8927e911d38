"""What the lemmas, the proof outline and the theorem of Wang et al. 2022 say, judged on given nets."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import polars as pl

from modules.lazy_regime.theory.config import TheoryConfig
from modules.lazy_regime.theory.laws import LAWS, WIDTH, Law
from modules.lazy_regime.trainings import TRAINING, always
from suite.claims import CANNOT_TELL, REPRODUCED, Claim, Judgement, at_least, at_most, power
from suite.statistics import Estimate, cluster_rate

TOLERANCE = 0.1  # of a power: a finite d is not the limit
RARE = 0.2  # share of nets that may resist unseen
POINTS = "points of nets"

_LEMMAS = {
    "4.1: |f| - |f at W0|": ("|f(x; W)| <= |f(x; W0)| + C0", "Lemma 4.1"),
    "4.1: |f|": ("|f(x; W)| <= its bound for all W, our constants", "Lemma 4.1"),
    "4.2: |grad f|": ("|grad f| >= its bound for all W, our constants", "Lemma 4.2"),
    "4.3: neurons that the ball can change": ("neurons that the ball can change <= their bound", "Lemma 4.3"),
}


def of_lemmas(statements: pl.DataFrame, config: TheoryConfig) -> Iterator[Claim]:
    """The first holds always, the others with probability 1 - gamma."""
    for statement, (claim, source) in _LEMMAS.items():
        rows = statements.filter(statement=statement)
        if statement == "4.1: |f| - |f at W0|":
            yield always(claim, source, rows, "inside", of=POINTS, setting="all settings")
            continue
        share = _share(rows, "inside")
        yield Claim(
            claim, source, at_least(share, 1 - config.gamma), "all settings", measured=share, published=1 - config.gamma
        )


def of_powers(powers: pl.DataFrame) -> Iterator[Claim]:
    """A power of d for each m and C0, or of m for each d and C0."""
    for row in powers.iter_rows(named=True):
        law, measured = LAWS[row["law"]], Estimate.read(row, of="nets")
        fixed = "m" if law.variable == "d" else "d"
        fitted = f", {law.variable} = {row['places']}" if row["places"] else ""
        yield Claim(
            law.claim,
            law.source,
            _of_law(law, measured, row),
            setting=f"{fixed} = {row[fixed]}, C0 = {row['c0']:g}{fitted}",
            measured=measured,
            published=law.exponent,
        )


def of_condition(points: pl.DataFrame, condition: pl.DataFrame, config: TheoryConfig) -> Iterator[Claim]:
    """The proof's condition holds at nearly every point, and where it does the step flips, by that length."""
    for row in condition.filter(pl.col("d") == pl.col("d").max()).iter_rows(named=True):
        share = Estimate.read(row, of="nets")
        yield Claim(
            "the condition of the proof outline holds",
            "Sec. 4",
            at_least(share, 1 - config.gamma),
            setting=f"d = {row['d']}, m = {row['m']}, C0 = {row['c0']:g}",
            measured=share,
            published=1,
        )
    held = points.filter("holds").with_columns(flipped=pl.col("size") <= pl.col("radius"))
    claim = "where it holds, the step flips, and by that length"
    yield always(claim, "Sec. 4", held, "flipped", of=POINTS, setting="all settings")


def of_theorem(points: pl.DataFrame, worst: pl.DataFrame | None) -> Iterator[Claim]:
    """A single step flips trained nets, and the worst nets that are found, of which the largest d says most."""
    trained = points.filter(pl.col("c0") > 0).with_columns(flips=pl.col("size").is_finite())
    claim = "a single step flips the sign, trained nets"
    yield always(claim, "Theorem 3.1", trained, "flips", of=POINTS, setting="all settings")
    if worst is None:
        return
    largest = worst.filter(pl.col("d") == pl.col("d").max()).with_columns(flips=~pl.col("resists"))
    for (d, c0), nets in largest.group_by("d", "c0", maintain_order=True):
        setting = f"d = {d}, C0 = {c0:g}, every m"
        claim = "a single step flips the sign, worst net found"
        yield always(claim, "Theorem 3.1, all W", nets, "flips", of=POINTS, setting=setting, rate=RARE)


def of_constants(explicit: pl.DataFrame) -> Iterator[Claim]:
    """From which dimension on the proof closes with our constants."""
    largest = float(explicit["d"].max())  # type: ignore[arg-type]
    for (c0,), rows in explicit.group_by("c0", maintain_order=True):
        first = inf if rows["closing_d"][0] is None else rows["closing_d"][0]
        measured = Estimate(first, first, first, 1, "dimensions")
        yield Claim(
            f"the proof's bounds close at a d that is measured, our constants: from this d on, m = d^{WIDTH:g}",
            "ours, after Theorem 3.1",
            at_most(measured, largest),
            setting=f"C0 = {c0:g}",
            measured=measured,
        )


def _of_law(law: Law, measured: Estimate, row: Mapping[str, Any]) -> Judgement:
    """Of a law for wide nets only where m >= d^WIDTH at every d that is used.

    An upper bound can differ, and cannot be reproduced: what is searched for, of these nets alone, may be less than the
    largest.
    """
    narrow = [d for d in row["places"].split(", ") if law.wide and d and row["m"] < int(d) ** WIDTH]
    conditions = [f"m < d^{WIDTH:g} at d = {', '.join(narrow)}"] if narrow else []
    if not law.upper:
        return power(measured, law.exponent, TOLERANCE, conditions=conditions)
    judgement = at_most(measured, law.exponent, conditions=conditions)
    if judgement.verdict == REPRODUCED:
        return Judgement(CANNOT_TELL, f"not contradicted by what a search finds: {judgement.note}")
    return judgement


def _share(points: pl.DataFrame, holds: str) -> Estimate:
    """Over trainings."""
    training = points.select(pl.concat_str(TRAINING, separator=" ").alias("training"))
    return cluster_rate(points[holds], training["training"].to_numpy().astype(str), "trainings")
