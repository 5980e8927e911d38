"""`phase_transition.fine_tune` analysed: from a row per training and epoch to eps_star by each method, and its cost."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import nan
from typing import Any

import polars as pl

from modules.phase_transition.crossing import Crossing, over_seeds
from modules.phase_transition.crossings import MEASURES, RUNNING, counts, crossings
from modules.phase_transition.fine_tune import claims as judged
from modules.phase_transition.fine_tune.config import FineTuneConfig
from modules.phase_transition.fine_tune.costs import CHEAPEST, WHOLE, ways
from modules.phase_transition.fine_tune.extrapolation import METHODS, curve
from modules.phase_transition.fine_tune.published import printed, recomputed
from suite.claims import Claim
from suite.statistics import geometric_mean, mean, named
from suite.tables import Shown

KIND = ("attack", "gradient")
CELL = ("measure", *KIND, "method")


def trainings(epochs: pl.DataFrame) -> pl.DataFrame:
    """The selected epoch of each training."""
    return epochs.filter("selected")


def estimates(trainings: pl.DataFrame, config: FineTuneConfig) -> pl.DataFrame:
    """A row for each measure, inner attack, gradient rule, seed and method: eps_star by fine-tuning and from scratch.

    Diverged trainings are left out; without its clean training a seed has no threshold and no row. where: whether the
    threshold is reached within the points (`extrapolation.Where`). monotone: the losses rise with eps. scratch_at_least
    and scratch_at_most are bounds of what is `scratch` where that can be read off.
    """
    losses = pl.concat(_losses(trainings, *measure) for measure in MEASURES)
    clean = losses.filter(how="clean").drop_nulls("loss")
    tuned = losses.filter(how="fine-tuned").group_by("measure", "seed", *KIND, maintain_order=True)
    points = tuned.agg(
        strengths=pl.col("eps").filter(pl.col("loss").is_not_null()).sort(),
        losses=pl.col("loss").sort_by("eps").drop_nulls(),
        points=pl.col("loss").count(),
        left_out=pl.col("loss").null_count(),
    )
    seeds = clean.select("measure", "seed", "threshold", clean_loss="loss")
    cells = points.join(seeds, on=["measure", "seed"], maintain_order="left")
    cells = cells.join(pl.DataFrame({"method": [*METHODS]}), how="cross", maintain_order="left_right")
    stars = pl.DataFrame(
        [_eps_star(row) for row in cells.iter_rows(named=True)],
        schema={"eps_star": pl.Float64, "where": pl.String, "monotone": pl.Boolean},
    )
    scratch = crossings(trainings.filter(pl.col("how") != "fine-tuned"), config.loss).select(
        "measure", "seed", scratch="eps_star", **{f"scratch_{name}": name for name in _BOUNDS}
    )
    table = cells.drop("strengths", "losses").hstack(stars)
    table = table.join(scratch, on=["measure", "seed"], how="left", maintain_order="left")
    return table.with_columns(ratio=pl.col("eps_star") / pl.col("scratch"))


def eps_star(estimates: pl.DataFrame) -> pl.DataFrame:
    """Means over seeds of eps_star, geometric ones of its ratio to that from scratch, each with its 95 % interval.

    A mean is given only where every seed has the number: the rest would be a choice. found: seeds that have an
    eps_star; beyond: those of them that were extrapolated; falling: seeds whose losses fall somewhere; scratch_text:
    eps_star from scratch in words, a bound where not every seed's is bracketed.
    """
    cells = estimates.group_by(*CELL, maintain_order=True).agg(
        named(mean(_whole("eps_star")), "eps_star"),
        named(geometric_mean(_whole("ratio")), "ratio"),
        threshold=pl.col("threshold").mean(),
        found=pl.col("eps_star").count(),
        beyond=(pl.col("where") == "beyond").sum(),
        falling=(~pl.col("monotone")).sum(),
        n=pl.len(),
    )
    return cells.unnest("eps_star", "ratio").join(_scratch(estimates), on="measure", how="left", maintain_order="left")


def costs(trainings: pl.DataFrame) -> pl.DataFrame:
    """Trainings and passes of each way to eps_star, all seeds together; clean training, which all need, by itself.

    The paper counts epochs: 40 of fine-tuning for 200 from scratch, at each strength. Here passes are counted,
    gradients of one image's loss. share is of all trainings from scratch, share_with_clean when clean training is
    counted on both sides, share_each of one training in one from scratch.
    """
    table = ways(trainings).agg(trainings=pl.len(), passes=pl.col("passes").sum())
    clean, scratch = (pl.col("passes").filter(what=what).first() for what in ("clean", "from scratch"))
    each = pl.col("passes") / pl.col("trainings")
    return table.with_columns(
        share=pl.col("passes") / scratch,
        share_with_clean=pl.when(pl.col("what") != "clean").then((pl.col("passes") + clean) / (scratch + clean)),
        share_each=each / each.filter(what="from scratch").first(),
    )


def table_4() -> pl.DataFrame:
    """Table 4 of Xing et al. 2022 computed anew from the losses that they print."""
    return pl.DataFrame([*recomputed()])


def claims(
    estimates: pl.DataFrame, costs: pl.DataFrame, config: FineTuneConfig, facts: Mapping[str, Any]
) -> Iterator[Claim]:
    """What is claimed of fine-tuning: its cost, its agreement with training from scratch, FGM, Table 4, other rules."""
    yield from judged.cheap(costs)
    yield from judged.close(estimates)
    yield from judged.one_step(estimates)
    yield from judged.rules(estimates)
    yield from judged.table_4(estimates, printed(config, facts["samples"]["train"], facts["fine_tuning"]["epochs"]))


def headline(
    eps_star: pl.DataFrame, trainings: pl.DataFrame, config: FineTuneConfig, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """eps_star by least squares and from scratch, and what finding it so takes of the time."""
    if eps_star.is_empty():
        return {"eps_star": "none: every clean training diverged"}
    stars = eps_star.filter(measure=RUNNING[0], method="least-squares")
    words: dict[str, Any] = {
        f"eps_star, fine-tuned, {row['attack']} {row['gradient']}": _words(row) for row in stars.iter_rows(named=True)
    }
    if config.from_scratch:
        words["eps_star, from scratch"] = eps_star["scratch_text"][0]
        words |= {f"seconds of {way}, of from scratch": share for way, share in _seconds(trainings, facts).items()}
    return words


def shown(config: FineTuneConfig, eps_star: pl.DataFrame, claims: pl.DataFrame) -> Iterator[Shown]:
    """eps_star, costs and claims, where there is any eps_star."""
    if eps_star.is_empty():
        return
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    setting = f"{config.model} on {config.dataset}, {config.loss}, {config.norm} {config.attack}, {seeds}"
    kind = KIND if config.tune_attack else ("gradient",)
    star = ("eps_star", "eps_star_low", "eps_star_high")
    compared = ("scratch_text", "ratio", "ratio_low", "ratio_high") if config.from_scratch else ()
    columns = ("measure", *kind, "method", *star, "found", "beyond", "n", *compared)
    yield Shown("eps_star", f"eps_star by fine-tuning, 95 % intervals: {setting}", columns)
    columns = ("what", *kind, "trainings", "passes", "share", "share_with_clean", "share_each")
    yield Shown(
        "costs", "What it costs: passes are gradients of one image's loss, share is of all from scratch", columns
    )
    if len(claims):
        yield Shown("claims", "What is claimed of fine-tuning, paired by seed: mean, 95 % interval, verdict")


def notes(trainings: pl.DataFrame, estimates: pl.DataFrame) -> Iterator[str]:
    """What was left out, and what stands on less than it seems."""
    for row in trainings.filter("diverged").iter_rows(named=True):
        what = "without a clean test loss its seed has no threshold" if row["how"] == "clean" else "left out"
        yield f"{row['part']} diverged: {what}"
    running = estimates.filter(measure=RUNNING[0])
    for row in running.unique(["seed", *KIND], maintain_order=True).filter(~pl.col("monotone")).iter_rows(named=True):
        yield f"fine-tuned losses of seed {row['seed']}, {row['attack']}, {row['gradient']} fall with eps somewhere"
    for row in running.unique("seed", maintain_order=True).iter_rows(named=True):
        if row["scratch_outcome"] == "above":
            yield f"seed {row['seed']}: from scratch eps_star > {row['scratch_at_least']:.4g}, beyond --scratch-eps"
        elif row["scratch_outcome"] == "below":
            yield f"seed {row['seed']}: no eps_star from scratch, the loss is above the threshold at eps = 0 already"


_BOUNDS = ("outcome", "at_least", "at_most")


def _losses(trainings: pl.DataFrame, measure: str, column: str, threshold: str) -> pl.DataFrame:
    """The losses of one measure; a gap where a training diverged."""
    loss = pl.when(counts(column)).then(pl.col(column).cast(pl.Float64))
    return trainings.select(
        "how", *KIND, "eps", "seed", measure=pl.lit(measure), loss=loss, threshold=pl.col(threshold).cast(pl.Float64)
    )


def _eps_star(cell: Mapping[str, Any]) -> dict[str, Any]:
    """eps_star of one seed by one method, where it lies, and whether the losses rise with eps."""
    if not cell["points"]:
        return {"eps_star": None, "where": "no training left", "monotone": True}
    found = curve(cell["method"], cell["clean_loss"], cell["strengths"], cell["losses"]).crossing(cell["threshold"])
    rises = all(one <= other for one, other in pairwise((cell["clean_loss"], *cell["losses"])))
    return {"eps_star": found.eps if found.where in ("within", "beyond") else None,
            "where": found.where, "monotone": rises}  # fmt: skip


def _whole(column: str) -> pl.Expr:
    """The column; gaps alone where it has one."""
    return pl.when(pl.col(column).is_not_null().all()).then(pl.col(column))


def _scratch(estimates: pl.DataFrame) -> pl.DataFrame:
    """eps_star from scratch over seeds, a row for each measure that has one."""
    seeds = estimates.unique(["measure", "seed"], maintain_order=True).drop_nulls("scratch_outcome")
    rows = []
    for (measure,), group in seeds.group_by("measure", maintain_order=True):
        summary = over_seeds([_crossing(row) for row in group.iter_rows(named=True)])
        numbers = {"scratch": summary.mean, "scratch_low": summary.low, "scratch_high": summary.high}
        rows.append({"measure": measure, **numbers, "scratch_text": str(summary)})
    names = dict.fromkeys(("scratch", "scratch_low", "scratch_high"), pl.Float64)
    schema = {"measure": pl.String, **names, "scratch_text": pl.String}
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(*names).fill_nan(None))  # a Summary has no gaps


def _crossing(row: Mapping[str, Any]) -> Crossing:
    star = nan if row["scratch"] is None else row["scratch"]
    return Crossing(row["scratch_outcome"], star, row["scratch_at_least"], row["scratch_at_most"], True)


def _words(row: Mapping[str, Any]) -> str:
    if row["found"] < row["n"]:
        return f"found for {row['found']} of {row['n']} seeds"
    interval = "" if row["eps_star_low"] is None else f" [{row['eps_star_low']:.4g}, {row['eps_star_high']:.4g}]"
    beyond = f", extrapolated for {row['beyond']} of {row['n']} seeds" if row["beyond"] else ""
    return f"{row['eps_star']:.4g}{interval}{beyond}"


def _seconds(trainings: pl.DataFrame, facts: Mapping[str, Any]) -> dict[str, float | None]:
    """The seconds of each way by fine-tuning over those of all trainings from scratch; None where one is not known."""
    seconds = pl.DataFrame({"part": [*facts["seconds"]], "seconds": [*facts["seconds"].values()]})
    timed = trainings.join(seconds.cast({"seconds": pl.Float64}), on="part", how="left", maintain_order="left")
    table = ways(timed).agg(pl.col("seconds").sum(), known=pl.col("seconds").is_not_null().all())
    total = pl.when("known").then("seconds")
    table = table.with_columns(share=total / total.filter(what="from scratch").first())
    chosen = table.filter(pl.col("what").is_in([CHEAPEST, WHOLE]))
    return {f"{row['what']} {row['attack']} {row['gradient']}": row["share"] for row in chosen.iter_rows(named=True)}
