"""`pgd_dynamics.input_scale` analysed: losses at the fixed epoch, and neighbouring scales compared by seed."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from modules.pgd_dynamics.input_scale.config import InputScaleConfig
from suite.claims import Claim, direction, equivalence
from suite.statistics import Estimate, mean, named
from suite.tables import Shown

CELL = ("training", "scale", "learning_rate")
MEASURED = ("train_loss", "robust_loss", "robust_accuracy")
BEST = "best"
"""In place of a learning rate: each scale at its own best."""

SAME = 0.1
"""Losses (nats) that differ by no more are alike; ours, the paper gives no number."""


def outcomes(curves: pl.DataFrame) -> pl.DataFrame:
    """The last epoch of each training."""
    training = (*CELL, "seed")
    return curves.filter(pl.col("epoch") == pl.col("epoch").max().over(training)).sort(training)


def summary(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Means over seeds at each scale and learning rate; `best` marks the rate with the least mean training loss.

    A rate at which any seed diverged has no means and is never the best.
    """
    is_whole = ~pl.col("diverged").any().over(CELL)
    whole = outcomes.with_columns(pl.when(is_whole).then(pl.col(MEASURED)).name.keep())
    means = whole.group_by(CELL, maintain_order=True).agg(
        *(named(mean(name), name) for name in MEASURED), n=pl.len(), diverged=pl.col("diverged").sum()
    )
    rank = pl.col("train_loss").rank("ordinal").over("training", "scale")
    return means.unnest(MEASURED).with_columns(best=(rank == 1).fill_null(False))


def by_epoch(curves: pl.DataFrame, summary: pl.DataFrame) -> pl.DataFrame:
    """Mean training loss over seeds at each epoch, each scale at its best learning rate."""
    best = curves.join(summary.filter("best"), on=CELL, how="semi")
    return best.group_by(*CELL, "epoch").agg(mean("train_loss")).unnest("estimate").sort(*CELL, "epoch")


def comparisons(outcomes: pl.DataFrame, summary: pl.DataFrame) -> pl.DataFrame:
    """Loss at a scale minus loss at the next larger one, paired by seed: at each rate, and each scale at its best.

    lost: seeds of which either training diverged, and all of them where a scale has no best rate; any leaves no
    estimate.
    """
    losses = _losses(outcomes, summary)
    larger = pl.col("scale", "loss").shift(-1).over("training", "learning_rate", "seed").name.prefix("larger_")
    pairs = losses.with_columns(larger).drop_nulls("larger_scale")
    difference = pl.col("loss") - pl.col("larger_loss")
    means = pairs.group_by(
        "training", pl.col("scale").alias("smaller"), pl.col("larger_scale").alias("larger"), "learning_rate",
        maintain_order=True,
    ).agg(mean(difference), lost=difference.is_null().sum())  # fmt: skip
    is_whole = pl.col("lost") == 0
    return means.unnest("estimate").with_columns(pl.when(is_whole).then(pl.col("value", "low", "high")).name.keep())


def claims(comparisons: pl.DataFrame) -> Iterator[Claim]:
    """Question 2 for adversarial training; for clean training, the control, that the scale does not matter."""
    for row in comparisons.iter_rows(named=True):
        difference, lost = Estimate.read(row, of="seeds", unit="nats"), row["lost"]
        rate = "each at its best rate" if row["learning_rate"] == BEST else f"learning rate {row['learning_rate']}"
        setting = f"scale {row['smaller']:g} against {row['larger']:g}, {rate}"
        if row["training"] == "adversarial":
            judgement = direction(difference, -1, lost=lost)
            yield Claim("a smaller scale lowers the adversarial training loss", "Question 2", judgement, setting,
                        difference)  # fmt: skip
        else:
            judgement = equivalence(difference, -SAME, SAME, lost=lost)
            yield Claim("the scale does not affect the clean training loss", "Sec. 1", judgement, setting, difference)


def headline(summary: pl.DataFrame) -> Mapping[str, Any]:
    """The adversarial training loss of each scale at its best rate."""
    best = summary.filter("best", training="adversarial")
    return {
        f"adversarial loss at scale {row['scale']:g}": Estimate(
            row["train_loss"], row["train_loss_low"], row["train_loss_high"], row["n"], "seeds"
        )
        for row in best.iter_rows(named=True)
    }


def shown(config: InputScaleConfig) -> Iterator[Shown]:
    """Losses and claims."""
    columns = (*CELL, "best", "train_loss", "train_loss_low", "train_loss_high", *MEASURED[1:], "diverged")
    yield Shown("summary", f"Training loss, mean and 95 % interval over seeds: {config.setup}", columns)
    yield Shown("claims", "Loss at the smaller scale minus loss at the larger, paired by seed; 95 % interval")


def _losses(outcomes: pl.DataFrame, summary: pl.DataFrame) -> pl.DataFrame:
    """Final training losses by scale and seed, at each rate and at the best; null for a training that diverged."""
    losses = outcomes.join(summary.select(*CELL, "best"), on=CELL, how="left", maintain_order="left").with_columns(
        loss=pl.when(~pl.col("diverged")).then(pl.col("train_loss")),
        learning_rate=pl.col("learning_rate").map_elements("{:g}".format, pl.String),
    )
    at_best = losses.group_by("training", "scale", "seed", maintain_order=True).agg(
        pl.col("loss").filter("best").first(), learning_rate=pl.lit(BEST)
    )
    both = pl.concat([losses.select(at_best.columns), at_best])
    return both.sort("training", "scale", maintain_order=True)
