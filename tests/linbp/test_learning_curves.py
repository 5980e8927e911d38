"""Statistics of trainings from made-up curves whose answers are known."""

from math import log, nan, sqrt

import polars as pl
import pytest
from scipy.stats import t as student

from modules.linbp import learning_curves
from modules.linbp.learning_curves import EARLY, END, LATE, WHOLE

CHANCE = log(10)
SETTINGS = ("model", "gradient")
METRICS = ("train_loss", "accuracy")


def curves(losses: dict[tuple[str, int], list[float]]) -> pl.DataFrame:
    """(gradient, seed) -> losses by epoch; accuracy is 1 - loss / 10."""
    rows = [
        {"model": "mlp", "gradient": gradient, "seed": seed, "epoch": epoch, "train_loss": loss}
        for (gradient, seed), curve in losses.items()
        for epoch, loss in enumerate(curve, 1)
    ]
    return pl.DataFrame(rows).with_columns(accuracy=1 - pl.col("train_loss") / 10)


def pairs(losses: dict[tuple[str, int], list[float]]) -> pl.DataFrame:
    return learning_curves.pairs(curves(losses), METRICS, SETTINGS, "bp")


def test_outcomes_tell_learning_from_chance_and_from_divergence() -> None:
    frame = curves({("bp", 0): [2.0, 0.5], ("bp", 1): [2.3, 2.301], ("bp", 2): [2.0, nan], ("bp", 3): [9.0]})
    last = learning_curves.last_epochs(frame, SETTINGS)
    ended = last.select("epochs", "train_loss", outcome=learning_curves.outcome(CHANCE))
    assert ended["outcome"].to_list() == ["converged", "stuck", "diverged", "stuck"]
    assert ended["epochs"].to_list() == [2, 2, 2, 1] and ended["train_loss"].to_list()[:2] == [0.5, 2.301]


def test_bands_are_students_over_the_seeds_that_have_a_value() -> None:
    frame = curves({("bp", 0): [2.0, 1.0], ("bp", 1): [3.0, 2.0], ("bp", 2): [7.0, nan]})
    bands = learning_curves.bands(frame, METRICS, SETTINGS)
    first, second = (bands.filter(metric="train_loss", epoch=epoch).row(0, named=True) for epoch in (1, 2))
    half = float(student.ppf(0.975, 2)) * sqrt(7) / sqrt(3)  # variance of 2, 3, 7 is 7
    assert (first["value"], first["n"]) == (4.0, 3)
    assert (first["low"], first["high"]) == pytest.approx((4 - half, 4 + half))
    assert (second["value"], second["n"]) == (1.5, 2)
    assert len(bands) == 2 * 2


def test_differences_are_paired_by_seed() -> None:
    losses = {("bp", 0): [2.0, 1.0], ("bp", 1): [5.0, 4.0], ("linbp", 0): [1.9, 1.2], ("linbp", 1): [4.9, 4.2]}
    table = learning_curves.differences(pairs(losses), SETTINGS)
    assert set(table["gradient"]) == {"linbp"} and set(table["reference"]) == {"bp"} and set(table["n"]) == {2}
    row = table.filter(metric="train_loss", epoch=1).row(0, named=True)
    assert (row["low"], row["value"], row["high"]) == pytest.approx((-0.1, -0.1, -0.1))  # whatever the seeds' levels
    assert table.filter(epoch=2)["value"].to_list() == pytest.approx([0.2, -0.02])


def test_windows_are_quarters_the_whole_and_the_end() -> None:
    losses = {("bp", 0): [0.0] * 8, ("linbp", 0): [1.0, 2, 3, 4, 5, 6, 7, 8]}
    windows = {"early": EARLY, "late": LATE, "whole": WHOLE, "end": END}
    table = learning_curves.compared(pairs(losses), SETTINGS, windows).filter(metric="train_loss")
    assert dict(table.select("window", "value").iter_rows()) == {"early": 1.5, "late": 7.5, "whole": 4.5, "end": 8}
    (short,) = learning_curves.compared(
        pairs({("bp", 0): [1.0], ("linbp", 0): [3.0]}), SETTINGS, {"early": EARLY}
    ).filter(metric="train_loss")["value"]
    assert short == 2  # of a single epoch that one is the first quarter


def test_a_training_that_diverges_is_lost_to_what_comes_after() -> None:
    """Seed 1 of LinBP is given up in the second of eight epochs: its first quarter is not whole, and it has no end."""
    losses = {(rule, seed): [2.0] * 8 for rule in ("bp", "linbp") for seed in range(3)}
    table = learning_curves.compared(
        pairs(losses | {("linbp", 1): [2.0, nan]}), SETTINGS, {"early": EARLY, "end": END}
    )  # fmt: skip
    assert table["n"].to_list() == [2] * 4 and table["lost"].to_list() == [1] * 4
    everyone = {("linbp", seed): [2.0, nan] for seed in range(3)}
    table = learning_curves.compared(pairs(losses | everyone), SETTINGS, {"end": END})
    assert table["n"].to_list() == [0, 0] and table["lost"].to_list() == [3, 3] and table["value"].null_count() == 2
