"""Figures of `linbp.theory_train`: loss and distance against step (Fig. 2), who is ahead, and where Eq. 22 has held."""

import polars as pl
from matplotlib.figure import Figure

from modules.linbp import simulated_figures
from modules.linbp.theory_train.config import TheoryTrainConfig
from modules.linbp.theory_train.half_way import half_way
from suite.figures import lines, quantity

EARLY = 50  # where BP has gone half the way in this part of the steps, a linear axis shows nothing of it


def training_by_step(by_step: pl.DataFrame, config: TheoryTrainConfig) -> tuple[Figure, str]:
    """Fig. 2: training loss and l1 distance to the teacher; a logarithmic axis of steps where BP is done early."""
    is_early = 0 < half_way(by_step) < config.steps / EARLY
    words = {"loss": "training loss", "l1 distance": "l1 distance to w*"}
    figure = lines(
        by_step.filter(pl.col("n") > 1), x=quantity("step", log=is_early),
        y={name: quantity("value", label, limits=(0, None)) for name, label in words.items()},
        panel="quantity", colour="gradient", dash="dynamics",
    )  # fmt: skip
    what = f"Training loss and l1 distance to w*, {_runs(config)}. {simulated_figures.CAPTION}"
    return figure, f"{what} Bands: Student's 95 % intervals."


def ahead_by_step(ahead: pl.DataFrame, config: TheoryTrainConfig) -> tuple[Figure, str]:
    """The share of runs in which LinBP is ahead, in distance and in loss."""
    figure = simulated_figures.ahead_by_step(ahead, "quantity")
    return figure, f"Share of the runs with LinBP ahead, {_runs(config)}; bands are 95 % Wilson intervals."


def condition_by_step(condition: pl.DataFrame, config: TheoryTrainConfig) -> tuple[Figure, str]:
    """Where Eq. 22 has held."""
    figure = simulated_figures.condition_by_step(condition, "Eq. 22")
    return figure, f"Where Eq. 22 has held up to a step, {_runs(config)}."


def _runs(config: TheoryTrainConfig) -> str:
    samples = "fresh samples every step" if config.fresh else "fixed samples"
    return f"{config.repeats} runs, {samples}, {'summed' if config.divisor == 1 else 'mean'} loss"
