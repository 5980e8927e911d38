"""From trainings to the comparison of input scales; pure, so that a table can be made again."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from modules.pgd_dynamics.escape_tables import groups
from suite.stats import mean_interval

Rows = Sequence[Mapping[str, Any]]


def outcomes(curves: Rows) -> Iterator[dict[str, Any]]:
    """The last epoch of each training."""
    for _, mine in groups(curves, "training", "scale", "learning_rate", "seed"):
        yield dict(max(mine, key=lambda row: row["epoch"]))


def summary(outcomes: Rows) -> Iterator[dict[str, Any]]:
    """Means over seeds at each scale and learning rate; `best` marks the rate with the least mean training loss.

    A rate at which any seed diverged has no mean and is never the best.
    """
    for key, mine in groups(outcomes, "training", "scale"):
        cells = [
            (rate, some, mean_interval([row["train_loss"] for row in some]))
            for rate, some in groups(mine, "learning_rate")
            if not any(row["diverged"] for row in some)
        ]
        best = min(cells, key=lambda cell: cell[2].mean, default=None)
        for rate, some in groups(mine, "learning_rate"):
            diverged = sum(row["diverged"] for row in some)
            mean = mean_interval([] if diverged else [row["train_loss"] for row in some])
            robust = [] if diverged else some
            yield (
                key
                | rate
                | {
                    "best": best is not None and best[0] == rate,
                    "train_loss": mean.mean,
                    "low": mean.low,
                    "high": mean.high,
                    "n": len(some),
                    "robust_loss": float(np.mean([row["robust_loss"] for row in robust])) if robust else None,
                    "robust_accuracy": float(np.mean([row["robust_accuracy"] for row in robust])) if robust else None,
                    "diverged": diverged,
                }
            )


def comparisons(outcomes: Rows) -> Iterator[dict[str, Any]]:
    """Loss at a scale minus loss at the next larger one, paired by seed: at each rate, and each scale at its best.

    `smaller_helps`: yes where the whole 95 % interval is below 0, no where it is above, else undecided.
    """
    best = {(row["training"], row["scale"]): row["learning_rate"] for row in summary(outcomes) if row["best"]}
    rates = sorted({row["learning_rate"] for row in outcomes})
    loss = {
        (row["training"], row["scale"], row["learning_rate"], row["seed"]): row["train_loss"]
        for row in outcomes
        if not row["diverged"]
    }
    seeds = sorted({row["seed"] for row in outcomes})
    for training in sorted({row["training"] for row in outcomes}):
        for small, large in pairwise(sorted({row["scale"] for row in outcomes})):
            for rate in [*rates, None]:
                one, other = (best.get((training, scale)) if rate is None else rate for scale in (small, large))
                pairs = [(loss.get((training, small, one, s)), loss.get((training, large, other, s))) for s in seeds]
                whole = [low - high for low, high in pairs if low is not None and high is not None]
                mean = mean_interval(whole if len(whole) == len(seeds) else [])
                answer = "yes" if mean.high < 0 else "no" if mean.low > 0 else "undecided"
                yield {
                    "training": training, "smaller": small, "larger": large,
                    "learning_rate": "best" if rate is None else f"{rate:g}",
                    "difference": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n,
                    "smaller_helps": answer if isfinite(mean.mean) else "cannot be told: diverged",
                }  # fmt: skip
