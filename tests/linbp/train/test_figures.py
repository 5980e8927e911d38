"""Figures of `linbp.train` from made-up bands."""

from math import log

import numpy as np
import polars as pl
import pytest

from modules.linbp.train import figures
from modules.linbp.train.config import TrainConfig

FACTS = {"chance_loss": log(10)}


def rows(models: tuple[str, ...], factors: tuple[float, ...], losses: list[float]) -> pl.DataFrame:
    """Bands, or differences: of both rules, losses by epoch, and accuracies of a tenth of them."""
    cells = [
        (model, factor, gradient, f"{part}_{metric}", epoch, scale * loss)
        for model in models
        for factor in factors
        for gradient in ("bp", "linbp")
        for part in ("train", "test")
        for metric, scale in (("loss", 1.0), ("accuracy", 0.1))
        for epoch, loss in enumerate(losses, 1)
    ]
    frame = pl.DataFrame(cells, schema=["model", "factor", "gradient", "metric", "epoch", "value"], orient="row")
    return frame.with_columns(low=pl.col("value") - 0.5, high=pl.col("value") + 0.5)


def test_curves_have_a_row_per_factor_and_a_line_per_training() -> None:
    config = TrainConfig(models=("mlp", "lenet5"), factors=(1.0, 10.0))
    figure, caption = figures.train_curves(rows(config.models, config.factors, [2.0, 1.5, 1.0]), config, FACTS)
    titles = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert titles == ["1 x learning rate", "10 x learning rate"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["train loss (nats)", "train accuracy (%)"] * 2
    drawn = [[line for line in axes.lines if len(line.get_xdata()) == 3] for axes in figure.axes]
    assert [len(found) for found in drawn] == [4] * 4 and {line.get_linestyle() for line in drawn[0]} == {"-", "--"}
    np.testing.assert_allclose(drawn[0][0].get_ydata(), [2.0, 1.5, 1.0])
    bands = [path.get_extents().y0 for axes in figure.axes for area in axes.collections for path in area.get_paths()]
    assert min(bands) == 0  # no accuracy and no loss is below
    assert "n = 3 seeds" in caption and "training" not in caption


def test_differences_have_a_row_per_model_and_factor() -> None:
    drawn = figures.differences(TrainConfig(), rows(("mlp", "lenet5"), (1.0, 10.0), [0.2, 0.1]))
    assert drawn is not None and len(drawn[0].axes) == 8
    assert {axes.get_ylabel() for axes in drawn[0].axes} == {
        "difference in loss (nats)", "difference in accuracy (points)"
    }  # fmt: skip
    assert figures.differences(TrainConfig(gradients=("bp",))) is None


def test_the_end_of_training_is_drawn_against_the_rate() -> None:
    bands, config = rows(("mlp", "lenet5"), (0.1, 1.0, 10.0), [2.0, 1.0, 0.5]), TrainConfig(factors=(0.1, 1.0, 10.0))
    drawn = figures.rates(bands, config, pl.DataFrame({"factor": [1.0]}))
    assert drawn is not None and len(drawn[0].axes) == 4
    first = [line for line in drawn[0].axes[0].lines if len(line.get_xdata()) == 3]
    assert len(first) == 2 and drawn[0].axes[0].get_xscale() == "log"
    np.testing.assert_allclose(first[0].get_xdata(), [0.1, 1.0, 10.0])
    np.testing.assert_allclose(first[0].get_ydata(), [0.5] * 3)
    assert figures.rates(bands, TrainConfig(factors=(1.0, 10.0))) is None


def test_a_diverging_line_does_not_hide_the_others() -> None:
    tame, wild = rows(("mlp",), (1.0,), [2.0, 1.0, 0.5]), rows(("mlp",), (1.0,), [1e9, 1e30, 1.0])
    both = pl.concat([tame.filter(gradient="bp"), wild.filter(gradient="linbp")])
    figure, _ = figures.test_curves(both, TrainConfig(models=("mlp",)), FACTS)
    assert figure.axes[0].get_ylim() == pytest.approx((0, 1.25 * log(10)), abs=0.1)
