"""Trainings epoch by epoch: how each ended, means over seeds, and differences from a reference with the same seed.

A frame of curves has a row per training and epoch: the columns `settings`, of which the last is the rule that is
compared (a gradient rule, a strategy); `seed`, `epoch` and metrics. A training that diverges has a value that is not
finite in its last epoch, and no later ones. Means are of finite values, and `n` says how many trainings have one.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from suite.statistics import against, mean

STUCK = 0.99  # of the loss at chance: above it a training has learnt nothing
QUARTER = (pl.col("epochs") / 4).round().clip(lower_bound=1)

Window = tuple[pl.Expr, pl.Expr]
"""First and last epoch, of trainings of `epochs`."""

EARLY: Window = (pl.lit(1), QUARTER)
LATE: Window = (pl.col("epochs") - QUARTER + 1, pl.col("epochs"))
WHOLE: Window = (pl.lit(1), pl.col("epochs"))
END: Window = (pl.col("epochs"), pl.col("epochs"))


def outcome(chance: float) -> pl.Expr:
    """How a training ended: `converged`, `diverged` (a loss that is not finite) or `stuck` (no better than chance).

    Args:
        chance: loss of the best constant answer, the entropy of the training labels in nats.
    """
    loss = pl.col("train_loss")
    ended = pl.when(~loss.is_finite()).then(pl.lit("diverged")).when(loss >= STUCK * chance).then(pl.lit("stuck"))
    return ended.otherwise(pl.lit("converged"))


def last_epochs(curves: pl.DataFrame, settings: Sequence[str]) -> pl.DataFrame:
    """The row of the last epoch that each training ran, which `epochs` counts."""
    last = curves.group_by(*settings, "seed", maintain_order=True).last()
    return last.rename({"epoch": "epochs"})


def bands(curves: pl.DataFrame, metrics: Sequence[str], settings: Sequence[str]) -> pl.DataFrame:
    """Each metric at each epoch: mean over seeds with Student's interval."""
    cells = _long(curves, metrics, settings).group_by(*settings, "metric", "epoch", maintain_order=True)
    return cells.agg(mean(_finite("level"))).unnest("estimate")


def pairs(curves: pl.DataFrame, metrics: Sequence[str], settings: Sequence[str], reference: str) -> pl.DataFrame:
    """Each rule's metrics minus the reference's with the same seed: `difference`, null where either has none.

    `epochs` is how long trainings are that do not end before their time.
    """
    *common, rule = settings
    long = _long(curves, metrics, settings).with_columns(epochs=pl.col("epoch").max().over(common))
    on = [*common, "seed", "metric", "epoch"]
    rows = against(long, on=on, column=rule, reference=reference, value="level").filter(pl.col(rule) != reference)
    return rows.with_columns(difference=_finite("level") - _finite("reference"), reference=pl.lit(reference))


def differences(pairs: pl.DataFrame, settings: Sequence[str]) -> pl.DataFrame:
    """The mean difference at each epoch that both have, over seeds, with Student's interval."""
    cells = pairs.group_by(*settings, "reference", "metric", "epoch", maintain_order=True)
    return cells.agg(mean("difference")).unnest("estimate")


def compared(pairs: pl.DataFrame, settings: Sequence[str], windows: Mapping[str, Window]) -> pl.DataFrame:
    """The mean difference over windows of epochs, over seeds, with Student's interval.

    `lost` counts the seeds with which one of both trainings has not lasted through the window.
    """
    cell = [*settings, "reference", "metric"]
    frames = []
    for name, (first, last) in windows.items():
        inside = pl.col("difference").filter(pl.col("epoch").is_between(first, last))
        whole = inside.count() == (last - first + 1).first()
        seeds = pairs.group_by(*cell, "seed", maintain_order=True).agg(difference=pl.when(whole).then(inside.mean()))
        cells = seeds.with_columns(window=pl.lit(name)).group_by(*cell, "window", maintain_order=True)
        lost = pl.col("difference").null_count().cast(pl.Int64)
        frames.append(cells.agg(mean("difference"), lost=lost).unnest("estimate"))
    return pl.concat(frames)


def levels(
    curves: pl.DataFrame,
    metrics: Sequence[str],
    settings: Sequence[str],
    windows: Mapping[str, Window],
    *,
    as_long_as: Sequence[str],
) -> pl.DataFrame:
    """Each training's metrics, means over windows of epochs: `level`, null where a training has not lasted so long.

    Trainings that have the same `as_long_as`, some of the settings, are meant to be as long as the longest of them.
    """
    long = _long(curves, metrics, settings).with_columns(epochs=pl.col("epoch").max().over(as_long_as))
    frames = []
    for name, (first, last) in windows.items():
        inside = _finite("level").filter(pl.col("epoch").is_between(first, last))
        whole = inside.count() == (last - first + 1).first()
        cells = long.with_columns(window=pl.lit(name)).group_by(
            *settings, "metric", "window", "seed", maintain_order=True
        )
        frames.append(cells.agg(level=pl.when(whole).then(inside.mean())))
    return pl.concat(frames)


def _long(curves: pl.DataFrame, metrics: Sequence[str], settings: Sequence[str]) -> pl.DataFrame:
    return curves.unpivot(metrics, index=[*settings, "seed", "epoch"], variable_name="metric", value_name="level")


def _finite(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_finite()).then(column)
