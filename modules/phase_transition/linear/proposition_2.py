"""Proposition 2 judged: fine-tuning comes near the least loss, sooner than from zero; extrapolation finds eps_star."""

from collections.abc import Iterator

import polars as pl

from suite import claims as judge
from suite.claims import Claim
from suite.statistics import log_log_slope, rate_of

SMALL = 0.2  # of d/n: the derivation is for d << n
TOLERANCE = 0.1  # of a power
ROUNDING = 1e-9  # relative, of a sum of losses


def claims(fine_tuned: pl.DataFrame, per_data_set: pl.DataFrame) -> Iterator[Claim]:
    """The bound in each data set at all strengths, the steps in most, and the power of extrapolation's error."""
    yield from _bounded(fine_tuned)
    yield from _sooner(fine_tuned)
    yield from _extrapolated(per_data_set.filter(pl.col("d_over_n") <= SMALL))


def _bounded(fine_tuned: pl.DataFrame) -> Iterator[Claim]:
    """A data set on which a training diverged is lost."""
    finite = (pl.col("excess").is_finite() & pl.col("bound").is_finite()).all()
    kept = (pl.col("excess") <= pl.col("bound") * (1 + ROUNDING)).all()
    sets = fine_tuned.group_by("d", "samples", "repeat", maintain_order=True).agg(kept=pl.when(finite).then(kept))
    for (d, n), cell in sets.group_by("d", "samples", maintain_order=True):
        told = cell["kept"].drop_nulls()
        judgement = judge.bound(int((~told).sum()), len(told), of="data sets", lost=len(cell) - len(told))
        claim = "the excess loss of fine-tuning, averaged over its steps, is below the bound"
        measured = rate_of(int(told.sum()), len(told), "data sets")
        yield Claim(claim, "Proposition 2", judgement, f"d = {d}, n = {n}", measured)


def _sooner(fine_tuned: pl.DataFrame) -> Iterator[Claim]:
    """A data set in which neither came near the least loss is undecided."""
    reached = pl.col("steps").is_finite() | pl.col("from_zero").is_finite()
    rows = fine_tuned.with_columns(sooner=pl.when(reached).then(pl.col("steps") < pl.col("from_zero")))
    cells = rows.group_by("d", "samples", "eps_over_order", maintain_order=True)
    for row in cells.agg("sooner").iter_rows(named=True):
        answers = row["sooner"]
        yes, no = answers.count(True), answers.count(False)
        claim = "fine-tuning takes fewer steps than training from zero, in most data sets"
        setting = f"d = {row['d']}, n = {row['samples']}, eps = {row['eps_over_order']:.3g} sqrt(d/n)"
        judgement = judge.majority(answers, of="data sets")
        yield Claim(claim, "Sec. 6", judgement, setting, rate_of(yes, yes + no, "data sets"))


def _extrapolated(sizes: pl.DataFrame) -> Iterator[Claim]:
    """The error is o(eps_star) where it goes to 0 against it; derived is that it does so in proportion to eps_star."""
    used = sizes.filter(pl.col("error") > 0, pl.col("value") > 0)
    lost = len(sizes) - len(used)
    slope = log_log_slope(used["value"].to_numpy(), used["error"].to_numpy())
    claim = "extrapolation's error over eps_star goes to 0 with eps_star"
    yield Claim(claim, "Proposition 2", judge.direction(slope, lost=lost), f"d/n <= {SMALL:g}", slope)
    judgement = judge.power(slope, 1, TOLERANCE, lost=lost)
    yield Claim("... like eps_star^1", "derived here", judgement, f"d/n <= {SMALL:g}", slope, 1)
