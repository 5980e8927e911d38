"""Comparison of scales on trainings whose losses are known."""

from typing import Any

import pytest

from modules.pgd_dynamics.input_scale_figures import curves, rates
from modules.pgd_dynamics.input_scale_tables import comparisons, outcomes, summary

LOSSES = {(0.1, 0.01): 2.0, (0.1, 0.1): 1.0, (1.0, 0.01): 1.5, (1.0, 0.1): 1.8}


def trainings(diverged: tuple[float, float] | None = None) -> list[dict[str, Any]]:
    """Two epochs of three seeds; losses differ between seeds by 0.01, alike for all; the first epoch is 1 higher."""
    return [
        {
            "training": "adversarial", "scale": scale, "learning_rate": rate, "seed": seed, "epoch": epoch,
            "train_loss": loss + 0.01 * seed + (2 - epoch) + 0.001 * (seed == 1) * scale,
            "train_accuracy": 0.5, "robust_loss": loss, "robust_accuracy": 0.4, "diverged": (scale, rate) == diverged,
        }
        for (scale, rate), loss in LOSSES.items() for seed in range(3) for epoch in (1, 2)
    ]  # fmt: skip


def test_the_best_rate_of_each_scale() -> None:
    rows = list(summary(list(outcomes(trainings()))))
    assert [(row["scale"], row["learning_rate"]) for row in rows if row["best"]] == [(0.1, 0.1), (1.0, 0.01)]
    assert rows[0]["train_loss"] == pytest.approx(2.01, abs=1e-3)  # of the last epoch
    assert rows[0]["low"] < 2.01 < rows[0]["high"] and rows[0]["n"] == 3


def test_scales_are_compared_by_seed_at_each_rate_and_each_at_its_best() -> None:
    rows = {row["learning_rate"]: row for row in comparisons(list(outcomes(trainings())))}
    assert [rows[rate]["smaller_helps"] for rate in ("0.01", "0.1", "best")] == ["no", "yes", "yes"]
    assert rows["0.01"]["difference"] == pytest.approx(0.5, abs=1e-3)
    assert rows["best"]["difference"] == pytest.approx(-0.5, abs=1e-3)
    assert rows["best"]["high"] - rows["best"]["low"] < 0.01  # what the seeds share has cancelled


def test_a_rate_that_diverges_is_never_the_best_and_not_compared() -> None:
    found = list(outcomes(trainings(diverged=(0.1, 0.1))))
    assert [(row["scale"], row["learning_rate"]) for row in summary(found) if row["best"]] == [(0.1, 0.01), (1.0, 0.01)]
    rows = {row["learning_rate"]: row["smaller_helps"] for row in comparisons(found)}
    assert rows == {"0.01": "no", "0.1": "cannot be told: diverged", "best": "no"}


def test_figures_show_each_scale() -> None:
    rows = trainings()
    table = list(summary(list(outcomes(rows))))
    labels = [text.get_text() for text in curves(rows, table).axes[0].get_legend().get_texts()]
    assert labels == ["scale 0.1, rate 0.1", "scale 1, rate 0.01"]
    assert len(rates(table).axes[0].containers) == 2
