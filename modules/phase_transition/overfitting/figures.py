"""Figures of `phase_transition.overfitting`: gaps over epochs, and the accuracies of one-step training."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.phase_transition.overfitting.config import OverfittingConfig
from modules.phase_transition.overfitting.results import MANY, ONE
from suite.figures import lines, mark, percent, quantity, spread, upright

PANELS = 4
_ONE, _MANY = "under one step", "under many steps"


def gaps(gaps: pl.DataFrame, config: OverfittingConfig, facts: Mapping[str, Any]) -> tuple[Figure, str] | None:
    """The robust gap over epochs, and from the reference epoch on in units of its; a row of panels per size."""
    if gaps.is_empty():
        return None
    reference = facts["reference_epoch"]
    later = (pl.col("measure") == "ratio") & (pl.col("epoch") >= reference)
    ys = {
        "robust_gap": quantity("value", "robust test minus training\nloss (nats)"),
        "ratio": quantity("value", "ratio to the reference epoch"),
    }
    figure = lines(
        gaps.filter((pl.col("measure") == "robust_gap") | later),
        x="epoch", y=ys, colour="eps", panel="measure", rows=_rows(gaps), references=[upright(reference)],
    )  # fmt: skip
    seeds = f"bands are 95 % intervals (Student) over {config.seeds} seeds" if config.seeds > 1 else "one seed"
    return figure, (
        f"Robust test minus training loss of {_about(config)}, {config.attack}, and its ratio to that of epoch "
        f"{reference} (vertical line); {seeds}. Eps 0 is clean training."
    )


def collapses(epochs: pl.DataFrame, collapses: pl.DataFrame, config: OverfittingConfig) -> tuple[Figure, str] | None:
    """At most four strengths across, sizes down: both robust accuracies over epochs, a colour per seed."""
    fast = epochs.filter(kind="one step")
    strengths = pl.col("eps").is_in(spread(fast["eps"].unique().sort().to_list(), PANELS))
    fallen = collapses.filter(pl.col("kind") == "one step")
    if fallen.is_empty():
        return None
    both = pl.concat(
        fast.select("samples", "eps", "seed", "epoch", value=pl.col(name).cast(pl.Float64), accuracy=pl.lit(words))
        for name, words in ((MANY, _MANY), (ONE, _ONE))
    )
    marks = fallen.filter("collapsed").select("samples", "eps", "seed", "epoch", value="many_steps")
    accuracy = percent("value", "robust accuracy", limits=(-3, 103))
    figure = lines(
        both.filter(strengths),
        x="epoch", y=accuracy, colour="seed", dash="accuracy", panel="eps", rows=_rows(fast),
        references=[mark(marks, "collapsed", marker="X")],
    )  # fmt: skip
    return figure, (
        f"One-step training of {_about(config)}, {config.fast}: accuracy on {config.watched} samples that are not "
        f"trained on, under one step and under {config.attack}, a colour per seed; crosses: collapsed."
    )


def _rows(frame: pl.DataFrame) -> str | None:
    return "samples" if frame["samples"].n_unique() > 1 else None


def _about(config: OverfittingConfig) -> str:
    return f"{config.model} on {config.dataset}, {config.norm}"
