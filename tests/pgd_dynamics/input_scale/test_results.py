"""Tables, claims and figures of `pgd_dynamics.input_scale` on trainings whose losses are known."""

import polars as pl
import pytest

from modules.pgd_dynamics.input_scale import figures, results
from modules.pgd_dynamics.input_scale.config import InputScaleConfig
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim

LOSSES = {(0.1, 0.01): 2.0, (0.1, 0.1): 1.0, (1.0, 0.01): 1.5, (1.0, 0.1): 1.8}
CONFIG = InputScaleConfig(scales=(0.1, 1.0), learning_rates=(0.01, 0.1))


def trainings(*diverged: tuple[float, float], training: str = "adversarial", seeds: int = 3) -> pl.DataFrame:
    """Two epochs of each seed; losses differ between seeds by 0.01, alike for all; the first epoch is 1 higher.

    Of the cells given, the last seed diverged.
    """
    return pl.DataFrame(
        {
            "training": training, "scale": scale, "learning_rate": rate, "seed": seed, "epoch": epoch,
            "train_loss": loss + 0.01 * seed + (2 - epoch) + 0.001 * (seed == 1) * scale,
            "train_accuracy": 0.5, "robust_loss": loss, "robust_accuracy": 0.4,
            "diverged": (scale, rate) in diverged and seed == seeds - 1,
        }
        for (scale, rate), loss in LOSSES.items() for seed in range(seeds) for epoch in (1, 2)
    )  # fmt: skip


def summary(curves: pl.DataFrame) -> pl.DataFrame:
    return results.summary(results.outcomes(curves))


def comparisons(curves: pl.DataFrame) -> pl.DataFrame:
    return results.comparisons(results.outcomes(curves), summary(curves))


def claims(curves: pl.DataFrame) -> dict[str, Claim]:
    """By learning rate."""
    table = comparisons(curves)
    return dict(zip(table["learning_rate"], results.claims(table), strict=True))


def verdicts(curves: pl.DataFrame) -> dict[str, str]:
    return {rate: claim.judgement.verdict for rate, claim in claims(curves).items()}


def best(table: pl.DataFrame) -> list[tuple[float, float]]:
    return table.filter("best").select("scale", "learning_rate").rows()


def test_the_best_rate_of_each_scale() -> None:
    table = summary(trainings())
    assert best(table) == [(0.1, 0.1), (1.0, 0.01)]
    first = table.row(0, named=True)
    assert first["train_loss"] == pytest.approx(2.01, abs=1e-3)  # of the last epoch
    assert first["train_loss_low"] < 2.01 < first["train_loss_high"] and first["n"] == 3
    assert results.headline(table).keys() == {"adversarial loss at scale 0.1", "adversarial loss at scale 1"}


def test_scales_are_compared_by_seed_at_each_rate_and_each_at_its_best() -> None:
    rows = {row["learning_rate"]: row for row in comparisons(trainings()).iter_rows(named=True)}
    assert [*rows] == ["0.01", "0.1", "best"]
    assert all((row["smaller"], row["larger"], row["n"], row["lost"]) == (0.1, 1.0, 3, 0) for row in rows.values())
    assert rows["0.01"]["value"] == pytest.approx(0.5, abs=1e-3)
    assert rows["best"]["value"] == pytest.approx(-0.5, abs=1e-3)
    assert rows["best"]["high"] - rows["best"]["low"] < 0.01  # what the seeds share has cancelled


def test_each_scale_is_compared_with_the_next_larger_one() -> None:
    curves = trainings()
    third = curves.filter(scale=1.0).with_columns(scale=pl.lit(10.0), train_loss=pl.col("train_loss") - 0.2)
    table = comparisons(pl.concat([third, curves])).filter(learning_rate="0.1")
    assert table.select("smaller", "larger").rows() == [(0.1, 1.0), (1.0, 10.0)]
    assert table["value"].to_list() == pytest.approx([-0.8, 0.2], abs=1e-3)


def test_a_smaller_scale_helps_where_its_loss_is_lower() -> None:
    judged = claims(trainings())
    assert [judged[rate].judgement.verdict for rate in ("0.01", "0.1", "best")] == [DIFFERS, REPRODUCED, REPRODUCED]
    assert judged["best"].setting == "scale 0.1 against 1, each at its best rate"
    assert judged["0.1"].setting == "scale 0.1 against 1, learning rate 0.1"
    assert judged["best"].measured is not None and judged["best"].measured.unit == "nats"


def test_clean_training_is_to_be_unaffected_within_a_margin() -> None:
    clean = trainings(training="clean")
    assert set(verdicts(clean).values()) == {DIFFERS}  # also where the smaller scale is the better one
    alike = clean.with_columns(train_loss=2 + 0.01 * pl.col("seed") * pl.col("scale"))
    assert set(verdicts(alike).values()) == {REPRODUCED}
    scattered = clean.with_columns(train_loss=2 + pl.col("seed") * pl.col("scale"))
    assert set(verdicts(scattered).values()) == {CANNOT_TELL}


def test_seeds_that_scatter_decide_nothing() -> None:
    scattered = trainings().with_columns(train_loss=2 + (pl.col("seed") - 1) * pl.col("scale"))
    assert set(verdicts(scattered).values()) == {CANNOT_TELL}


def test_a_rate_at_which_a_seed_diverges_is_never_the_best_and_not_compared() -> None:
    curves = trainings((0.1, 0.1))
    assert best(summary(curves)) == [(0.1, 0.01), (1.0, 0.01)]
    row = summary(curves).filter(scale=0.1, learning_rate=0.1).row(0, named=True)
    assert (row["train_loss"], row["robust_loss"], row["n"], row["diverged"]) == (None, None, 3, 1)
    judged = claims(curves)
    assert verdicts(curves) == {"0.01": DIFFERS, "0.1": CANNOT_TELL, "best": DIFFERS}
    assert judged["0.1"].judgement.note == "1 of 3 seeds are lost, which could turn the answer"


def test_a_scale_at_which_every_rate_diverges_has_no_best() -> None:
    curves = trainings((0.1, 0.01), (0.1, 0.1))
    row = comparisons(curves).row(-1, named=True)
    assert (row["learning_rate"], row["value"], row["n"], row["lost"]) == ("best", None, 0, 3)
    assert set(verdicts(curves).values()) == {CANNOT_TELL}


def test_figures_show_each_scale_and_its_best_rate() -> None:
    curves = trainings()
    table = results.by_epoch(curves, summary(curves))
    assert table.select("scale", "learning_rate", "epoch", "n").rows() == [
        (0.1, 0.1, 1, 3), (0.1, 0.1, 2, 3), (1.0, 0.01, 1, 3), (1.0, 0.01, 2, 3),
    ]  # fmt: skip
    figure, caption = figures.training_loss(table, CONFIG)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["scale = 0.1", "scale = 1", "learning rate = 0.01", "learning rate = 0.1"]
    assert "(0.01, 0.1)" in caption
    figure, _ = figures.rates(summary(curves), CONFIG)
    assert len(figure.axes[0].containers) == 2


def test_figures_of_rates_that_all_diverged_are_empty() -> None:
    curves = trainings(*LOSSES)
    _, caption = figures.training_loss(results.by_epoch(curves, summary(curves)), CONFIG)
    assert "(none without divergence)" in caption
    figures.rates(summary(curves), CONFIG)
