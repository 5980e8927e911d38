"""Figures of `pgd_dynamics.input_scale`: losses by epoch and by learning rate, a line for each scale."""

import polars as pl
from matplotlib.figure import Figure

from modules.pgd_dynamics.input_scale.config import InputScaleConfig
from suite.figures import lines, points, quantity


def training_loss(by_epoch: pl.DataFrame, config: InputScaleConfig) -> tuple[Figure, str]:
    """Training loss against the epoch, each scale at its best learning rate; adversarial and clean apart."""
    loss = quantity("value", "training loss (nats)")
    figure = lines(by_epoch, x="epoch", y=loss, colour="scale", dash="learning_rate", panel="training")
    rates = ", ".join(f"{rate:g}" for rate in by_epoch["learning_rate"].unique().sort())
    return figure, (
        f"{config.setup}; bands are 95 % intervals (Student) of the mean over seeds, each scale at its best "
        f"learning rate ({rates or 'none without divergence'})."
    )


def rates(summary: pl.DataFrame, config: InputScaleConfig) -> tuple[Figure, str]:
    """Loss at the fixed epoch against the learning rate; rates at which a seed diverged are left out."""
    figure = points(
        summary.filter(diverged=0), x=quantity("learning_rate", log=True),
        y=quantity("train_loss", "loss at the fixed epoch (nats)"), low="train_loss_low", high="train_loss_high",
        colour="scale", panel="training", join=True,
    )  # fmt: skip
    return figure, f"Loss at the fixed epoch, {config.setup}; 95 % intervals."
