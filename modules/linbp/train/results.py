"""`linbp.train` analysed: from one row per training and epoch to outcomes, bands over seeds, differences and claims."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from modules.linbp import learning_curves
from modules.linbp.learning_curves import EARLY, END
from modules.linbp.train.best_rates import FEWEST, at_best_rates
from modules.linbp.train.claims import of_best_rates, of_differences, of_outcomes
from modules.linbp.train.config import TrainConfig, format_factor
from suite.claims import Claim
from suite.statistics import against, rate, rate_of
from suite.tables import Shown

METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
SETTINGS = ("model", "factor", "gradient")
WINDOWS = {"early": EARLY, "at the end": END}


def outcomes(curves: pl.DataFrame, facts: Mapping[str, Any]) -> pl.DataFrame:
    """How each training ended, and its last epoch."""
    last = learning_curves.last_epochs(curves, SETTINGS)
    ended = learning_curves.outcome(facts["chance_loss"]).alias("outcome")
    return last.select(*SETTINGS, "seed", "epochs", ended, *METRICS)


def bands(curves: pl.DataFrame) -> pl.DataFrame:
    """Each metric at each epoch, mean over seeds."""
    return learning_curves.bands(curves, METRICS, SETTINGS)


def differences(curves: pl.DataFrame, config: TrainConfig) -> pl.DataFrame | None:
    """Each rule minus the first at each epoch, paired by seed."""
    return learning_curves.differences(_pairs(curves, config), SETTINGS) if len(config.gradients) > 1 else None


def comparisons(curves: pl.DataFrame, config: TrainConfig) -> pl.DataFrame | None:
    """Each rule minus the first, paired by seed: over the first quarter of the epochs, and in the last epoch."""
    pairs = _pairs(curves, config)
    return learning_curves.compared(pairs, SETTINGS, WINDOWS) if len(config.gradients) > 1 else None


def best_rates(curves: pl.DataFrame, config: TrainConfig) -> pl.DataFrame | None:
    """Each rule minus the first, both at the learning rate that is best for them.

    It takes several rates and seeds, and trainings of one length: with `stretch` a smaller rate has more epochs.
    """
    if len(config.factors) < FEWEST or config.seeds < 2 or len(config.gradients) < 2 or config.stretch:
        return None
    return at_best_rates(curves, METRICS, WINDOWS, config.gradients[0])


def convergence(outcomes: pl.DataFrame, config: TrainConfig) -> pl.DataFrame | None:
    """In which share of seeds a rule and the first both converge, and in which only the first does."""
    converged = pl.col("outcome") == "converged"
    pairs = against(
        outcomes, on=["model", "factor", "seed"], column="gradient", reference=config.gradients[0], value=converged
    ).filter(pl.col("gradient") != config.gradients[0])
    holds = {
        "both converge": converged & pl.col("reference"),
        "only the reference converges": ~converged & pl.col("reference"),
    }
    long = pairs.with_columns(**holds, reference=pl.lit(config.gradients[0])).unpivot(
        [*holds], index=[*SETTINGS, "reference"], variable_name="claim", value_name="holds"
    )
    cells = long.group_by(*SETTINGS, "reference", "claim", maintain_order=True)
    return cells.agg(rate("holds")).unnest("estimate") if len(long) else None


def claims(
    config: TrainConfig,
    bands: pl.DataFrame,
    comparisons: pl.DataFrame | None = None,
    convergence: pl.DataFrame | None = None,
    best_rates: pl.DataFrame | None = None,
) -> Iterator[Claim]:
    """What the paper says of LinBP beside BP, for the models and rates of its figures; and ours at the best rates."""
    if comparisons is not None and convergence is not None:
        yield from of_outcomes(config, convergence)
        yield from of_differences(config, comparisons, bands)
    if best_rates is not None:
        yield from of_best_rates(best_rates)


def headline(config: TrainConfig, outcomes: pl.DataFrame, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The test accuracy of the first seed's trainings, or how they ended."""
    n = facts["samples"]["test"]
    return {
        f"test accuracy of {row['model']}, {row['gradient']}, x{format_factor(row['factor'])}": rate_of(
            round(n * row["test_accuracy"]), n, "images"
        )
        if row["outcome"] == "converged"
        else row["outcome"]
        for row in outcomes.filter(seed=config.seed).iter_rows(named=True)
    }


def shown(
    config: TrainConfig,
    claims: pl.DataFrame,
    comparisons: pl.DataFrame | None = None,
    best_rates: pl.DataFrame | None = None,
) -> Iterator[Shown]:
    """How each training ended, the comparisons, and the claims where the paper makes any."""
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    yield Shown("outcomes", f"Trainings on {config.dataset}, {seeds}: how each ended")
    if comparisons is not None:
        yield Shown("comparisons", f"A rule minus {config.gradients[0]}, paired by seed: mean, 95 % interval")
    if best_rates is not None:
        yield Shown("best_rates", "The same with each rule at its best learning rate, chosen on the other seeds")
    if len(claims):
        yield Shown("claims", "What Li et al. say, and whether it outlasts the best learning rates, judged over seeds")


def _pairs(curves: pl.DataFrame, config: TrainConfig) -> pl.DataFrame:
    return learning_curves.pairs(curves, METRICS, SETTINGS, config.gradients[0])
