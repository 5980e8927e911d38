"""Tables, claims and the figure of `linbp.adv_train` from made-up curves whose answers are known."""

from math import log, nan
from typing import Any

import polars as pl
import pytest

from modules.linbp.adv_train import results
from modules.linbp.adv_train.config import AdvTrainConfig
from modules.linbp.adv_train.figures import NAMES, robust_curves
from suite.claims import Claim
from suite.statistics import rate_of

FACTS = {"chance_loss": log(10)}
PAPER = {"model": "mobilenetv2", "dataset": "cifar10", "learning_rate": 0.01, "epochs": None}
Robust = dict[tuple[str, int], list[float]]

# Strategy 1 is ahead throughout; with examples too it is ahead of strategy 1 in the last quarter only.
CURVES: Robust = {
    **{("bp", s): [0.20 + s / 100] * 8 for s in range(3)},
    **{("weights", s): [0.25 + s / 100 + s / 1000] * 8 for s in range(3)},
    **{("weights+examples", s): [0.20 + s / 100] * 6 + [0.35 + s / 100 + s / 1000] * 2 for s in range(3)},
}


def curves(robust: Robust, n: int = 200) -> pl.DataFrame:
    """(strategy, seed) -> robust accuracy by epoch, as rows; clean accuracy is 0.1 above, APGD's 0.05 below."""
    rows = [
        {
            "model": "mobilenetv2", "strategy": strategy, "seed": seed, "n": n, "epoch": epoch,
            "train_loss": 1.0, "train_accuracy": accuracy, "clean_loss": 0.5, "clean_accuracy": accuracy + 0.1,
            "robust_accuracy": accuracy, "apgd_accuracy": accuracy - 0.05 if epoch == len(curve) else None,
        }
        for (strategy, seed), curve in robust.items()
        for epoch, accuracy in enumerate(curve, 1)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def claims(robust: Robust, **options: Any) -> dict[tuple[str, str], Claim]:
    strategies = tuple(dict.fromkeys(strategy for strategy, _ in robust))
    config = AdvTrainConfig.model_validate({**PAPER, "strategies": strategies} | options)
    found = results.claims(config, results.comparisons(curves(robust), config))
    return {(claim.setting, claim.claim.removeprefix("robust accuracy higher ")): claim for claim in found}


def test_outcomes_are_the_last_epoch_with_wilsons_intervals() -> None:
    first = results.outcomes(curves(CURVES), FACTS).row(0, named=True)
    interval = rate_of(40, 200)
    assert (first["strategy"], first["seed"], first["epochs"], first["outcome"]) == ("bp", 0, 8, "converged")
    names = ("robust_accuracy", "robust_accuracy_low", "robust_accuracy_high", "n")
    assert [first[name] for name in names] == pytest.approx([interval.value, interval.low, interval.high, 200])
    assert first["apgd_accuracy"] == pytest.approx(0.15)
    unasked = curves(CURVES).with_columns(apgd_accuracy=None)
    assert results.outcomes(unasked, FACTS)["apgd_accuracy_high"].null_count() == 9


def test_a_collapse_is_an_outcome_of_its_own() -> None:
    watched = curves({("bp", 0): [0.4, 0.02], ("bp", 1): [0.4, 0.5]}).with_columns(
        collapsed=pl.col("robust_accuracy") < 0.1, train_loss=pl.Series([1.0, 1.0, 1.0, nan])
    )
    assert results.outcomes(watched, FACTS)["outcome"].to_list() == ["collapsed", "diverged"]
    config = AdvTrainConfig(strategies=("bp",))
    assert results.headline(config, results.outcomes(watched, FACTS)) == {"robust accuracy of bp": "collapsed"}


def test_bands_are_over_seeds_or_over_test_images() -> None:
    row = results.bands(curves(CURVES)).filter(strategy="bp", metric="robust_accuracy", epoch=1).row(0, named=True)
    assert row["value"] == pytest.approx(0.21) and (row["n"], row["over"]) == (3, "seeds")
    alone = results.bands(curves({("bp", 0): [0.2]}))
    row = alone.filter(metric="robust_accuracy").row(0, named=True)
    wilson = rate_of(40, 200)
    assert (row["low"], row["high"], row["n"]) == pytest.approx((wilson.low, wilson.high, 200))
    loss = alone.filter(metric="train_loss").row(0, named=True)
    assert (loss["value"], loss["low"], loss["n"], loss["over"]) == (1.0, None, 1, "seeds")


def test_claims_are_those_of_the_figure() -> None:
    found = claims(CURVES)
    assert len(found) == 5 and {claim.source for claim in found.values()} == {"Fig. 7"}
    first = found["weights against bp", "over all epochs"]
    assert first.measured and first.measured.value == pytest.approx(0.051)
    late = found["weights+examples against weights", "in the last quarter"]
    assert late.measured and late.measured.value == pytest.approx(0.1)
    assert first.judgement.verdict == "reproduced"
    assert ("weights+examples against weights", "over all epochs") not in found  # the paper does not claim it
    table = results.comparisons(curves(CURVES), AdvTrainConfig())
    assert table is not None and len(table) == 3 * 2 * 2  # but it is measured, and clean accuracy too


def test_trainings_of_another_kind_or_that_are_lost_get_no_verdict() -> None:
    for options in ({"dataset": "digits"}, {"epochs": 8}, {"eps": 0.1}, {"gradient": "guided"}, {"test_limit": 50}):
        assert {claim.judgement.verdict for claim in claims(CURVES, **options).values()} == {"cannot be told"}
    lost = claims(CURVES | {("weights", 1): [0.25, 0.1]})
    judgement = lost["weights against bp", "over all epochs"].judgement
    assert judgement.verdict == "cannot be told" and "1 of 3 seeds are lost" in judgement.note


def test_one_strategy_is_compared_with_nothing() -> None:
    alone, config = curves({("bp", 0): [0.2]}), AdvTrainConfig(strategies=("bp",))
    assert results.comparisons(alone, config) is None and results.differences(alone, config) is None
    assert not list(results.claims(config))


def test_the_figure_has_a_line_per_strategy() -> None:
    config = AdvTrainConfig.model_validate(PAPER)
    figure, caption = robust_curves(results.bands(curves(CURVES)), results.outcomes(curves(CURVES), FACTS), config)
    assert [axes.get_ylabel() for axes in figure.axes] == ["robust accuracy (%)", "clean accuracy (%)"]
    assert [[line.get_label() for line in axes.lines] for axes in figure.axes] == [[*NAMES.values()]] * 2
    assert "PGD-5, linf eps 8/255" in caption and "3 seeds (Student)" in caption
