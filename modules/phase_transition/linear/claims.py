"""What Xing et al. say of linear regression, each judged on the tables of `results`."""

from collections.abc import Iterable, Iterator
from math import e
from typing import Any

import polars as pl
from scipy.stats import kstest

from modules.phase_transition import theory
from modules.phase_transition.columns import read
from modules.phase_transition.linear.growth import EXPECTED, LAWS
from suite import claims as judge
from suite.claims import DIFFERS, REPRODUCED, Claim, Judgement
from suite.statistics import Estimate, holm_of, mean_of, rate_of

LEVEL = 0.05  # of a test
TOLERANCE = 0.1  # of a power of d/n: the powers 0, 1/2 and 1 are apart by more
PRECISION = 0.1  # of a printed eps_star, relative

TABLE_B1 = {(20, 1000): (0.02, 0.005), (2000, 10): (15.0, 0.5)}
"""By (d, n), eps_star as printed and half a unit of its last digit."""

_SETS = "data_sets"


def parting(ends: pl.DataFrame) -> Iterator[Claim]:
    """Theorem 1: below sqrt(d/n) the models part by less than one Std; above, for d < n, by more.

    A strength below d/n as well agrees with either rate. For d > n both models are 0 in the limit: see `collapse`.
    """
    for row in ends.filter(pl.col("eps_over_order") != 1).iter_rows(named=True):
        over, ratio = row["eps_over_order"], row["d"] / row["samples"]
        if over > 1 and ratio > 1:
            continue
        conditions = ["eps is below d/n too: it does not tell sqrt(d/n) from d/n"] if row["eps"] <= ratio < 1 else []
        sign, judges = ("<", judge.at_most) if over < 1 else (">", judge.at_least)
        measured = read(row, "over_std", _SETS)
        judgement = judges(measured, 1, lost=row["diverged"], conditions=conditions)
        claim = f"|theta(eps) - theta(0)| {sign} |Std|_F at eps = {over:.3g} sqrt(d/n)"
        yield Claim(claim, "Theorem 1", judgement, _size(row), measured)


def collapse(ends: pl.DataFrame, minima: pl.DataFrame) -> Iterator[Claim]:
    """Theorem 1 for d > n: the adversarial minimiser is 0, which is so exactly from |X^T y|_2 / |y|_1 on."""
    largest = ends.filter(pl.col("d") > pl.col("samples")).group_by("d", "samples", maintain_order=True)
    for row in largest.agg(pl.col("eps", "eps_over_order").max()).iter_rows(named=True):
        of_size = minima.filter(pl.col("eps") == 0, d=row["d"], samples=row["samples"])
        claim = f"the minimiser is 0 at eps = {row['eps_over_order']:.3g} sqrt(d/n) in most data sets"
        yield _most(of_size["collapse"] <= row["eps"], claim, "Theorem 1, Fig. 1", _size(row))


def ordered(paths: pl.DataFrame) -> Iterator[Claim]:
    """ "The difference gets larger when increasing eps": in each data set, over all strengths, at the last step."""
    final = paths.filter(pl.col("step") == pl.col("step").max()).sort("eps", maintain_order=True)
    larger = pl.when(~pl.col("gone").any()).then((pl.col("apart").diff() > 0).all())
    sets = final.group_by("d", "samples", "repeat", maintain_order=True).agg(larger=larger)
    if final["eps_over_order"].n_unique() > 1:
        for row in sets.group_by("d", "samples", maintain_order=True).agg("larger").iter_rows(named=True):
            yield _most(row["larger"], "the paths part further the larger eps", "Fig. 2 left", _size(row))


def half_way(half_way: pl.DataFrame) -> Iterator[Claim]:
    """Fig. 2 right: p falls about log(eps / eps_star) = 0, here |log| <= 1. Fig. 3: it is near 0 at eps_star.

    The latter has halved before; how much earlier the paper does not say. For d < n the located eps_star, of expected
    losses, is not the paper's.
    """
    for row in half_way.iter_rows(named=True):
        expected = EXPECTED if row["d"] < row["samples"] else ()
        for unit, column, conditions in (("sqrt(d/n)", "over_order", ()), ("located", "over_eps_star", expected)):
            at, measured = f"{unit} eps_star" if conditions else unit, read(row, column, _SETS)
            if row["of"] == "parameters":
                judgement = judge.equivalence(measured, 1 / e, e, conditions=conditions)
                claim, source = f"p of the parameters halves at eps / {at} within [1/e, e]", "Fig. 2 right"
            else:
                judgement = judge.at_most(measured, 1, conditions=conditions)
                claim, source = f"p of the loss has halved at eps = {at}", "Fig. 3"
            yield Claim(claim, source, judgement, _size(row), measured)


def close_to_zero(p_values: pl.DataFrame) -> Iterator[Claim]:
    """Fig. 3: p of the loss is close to 0 at sqrt(d/n)."""
    there = p_values.filter(pl.col("of") == "loss", (pl.col("eps_over_order") - 1).abs() < 1e-9)
    for row in there.iter_rows(named=True):
        measured = Estimate.read(row, "data sets")
        judgement = judge.at_most(measured, LEVEL, lost=row["diverged"])
        claim = "p of the loss is below 0.05 at eps = sqrt(d/n), in the mean"
        yield Claim(claim, "Fig. 3", judgement, _size(row), measured)


def uniform(tests: pl.DataFrame) -> Iterator[Claim]:
    """p-values of clean trainings are uniform, as they must be: their mean is 1/2 within 0.1.

    Kolmogorov and Smirnov's test, with Holm's correction, can refute it besides; that it finds nothing shows little.
    """
    clean = tests.filter(pl.col("eps") == 0, ~pl.col("gone")).group_by("of", "d", "samples", maintain_order=True)
    cells = [
        (f"p-values by {law} of the {of} are uniform under the null", f"d = {d}, n = {n}", cell[by].to_numpy())
        for (of, d, n), cell in clean
        for law, by in (("F", "by_f"), ("rank", "rank"))
        if cell[by].is_finite().all() and len(cell) > 1
    ]
    fits = holm_of([float(kstest(p, "uniform").pvalue) for *_, p in cells])
    for (claim, size, p), fit in zip(cells, fits, strict=True):
        unlike = Judgement(DIFFERS, f"Kolmogorov and Smirnov's p = {fit:.2g} (Holm over {len(cells)})")
        measured = mean_of(p, "data sets")
        judgement = unlike if fit <= LEVEL else judge.equivalence(measured, 0.4, 0.6)
        yield Claim(claim, "checked here", judgement, size, measured, 0.5)


def powers(growth: pl.DataFrame) -> Iterator[Claim]:
    """The powers of d/n that the paper gives, and those derived here where they are others."""
    for law, row in zip(LAWS, growth.iter_rows(named=True), strict=True):
        given = {law.paper: (law.source, law.conditions)}
        for column, words in (("power", "straight line"), ("leading", "leading term")):
            for exponent, (source, conditions) in ({law.derived: ("derived here", ())} | given).items():
                measured = read(row, column, "sizes")
                judgement = judge.power(measured, exponent, TOLERANCE, lost=row["lost"], conditions=conditions)
                claim = f"{law.quantity} goes like (d/n)^{exponent:g} for {law.range}, {words}"
                yield Claim(claim, source, judgement, "", measured, exponent)


def variance(eps_star: pl.DataFrame) -> Iterator[Claim]:
    """Lemma 1 for d > n, as printed and with the term it drops, in most sizes.

    A size answers where the interval measured is narrower than the two are apart.
    """
    answer = {REPRODUCED: True, DIFFERS: False}
    high = eps_star.filter(pl.col("d") > pl.col("samples")).to_dicts()
    for column, words in (("variance_printed", "as printed"), ("variance", "with |theta0|^2 (n/d)(1 - n/d)")):
        apart = [(row, row["variance"] - row["variance_printed"]) for row in high]
        judgements = [judge.number(read(row, "spread", _SETS), row[column], least) for row, least in apart]
        claim = f"tr Var of the clean estimate for d > n is {words}, in most sizes"
        yield _most([answer.get(judgement.verdict) for judgement in judgements], claim, "Lemma 1", of="sizes")


def table_b1(eps_star: pl.DataFrame) -> Iterator[Claim]:
    """eps_star as Table B.1 prints it, beside the located one.

    For d < n it is proportional to sigma / |theta0|, which the paper does not give: no number confirms or refutes it.
    """
    for row in eps_star.iter_rows(named=True):
        d, n = row["d"], row["samples"]
        if (d, n) not in TABLE_B1:
            continue
        (printed, rounding), measured, conditions = TABLE_B1[d, n], read(row, "eps_star", _SETS), []
        if d < n:
            ratio = printed / theory.eps_star_first_order(n, d, 1, 1)
            conditions = [f"sigma / |theta0| is not given: {printed:g} needs about {ratio:.2g}; d/n is {d / n:g}"]
        judgement = judge.number(measured, printed, PRECISION * printed, rounding=rounding, conditions=conditions)
        yield Claim(f"eps_star = {printed:g}", "Table B.1", judgement, _size(row), measured, printed)


def _most(holds: Iterable[bool | None], claim: str, source: str, setting: str = "", *, of: str = "data sets") -> Claim:
    """A claim about most units, with the share of those that answer."""
    answers = list(holds)
    yes, no = answers.count(True), answers.count(False)
    return Claim(claim, source, judge.majority(answers, of=of), setting, rate_of(yes, yes + no, of))


def _size(row: dict[str, Any]) -> str:
    return f"d = {row['d']}, n = {row['samples']}"
