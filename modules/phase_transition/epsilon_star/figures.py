"""Figures of `phase_transition.epsilon_star`: losses against strength, and eps_star of several kinds."""

import polars as pl
from matplotlib.figure import Figure

from modules.phase_transition.crossings import RUNNING
from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from suite.figures import level, lines, mark, points, quantity, upright


def losses(losses: pl.DataFrame, eps_star: pl.DataFrame, config: EpsilonStarConfig) -> tuple[Figure, str]:
    """Adversarial training loss against eps: a line per seed; means of R* dashed, and eps_star."""
    kinds = eps_star.filter(measure=RUNNING[0])
    trained = losses.filter(~pl.col("diverged")).drop("kind")
    of_kind = kinds.select("kind", "model", "samples", rule="gradient").join(trained, on=["model", "samples"])
    drawn = of_kind.filter((pl.col("eps") == 0) | (pl.col("gradient") == pl.col("rule")))
    stars = kinds.select("kind", "low", "high", train_loss="threshold", eps="value")
    figure = lines(
        drawn,
        x=quantity("eps", f"eps, {_strength(config)}", limits=(0, None)),
        y=quantity("train_loss", "adversarial training loss (nats)", limits=(0, None)),
        colour="kind",
        group="seed",
        references=[
            level(stars.select("kind", "train_loss"), "R*, clean test loss"),
            upright(stars.select("kind", "eps", "low", "high").drop_nulls("low")),
            mark(stars.select("kind", "train_loss", "eps"), "eps_star"),
        ],
    )
    return figure, f"Adversarial training loss against eps, and the clean test loss: {_intervals(config)}"


def eps_star(eps_star: pl.DataFrame, config: EpsilonStarConfig) -> tuple[Figure, str] | None:
    """eps_star of each kind with its interval, by all measures; a triangle where only a bound is known."""
    if len(eps_star) < 3:
        return None
    bounds = pl.col("outcome") != "bracketed"
    drawn = eps_star.with_columns(
        low=pl.when(bounds).then(pl.col("at_least").replace(0, None)).otherwise("low"),
        high=pl.when(bounds).then("at_most").otherwise("high"),
    )
    star = quantity("value", f"eps_star, {_strength(config)}", limits=(0, None))
    return points(drawn, x=star, y="kind", colour="measure"), f"eps_star: {_intervals(config)}"


def _strength(config: EpsilonStarConfig) -> str:
    return f"{'l_inf' if config.norm == 'linf' else 'l2'} (pixels in [0, 1])"


def _intervals(config: EpsilonStarConfig) -> str:
    return f"{config.setting}; intervals are of 95 % (Student) over seeds."
