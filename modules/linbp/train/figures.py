"""Figures of `linbp.train`: Li et al. 2022, Fig. 3-6 and 8, and the differences between rules."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from modules.linbp.train.config import TrainConfig
from suite.figures import Quantity, level, lines, percent, quantity

_RATE = pl.format("{} x learning rate", pl.col("factor").cast(pl.String).str.strip_suffix(".0"))


def train_curves(bands: pl.DataFrame, config: TrainConfig, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Loss and accuracy on the training set."""
    return _curves(bands, "train", config, facts)


def test_curves(bands: pl.DataFrame, config: TrainConfig, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """Loss and accuracy on the test set."""
    return _curves(bands, "test", config, facts)


def differences(config: TrainConfig, differences: pl.DataFrame | None = None) -> tuple[Figure, str] | None:
    """Each rule minus the reference: a row of panels for each model and factor, test and training set."""
    if differences is None:
        return None
    units = {
        "loss": quantity("value", "difference in loss (nats)"),
        "accuracy": Quantity("value", "difference in accuracy (points)", 100.0),
    }
    figure = lines(
        _parted(differences).with_columns(cell=pl.format("{}, {}", "model", _RATE)), x="epoch", y=units,
        panel="metric", rows="cell", colour="gradient", dash="part", references=[level(0)],
    )  # fmt: skip
    return figure, f"Each rule minus {config.gradients[0]} with the same weights and batches, {_over(config)}"


def rates(
    bands: pl.DataFrame, config: TrainConfig, best_rates: pl.DataFrame | None = None
) -> tuple[Figure, str] | None:
    """The end of training against the learning rate: which is best for each rule."""
    if best_rates is None:
        return None
    last = _within(bands.filter(pl.col("epoch") == pl.col("epoch").max().over("model", "factor")))
    units = {
        "train_loss": quantity("value", "train loss (nats)", log=True),
        "test_accuracy": percent("value", "test accuracy"),
    }
    rate = quantity("factor", "learning rate over the recipe's", log=True)
    figure = lines(
        last.filter(pl.col("metric").is_in([*units])), x=rate, y=units,
        panel="metric", rows="model", colour="gradient",
    )  # fmt: skip
    return figure, f"The last epoch against the learning rate, {_over(config)}"


def _curves(bands: pl.DataFrame, part: str, config: TrainConfig, facts: Mapping[str, Any]) -> tuple[Figure, str]:
    """A row of panels for each factor; colour tells the gradient rule, the line's dashes the model.

    The loss axis ends a quarter above chance, whatever a diverging training does; bands end where accuracies do.
    """
    rows = _parted(_within(bands)).filter(part=part).with_columns(rate=_RATE)
    highest, cap = pl.max_horizontal("value", "high").max(), 1.25 * facts["chance_loss"]
    is_cut = rows.filter(metric="loss").select((highest > cap).fill_null(False)).item()
    units = {
        "loss": quantity("value", f"{part} loss (nats)", limits=(0, cap if is_cut else None)),
        "accuracy": percent("value", f"{part} accuracy"),
    }
    figure = lines(
        rows, x="epoch", y=units, panel="metric", rows="rate" if len(config.factors) > 1 else None,
        colour="gradient", dash="model",
    )  # fmt: skip
    return figure, f"Loss and accuracy on the {part} set against epoch, {_over(config)}"


def _within(bands: pl.DataFrame) -> pl.DataFrame:
    """No loss or accuracy is below 0, and no accuracy above 1."""
    is_accuracy = pl.col("metric").str.ends_with("accuracy")
    end = pl.when(is_accuracy).then(pl.col("high").clip(upper_bound=1)).otherwise("high")
    return bands.with_columns(low=pl.col("low").clip(0), high=end)


def _parted(table: pl.DataFrame) -> pl.DataFrame:
    """`train_loss` of a table's metrics is the `loss` of the part `train`."""
    words = pl.col("metric").str.split_exact("_", 1).struct
    return table.with_columns(part=words.field("field_0"), metric=words.field("field_1"))


def _over(config: TrainConfig) -> str:
    seeds = f"{config.seeds} seed{'s' * (config.seeds > 1)}"
    return f"n = {seeds}; bands are 95 % intervals (Student) of the mean over seeds."
