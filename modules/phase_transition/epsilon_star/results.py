"""`phase_transition.epsilon_star` analysed: from a row per epoch and training to crossings, eps_star and its ratios."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from modules.phase_transition.crossing import over_seeds
from modules.phase_transition.crossings import FACTORS, RUNNING, found
from modules.phase_transition.crossings import crossings as crossings_of
from modules.phase_transition.epsilon_star.comparisons import BY, judged, pairs, published_sign, ratio
from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from modules.phase_transition.epsilon_star.premises import linear, same_by_either_measure
from modules.phase_transition.epsilon_star.published import printed
from modules.phase_transition.options import attack_call
from suite.claims import Claim, number
from suite.statistics import Estimate, estimates, mean, named
from suite.tables import Shown

PRECISION = 0.2  # of a printed eps_star, relative: the paper's differ by factors
WORDS = {
    ("samples", -1): ("with more training samples eps_star is smaller", "Sec. 5.3.2"),
    ("samples", 1): ("with fewer training samples eps_star is larger", "Sec. 5.3.2"),
    ("model", 1): ("the wider net has the larger eps_star", "Table 3"),
    ("model", -1): ("the narrower net has the smaller eps_star", "Table 3"),
}


def losses(epochs: pl.DataFrame) -> pl.DataFrame:
    """The selected epoch of each training."""
    return epochs.filter("selected").select(_kind(), pl.all())


def crossings(losses: pl.DataFrame, config: EpsilonStarConfig) -> pl.DataFrame:
    """A row for each kind, seed and measure: where its training loss reaches the threshold."""
    return crossings_of(losses, config.loss).select(_kind(), pl.all())


def eps_star(crossings: pl.DataFrame, config: EpsilonStarConfig) -> pl.DataFrame:
    """eps_star of each kind and measure over seeds, beside the printed one.

    It has a mean and Student's interval where every seed's crossing is bracketed, else bounds that hold for all.
    isotonic: seeds whose losses did not rise; eps_star_255: all of it in words, in units of 1/255.
    """
    rows = []
    for key, group in crossings.group_by("kind", *FACTORS, "measure", maintain_order=True):
        left = group.filter(pl.col("outcome") != "none")
        summary = over_seeds([found(row) for row in left.iter_rows(named=True)])
        kind = dict(zip(("kind", *FACTORS, "measure"), key, strict=True))
        known = printed(config, *(kind[name] for name in FACTORS)) if kind["measure"] == RUNNING[0] else None
        rows.append(
            {
                **kind, "threshold": left["threshold"].mean(),
                **Estimate(summary.mean, summary.low, summary.high, summary.n).columns(),
                "outcome": summary.outcome, "at_least": summary.at_least, "at_most": summary.at_most,
                "isotonic": summary.isotonic, "eps_star_255": str(summary.times(255)),
                "published": known and known.eps_star / 255, "published_255": known and known.eps_star,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(pl.Null).cast(pl.Float64))


def comparisons(crossings: pl.DataFrame) -> pl.DataFrame | None:
    """eps_star of a kind over that of another which differs in one factor, by seed: geometric mean with interval.

    The first value of each factor is the reference. bounded: seeds of which one side is known as a bound alone; then
    any ratio may be the mean.
    """
    both = pairs(crossings)
    known = (pl.col("low") == pl.col("high")) & (pl.col("low_reference") == pl.col("high_reference"))
    bounded = both.group_by(BY).agg(bounded=(~known).sum())
    table = estimates(both, BY, ratio).join(bounded, on=BY, maintain_order="left")
    return table if len(table) else None


def costs(epochs: pl.DataFrame, config: EpsilonStarConfig) -> pl.DataFrame:
    """For each kind and seed, clean training ("") apart: trainings, and passes, the gradients of one image's loss.

    Passes are those of training and of its inner attack, whatever the rule; what is only watched is not counted.
    """
    inner = int(attack_call(config.attack).arguments.get("steps", 1))
    passes = pl.col("samples") * pl.when(pl.col("eps") > 0).then(1 + inner).otherwise(1)
    cells = epochs.with_columns(passes=passes).group_by(*FACTORS, "seed", maintain_order=True)
    return cells.agg(trainings=pl.col("eps").n_unique(), passes=pl.col("passes").sum())


def means(losses: pl.DataFrame) -> pl.DataFrame:
    """Over seeds, for each kind and strength: the selected epoch, losses with Student's intervals, accuracies.

    Diverged trainings are left out; clean ones stand once for all gradient rules.
    """
    names = ("train_loss", "attacked_train_loss", "watched_loss", "clean_test_loss")
    accuracies = ("train_accuracy", "watched_accuracy", "clean_test_accuracy")
    cells = losses.filter(~pl.col("diverged")).group_by("kind", "eps", maintain_order=True)
    return cells.agg(
        pl.col("epoch").mean(), *(named(mean(name), name) for name in names), pl.col(accuracies).mean(), n=pl.len()
    ).unnest(*names)


def claims(
    losses: pl.DataFrame, eps_star: pl.DataFrame, crossings: pl.DataFrame, comparisons: pl.DataFrame | None,
    config: EpsilonStarConfig,
) -> Iterator[Claim]:  # fmt: skip
    """Tables 1 and 3 beside what was measured, what the paper says of sizes and widths, and what eps_star rests on."""
    yield from linear(losses)
    yield from same_by_either_measure(crossings)
    for row in eps_star.filter(pl.col("published").is_not_null()).iter_rows(named=True):
        known = printed(config, *(row[name] for name in FACTORS))
        assert known is not None
        measured = _in_levels(Estimate.read(row, "seeds"))
        judgement = number(
            measured, known.eps_star, PRECISION * known.eps_star,
            rounding=abs(known.recomputed - known.eps_star),  # it is truncated or rounded from what its losses give
            conditions=[] if known.same_settings else ["settings that differ, or that the paper does not give"],
        )  # fmt: skip
        yield Claim("eps_star", "Table 1, 3", judgement, row["kind"], measured, known.eps_star)
    if comparisons is None:
        return
    of_seeds = pairs(crossings).partition_by(BY, as_dict=True)
    for row in comparisons.iter_rows(named=True):
        if sign := published_sign(row["factor"], row["changed"], row["reference"], config.dataset):
            claim, source = WORDS[row["factor"], sign]
            judgement = judged(of_seeds[tuple(row[name] for name in BY)], sign)
            setting = f"{row['changed']} over {row['reference']}, {row['at']}, {row['measure']}"
            yield Claim(claim, source, judgement, setting, Estimate.read(row, "seeds"))


def headline(eps_star: pl.DataFrame) -> dict[str, Any]:
    """eps_star of each kind in words; where there is one kind, its value in pixels, for studies that build on it."""
    running = eps_star.filter(measure=RUNNING[0])
    words = {f"255 eps_star of {row['kind']}": row["eps_star_255"] for row in running.iter_rows(named=True)}
    return words | ({"eps_star": _in_pixels(running.row(0, named=True))} if len(running) == 1 else {})


def shown(claims: pl.DataFrame, comparisons: pl.DataFrame | None, config: EpsilonStarConfig) -> Iterator[Shown]:
    """Selected epochs, eps_star, ratios and claims, where there are any."""
    columns = ("kind", "eps", "epoch", "train_loss", "train_accuracy", "attacked_train_loss", "watched_loss", "n")
    yield Shown("means", f"{config.setting}: the selected epoch, means over seeds", columns)
    columns = ("kind", "measure", "threshold", "eps_star_255", "outcome", "isotonic", "n", "published_255")
    yield Shown("eps_star", "eps_star in units of 1/255, mean over seeds and 95 % interval", columns)
    if comparisons is not None:
        yield Shown("comparisons", "eps_star over the reference's, paired by seed: geometric mean, 95 % interval")
    if len(claims):
        yield Shown("claims", "What the paper says and what was measured, 95 % intervals")


def notes(losses: pl.DataFrame, crossings: pl.DataFrame) -> Iterator[str]:
    """Trainings that were left out, and crossings that were bent or read off beside the strengths asked for."""
    for row in losses.filter("diverged").iter_rows(named=True):
        yield f"{row['kind']} with eps {row['eps']}, seed {row['seed']} diverged: left out"
    for row in crossings.filter(measure=RUNNING[0]).iter_rows(named=True):
        where = f"{row['kind']}, seed {row['seed']}"
        if not row["monotone"]:
            yield f"{where}: training losses that do not rise with eps were made isotonic"
        if row["outcome"] == "above":
            yield f"{where}: no crossing, eps_star > {row['at_least']:g}"
        if row["outcome"] == "bracketed" and row["at_least"] == 0:
            yield f"{where}: eps_star < {row['at_most']:g}, the least eps; read off between it and clean training"


def _in_pixels(row: Mapping[str, Any]) -> Estimate | None:
    """The value of a row of `eps_star`; None where there are bounds only."""
    return None if row["value"] is None else Estimate.read(row, "seeds", "pixels in [0, 1]")


def _kind() -> pl.Expr:
    """Model, training samples, and the gradient rule where it is not the true one."""
    rule = pl.when(pl.col("gradient").is_in(["", "bp"])).then(pl.lit("")).otherwise(pl.format(", {}", "gradient"))
    return pl.format("{}, n = {}{}", "model", "samples", rule).alias("kind")


def _in_levels(pixels: Estimate) -> Estimate:
    """The same in units of 1/255."""
    return Estimate(255 * pixels.value, 255 * pixels.low, 255 * pixels.high, pixels.n, pixels.of, "1/255")
