"""`phase_transition.linear` analysed: from rows per data set to means, critical strengths, powers of d/n and claims."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, nan
from typing import Any

import polars as pl

from modules.phase_transition import theory
from modules.phase_transition.columns import columns_of
from modules.phase_transition.linear import claims as judged
from modules.phase_transition.linear.config import LinearConfig
from modules.phase_transition.linear.critical import bound, critical_strengths
from modules.phase_transition.linear.growth import LAWS, fitted
from modules.phase_transition.linear.halving import halving
from modules.phase_transition.linear.proposition_2 import claims as claims_of_fine_tuning
from modules.phase_transition.linear.regimes import claims as claims_apart
from modules.phase_transition.linear.regimes import powers as fitted_apart
from modules.phase_transition.linear.regimes import rises
from suite.claims import Claim
from suite.statistics import Estimate, mean, median, named, rate
from suite.tables import Shown

SIZE = ("d", "samples")
CELL = (*SIZE, "eps", "eps_over_order")
LEVEL = 0.05  # of a test
OVER = {"": "value", "_low": "low", "_high": "high"}  # ends of a column's name, and an estimate's columns


def eps_star(minima: pl.DataFrame, config: LinearConfig) -> pl.DataFrame:
    """A row per size: its critical strengths (`critical_strengths`), and closed forms beside what was measured.

    bound: words where eps_star does not exist. spread: the clean estimate's mean squared distance from its expectation,
    beside tr Var mended and as printed. above_at_0, never: shares of data sets whose own losses cross at no eps, being
    apart already, or not even at theta = 0. collapse, unchanged: means of the strengths at which the minimiser becomes
    0 and ceases to be the clean one. gap: the largest relative error of a minimum.
    """
    located = _table([_located(cell, d, n, config) for (d, n), cell in minima.group_by(SIZE, maintain_order=True)])
    of_data = (
        minima.filter(pl.col("eps") == 0)
        .group_by(SIZE)
        .agg(
            pl.col("collapse", "unchanged").cast(pl.Float64).mean(),
            named(mean("spread2"), "spread"),
            above_at_0=(pl.col("loss") > pl.col("clean_test")).mean(),
            never=(pl.col("y2") <= pl.col("clean_test")).mean(),
            data_sets=pl.len(),
        )
        .unnest("spread")
    )
    gaps = minima.group_by(SIZE).agg(pl.col("gap").max())
    return located.join(of_data, on=SIZE, maintain_order="left").join(gaps, on=SIZE, maintain_order="left")


def growth(eps_star: pl.DataFrame) -> pl.DataFrame:
    """Powers of d/n, of the paper, derived and measured."""
    return _table([fitted(law, eps_star) for law in LAWS])


def per_data_set(
    crossings: pl.DataFrame, eps_star: pl.DataFrame, minima: pl.DataFrame, config: LinearConfig
) -> pl.DataFrame:
    """A row per size: eps_star to the letter, a data set's own; its median where it exists, and how often it does.

    exists: share of data sets in which it is a number; error: median of what extrapolation is off by there, relative;
    apart_at_0, infinite: counts of the others, see `Crossing`.
    rms_delta: root of the mean square of Delta. For d < n, border: E Delta over its standard deviation, about
    d sqrt(2/n); deviation: what the latter is worth in eps_star; ...derived: of `theory`; over_derived: the median over
    it. eps_star: of expected losses. rise: Theorem 2's ratio at sqrt(d/n), see `rises`. gap: as there.
    """
    own, extrapolated = pl.col("eps_star"), pl.col("extrapolated")
    both = own.is_finite() & extrapolated.is_finite()
    cells = crossings.group_by(SIZE, maintain_order=True).agg(
        median(pl.when(own.is_finite()).then(own)),
        named(rate(own.is_finite()), "exists"),
        named(median(pl.when(both).then(extrapolated / own - 1)), "error"),
        apart_at_0=(own == -inf).sum(),
        infinite=(own == inf).sum(),
        rms_delta=pl.col("delta").pow(2).mean().sqrt(),
        gap=pl.col("gap").max(),
        data_sets=pl.len(),
    )
    derived = _table([_derived(d, n, config) for d, n in cells.select(SIZE).iter_rows()])
    table = cells.unnest("estimate", "exists", "error").join(derived, on=SIZE, maintain_order="left")
    over = {f"over_derived{end}": pl.col(name) / pl.col("derived") for end, name in OVER.items()}
    for beside in (eps_star.select(*SIZE, "eps_star"), rises(minima)):
        table = table.join(beside, on=SIZE, maintain_order="left")
    return table.with_columns(**over)


def regimes(per_data_set: pl.DataFrame) -> pl.DataFrame:
    """Powers of n and of d, on either side of d = sqrt(n / 2), of eps_star by both readings and of rms Delta."""
    return _table([*fitted_apart(per_data_set)])


def fine_tuning(fine_tuned: pl.DataFrame) -> pl.DataFrame:
    """A row per size and strength: fine-tuning's excess loss beside Proposition 2's bound, and its steps."""
    cells = fine_tuned.group_by(*CELL, maintain_order=True)
    return cells.agg(
        pl.col("excess", "bound").mean(),
        pl.col("steps", "from_zero").median(),
        unreached=(pl.col("steps").is_infinite() & pl.col("from_zero").is_infinite()).sum(),
        data_sets=pl.len(),
    )


def by_step(paths: pl.DataFrame) -> pl.DataFrame:
    """|theta^(t)(eps) - theta^(t)(0)| / |theta^(t)(0)| by step: means over the data sets whose training kept finite."""
    distance = pl.when(~pl.col("gone")).then(pl.col("apart") / pl.col("clean_norm"))
    cells = paths.group_by(*CELL, "step", maintain_order=True)
    return cells.agg(mean(distance), diverged=pl.col("gone").sum()).unnest("estimate")


def ends(paths: pl.DataFrame, eps_star: pl.DataFrame) -> pl.DataFrame:
    """The trained models: how far they part, in units of Theorem 1 and of Theorem 2.

    over_std: |theta(eps) - theta(0)| / |Std|_F, with Lemma 1 mended; shrunk: |theta(eps)| / |theta(0)|; over_gap:
    (adversarial training loss - clean training loss) / E Delta. regime: small below eps_star, large from where the
    minimiser is expected to be 0, medium between (Fig. 1).
    """
    sizes = eps_star.select(*SIZE, "variance", "delta_expected", "collapse_expected", star="eps_star")
    final = paths.filter(pl.col("step") == pl.col("step").max()).join(sizes, on=SIZE, how="left", maintain_order="left")
    measured = {
        "over_std": pl.col("apart") / pl.col("variance").sqrt(),
        "shrunk": pl.col("norm") / pl.col("clean_norm"),
        "over_gap": (pl.col("loss") - pl.col("clean_loss")) / pl.col("delta_expected"),
    }
    small = pl.col("star").is_null() | (pl.col("eps") < pl.col("star"))
    regime = pl.when(pl.col("eps") >= pl.col("collapse_expected")).then(pl.lit("large"))
    return (
        final.with_columns(regime=regime.when(small).then(pl.lit("small")).otherwise(pl.lit("medium")))
        .group_by(*CELL, "regime", maintain_order=True)
        .agg(
            *(named(mean(pl.when(~pl.col("gone")).then(value)), name) for name, value in measured.items()),
            over_eps_star=(pl.col("eps") / pl.col("star")).first(),
            data_sets=(~pl.col("gone")).sum(),
            diverged=pl.col("gone").sum(),
        )
        .unnest(*measured)
    )


def p_values(tested: pl.DataFrame) -> pl.DataFrame:
    """Mean p-value of the parameters and of the loss by strength (the paper's curves), and how often it is below 5 %.

    rank_p: mean of the p-values by rank; group_p: of all trainings of a strength as one group.
    """
    cells = _tests(tested).group_by("of", *CELL, "law", maintain_order=True)
    return cells.agg(
        mean("p"),
        named(rate(pl.col("p") <= LEVEL), "below_5"),
        rank_p=pl.col("rank").mean(),
        group_p=pl.col("group").first().fill_nan(None),
        diverged=pl.col("gone").sum(),
    ).unnest("estimate", "below_5")


def half_way(tested: pl.DataFrame, eps_star: pl.DataFrame, config: LinearConfig) -> pl.DataFrame:
    """The strength at which the mean p-value falls through 1/4, half of what it is under the null.

    In units of sqrt(d/n) and of the located eps_star (taken as it is), with bootstrap intervals over data sets.
    """
    stars = dict(zip(eps_star.select(SIZE).iter_rows(), eps_star["eps_star"].fill_null(nan), strict=True))
    rows = []
    for (of, d, n), cell in _tests(tested).group_by("of", *SIZE, maintain_order=True):
        units = {"over_order": theory.eps_star_order(n, d), "over_eps_star": stars[d, n]}
        row = {"of": of, "d": d, "samples": n, "data_sets": cell["repeat"].n_unique()}
        for name, strength in halving(cell, units, (config.seed, d, n)).items():
            row |= columns_of(name, strength)
        rows.append(row)
    return _table(rows)


def claims(
    ends: pl.DataFrame, paths: pl.DataFrame, minima: pl.DataFrame, tested: pl.DataFrame, p_values: pl.DataFrame,
    half_way: pl.DataFrame, growth: pl.DataFrame, eps_star: pl.DataFrame, per_data_set: pl.DataFrame,
    regimes: pl.DataFrame, fine_tuned: pl.DataFrame,
) -> Iterator[Claim]:  # fmt: skip
    """Theorems 1 and 2, Fig. 2 and 3, Lemma 1 and 2, Table B.1, Proposition 2: a row for each claim and size."""
    yield from judged.parting(ends)
    yield from judged.collapse(ends, minima)
    yield from judged.ordered(paths)
    yield from judged.half_way(half_way)
    yield from judged.close_to_zero(p_values)
    yield from judged.uniform(_tests(tested))
    yield from judged.powers(growth)
    yield from judged.variance(eps_star)
    yield from judged.table_b1(eps_star)
    yield from claims_apart(regimes, per_data_set)
    yield from claims_of_fine_tuning(fine_tuned, per_data_set)


def headline(growth: pl.DataFrame) -> dict[str, Any]:
    """Leading powers of d/n in both critical strengths."""
    rows = growth.filter(pl.col("quantity").str.starts_with("eps_star")).iter_rows(named=True)
    return {f"power of d/n in {row['quantity']}, {row['range']}": _leading(row) for row in rows}


def shown(config: LinearConfig) -> Iterator[Shown]:
    """Trained models, critical strengths and claims."""
    of = f"noise variance {config.noise_variance:g}, |theta0| = {config.theta0_norm:g}"
    yield Shown("ends", f"Trained models after {config.steps} steps ({of}); means over data sets, 95 % intervals")
    yield Shown("eps_star", "eps_star by size: by the losses (its definition) and by the parameters (Theorem 1)")
    yield Shown("claims", "What the paper says and what was measured, 95 % intervals")


def notes(ends: pl.DataFrame, p_values: pl.DataFrame, eps_star: pl.DataFrame) -> Iterator[str]:
    """Trainings that were left out, and sizes at which eps_star has no value or minima are not exact."""
    of_parameters = p_values.filter(pl.col("of") == "parameters")
    cells = pl.concat([frame.select(*SIZE, "eps", "diverged") for frame in (ends, of_parameters)])
    for d, n, eps, gone in cells.filter(pl.col("diverged") > 0).iter_rows():
        left_out = f"{gone} trainings diverged and are left out; a smaller --step keeps them"
        yield f"d/n = {d}/{n}, eps = {eps:.3g}: {left_out}"
    for row in eps_star.iter_rows(named=True):
        if row["eps_star"] is None:
            yield f"d/n = {row['d']}/{row['samples']}: no crossing, eps_star {row['bound']}"
        if row["gap"] > 1e-3:
            what = f"some minima of the adversarial risk may be {row['gap']:.1g} too large (relative)"
            yield f"d/n = {row['d']}/{row['samples']}: {what}"


def _leading(row: Mapping[str, Any]) -> Estimate:
    """The leading power of a row of `growth`; NaN where too few sizes have one."""
    value, low, high = (nan if (end := row[f"leading{name}"]) is None else end for name in OVER)
    return Estimate(value, low, high, row["sizes"], "sizes")


def _located(cell: pl.DataFrame, d: int, n: int, config: LinearConfig) -> dict[str, Any]:
    """The row of `eps_star` that is not a mean over data sets."""
    found, model = critical_strengths(cell, d, n, config), (config.sigma, config.theta0_norm)
    order = theory.eps_star_order(n, d)
    row: dict[str, Any] = {"d": d, "samples": n, "d_over_n": d / n, "order": order}
    for name in ("eps_star", "parted", "delta", "rise"):
        row |= columns_of(name, found[name])
    return row | {
        "eps_star_over_order": row["eps_star"] and row["eps_star"] / order,
        "parted_over_order": row["parted"] and row["parted"] / order,
        "first_order": theory.eps_star_first_order(n, d, *model) if d < n else None,
        "bound": bound(found, cell["eps"].to_numpy().max()),
        "collapse_expected": theory.collapse_order(n, d, *model),
        "delta_expected": theory.generalisation_gap(n, d, *model),
        "variance": theory.variance_trace(n, d, *model),
        "variance_printed": theory.lemma_1_printed(n, d, config.sigma),
    }


def _derived(d: int, n: int, config: LinearConfig) -> dict[str, Any]:
    """What `theory` expects of the data sets' own eps_star; gaps for d > n."""
    row: dict[str, Any] = {"d": d, "samples": n, "d_over_n": d / n}
    if d > n:
        return row | dict.fromkeys(("border", "deviation", "derived", "exists_derived"))
    border = theory.gap_in_deviations(n, d)
    deviation = theory.eps_star_deviation(n, d, config.sigma, config.theta0_norm)
    derived = {"derived": deviation * theory.median_where_positive(border), "exists_derived": theory.exists_in(n, d)}
    return row | {"border": border, "deviation": deviation} | derived


def _tests(tested: pl.DataFrame) -> pl.DataFrame:
    """A row for each p-value, of the parameters, then of the loss; gaps where a training diverged.

    p: by the F law, or by rank where there is none.
    """
    kept, keys = pl.when(~pl.col("gone")), (*CELL, "repeat", "gone")
    both = [
        tested.select(*keys, of=pl.lit(of), by_f=kept.then(of), rank=kept.then(f"{of}_rank"), group=f"{of}_group")
        for of in ("parameters", "loss")
    ]
    law = pl.when(pl.col("by_f").is_finite().all().over("of", *SIZE))
    return pl.concat(both).with_columns(
        law=law.then(pl.lit("F")).otherwise(pl.lit("rank")), p=law.then("by_f").otherwise("rank")
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a table; a number that exists in none of them is a gap of its type all the same."""
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(pl.Null).cast(pl.Float64))
