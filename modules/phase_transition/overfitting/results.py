"""`phase_transition.overfitting` analysed: gaps over epochs, collapses and the smallest unstable eps, with claims."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from modules.phase_transition.crossing import over_seeds
from modules.phase_transition.crossings import crossings_of, found
from modules.phase_transition.overfitting import claims as judged
from modules.phase_transition.overfitting.config import OverfittingConfig
from suite.claims import Claim
from suite.statistics import mean, named, rate
from suite.tables import Shown

TRAINING = ("kind", "samples", "eps", "seed")
ONE, MANY = "one_step_accuracy", "watched_accuracy"

_THRESHOLD = ("running", "train_loss", "robust_test_loss")  # of clean training that is the objective on clean samples


def gaps(epochs: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    """Of trainings that are not by one step: gaps at each epoch, mean over seeds with Student's 95 % interval.

    robust_gap: robust test loss minus the training loss of the same epoch, which like Xing et al.'s is the mean over
    the epoch while the weights moved. clean_gap: clean test minus clean training loss, both after the epoch.
    ratio: a training's robust gap in units of what it is at the reference epoch, where that is above zero.
    """
    gap, measures = pl.col("robust_gap"), ("robust_gap", "clean_gap", "ratio")
    unit = gap.filter(epoch=facts["reference_epoch"]).first().over(TRAINING)
    rows = _gaps(epochs).with_columns(ratio=pl.when(unit > 0).then(gap / unit))
    named_values = rows.select(
        "samples", "eps", "epoch", measure=pl.lit(list(measures)), gap=pl.concat_list(measures)
    ).explode("measure", "gap")
    cells = named_values.drop_nulls("gap").group_by("measure", "samples", "eps", "epoch", maintain_order=True)
    return cells.agg(mean("gap")).unnest("estimate")


def growth(epochs: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    """A row for each training that is not by one step: its robust gap at the reference epoch, at the end, their ratio.

    There is no ratio where the gap at the reference epoch is not above zero.
    """
    at = {"epoch": facts["reference_epoch"]}
    unit, end = pl.col("robust_gap").filter(**at).first(), pl.col("robust_gap").last()
    accuracy = pl.col("clean_test_accuracy")
    return (
        _gaps(epochs)
        .group_by(TRAINING, maintain_order=True)
        .agg(
            gap_at_reference=unit,
            gap_at_end=end,
            growth=end - unit,
            ratio=pl.when(unit > 0).then(end / unit),
            clean_gap_at_end=pl.col("clean_gap").last(),
            clean_accuracy_gained=accuracy.last() - accuracy.filter(**at).first(),
        )
        .drop("kind")
    )


def means(growth: pl.DataFrame) -> pl.DataFrame:
    """Of `growth` over seeds, with Student's 95 % intervals; n counts the ratios."""
    names = ("gap_at_reference", "gap_at_end", "growth", "clean_gap_at_end", "ratio")
    cells = growth.group_by("samples", "eps", maintain_order=True)
    return cells.agg(*(named(mean(name), name) for name in names), n=pl.col("ratio").count()).unnest(*names)


def collapses(epochs: pl.DataFrame, onsets: pl.DataFrame) -> pl.DataFrame:
    """A row for each adversarial training: whether and when it collapsed, and both accuracies then or at the end.

    fell: the collapse took away robustness that had been there; else there never was any. rise: accuracy under one
    step in that epoch minus that in the epoch that stood many steps best until then.
    """
    begun = onsets.select(*TRAINING, "fell", onset=pl.col("epoch").cast(pl.Int64))
    rows = epochs.filter(~pl.col("diverged")).join(begun, on=TRAINING, maintain_order="left")
    until = rows.filter((pl.col("epoch") <= pl.col("onset")).fill_null(value=True))
    one, many = pl.col(ONE).cast(pl.Float64), pl.col(MANY)
    return until.group_by(TRAINING, maintain_order=True).agg(
        pl.col("epoch", "watched_loss").last(),
        collapsed=pl.col("onset").is_not_null().first(),
        fell=pl.col("fell").first(),
        many_steps=many.last(),
        one_step=one.last(),
        best_many_steps=many.max(),
        rise=one.last() - one.get(many.arg_max()),
    )


def stability(collapses: pl.DataFrame) -> pl.DataFrame:
    """The share of trainings that collapsed, for each kind, size and strength, and mean accuracies then."""
    cells = collapses.group_by("kind", "samples", "eps", maintain_order=True)
    then = pl.col("epoch", "many_steps", "one_step").mean()
    return cells.agg(rate("collapsed"), pl.col("collapsed", "fell").sum(), then).unnest("estimate")


def unstable(collapses: pl.DataFrame, epochs: pl.DataFrame) -> pl.DataFrame:
    """For each size and seed: the smallest strength at which one-step training collapsed, beside eps_star.

    outcome: "found"; "above": no strength of the list, so that it is above them; "below": the least one already, so
    that it may be below it. stable_eps: the strength tried next below, or 0; the strength from which on training is
    unstable lies between the two. monotone: all larger strengths of the list collapsed too. eps_star is read off the
    trainings by many steps at the epochs of least watched loss, with its bounds and in words.
    """
    by, eps = ("samples", "seed"), pl.col("eps")
    least = eps.filter(pl.col("collapsed")).min().over(by)
    tried = collapses.filter(kind="one step").with_columns(least=least)
    least = pl.col("least").first()
    outcome = pl.when(least.is_null()).then(pl.lit("above")).when(least == eps.min()).then(pl.lit("below"))
    strengths = tried.group_by(by, maintain_order=True).agg(
        unstable_eps=least,
        stable_eps=eps.filter((eps < pl.col("least")).fill_null(value=True)).max().fill_null(0.0),
        outcome=outcome.otherwise(pl.lit("found")),
        largest_tried=eps.max(),
        monotone=pl.col("collapsed").filter((eps >= pl.col("least")).fill_null(value=False)).all(),
    )
    selected = epochs.filter(pl.col("selected"), pl.col("kind") != "one step")
    stars = crossings_of(selected, [_THRESHOLD]).filter(pl.col("outcome") != "none")
    stars = stars.with_columns(
        pl.Series("eps_star_text", [str(over_seeds([found(row)])) for row in stars.iter_rows(named=True)], pl.String)
    ).select(*by, "eps_star", "eps_star_text", eps_star_at_least="at_least", eps_star_at_most="at_most")
    return strengths.join(stars, on=by, how="left", maintain_order="left")


def claims(
    growth: pl.DataFrame, collapses: pl.DataFrame, unstable: pl.DataFrame, config: OverfittingConfig
) -> Iterator[Claim]:
    """What Sec. 5.2 says of the gap (Fig. 5) and of the smallest unstable strength (Table 2), and what we ask."""
    yield from judged.gaps(growth, config)
    yield from judged.above_eps_star(unstable, config)
    yield from judged.rises(collapses)
    yield from judged.smaller_with_more_data(unstable, config)


def headline(unstable: pl.DataFrame) -> dict[str, str]:
    """The smallest unstable eps of each size in words, over seeds."""
    sizes = unstable.group_by("samples", maintain_order=True)
    return {f"smallest unstable eps, n = {samples}": _words(group) for (samples,), group in sizes}


def shown(
    means: pl.DataFrame, unstable: pl.DataFrame, claims: pl.DataFrame, config: OverfittingConfig,
    facts: Mapping[str, Any],
) -> Iterator[Shown]:  # fmt: skip
    """The tables that have rows."""
    about = f"{config.model} on {config.dataset}, {config.norm}"
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    if len(means):
        columns = ("samples", "eps", "gap_at_reference", "gap_at_end", "ratio", "ratio_low", "ratio_high", "n")
        at = f"at epoch {facts['reference_epoch']} and at the end, {seeds}"
        yield Shown("means", f"{about}, {config.attack}: robust test minus training loss {at}", columns)
    if len(unstable):
        yield Shown("stability", f"{about}: collapsed trainings, 95 % interval (Wilson); means then, or at the end")
        yield Shown("unstable", "The smallest unstable eps, and eps_star of the trainings by many steps")
    if len(claims):
        yield Shown("claims", "What Sec. 5.2 says, as numbers: mean over seeds, 95 % interval, and what follows")


def notes(epochs: pl.DataFrame) -> Iterator[str]:
    """Trainings that diverged."""
    lost = epochs.filter("diverged").select("kind", "eps", "seed").unique(maintain_order=True)
    for kind, eps, seed in lost.iter_rows():
        yield f"{kind} training with eps {eps}, seed {seed} diverged: left out"


def _gaps(epochs: pl.DataFrame) -> pl.DataFrame:
    """Both gaps at each epoch of the trainings that are not by one step."""
    rows = epochs.filter(pl.col("kind") != "one step", ~pl.col("diverged"))
    return rows.with_columns(
        robust_gap=pl.col("robust_test_loss").cast(pl.Float64) - pl.col("train_loss"),
        clean_gap=pl.col("clean_test_loss") - pl.col("clean_train_loss"),
    )


def _words(unstable: pl.DataFrame) -> str:
    strengths = sorted(unstable["unstable_eps"].drop_nulls())
    texts = [" to ".join(dict.fromkeys(f"{eps:.4g}" for eps in (strengths[0], strengths[-1])))] if strengths else []
    if stable := unstable["unstable_eps"].null_count():
        texts.append(f"above {unstable['largest_tried'][0]:.4g} for {stable} of {len(unstable)} seeds")
    return ", ".join(texts)
