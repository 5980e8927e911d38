"""Claims and outcomes of `linbp.train` from made-up curves whose answers are known."""

from math import log, nan
from typing import Any

import numpy as np
import polars as pl
import pytest

from modules.linbp.train import results
from modules.linbp.train.config import TrainConfig
from suite.claims import Claim
from suite.statistics import rate_of

CHANCE = log(10)
FACTS = {"chance_loss": CHANCE, "samples": {"test": 200}}
Losses = dict[tuple[str, int], list[float]]


def curves(losses: Losses, model: str = "mlp", factor: float = 1.0) -> pl.DataFrame:
    """(gradient, seed) -> losses by epoch; accuracy is 1 - loss / 10, test is as train."""
    rows = [
        {"model": model, "factor": factor, "seed": seed, "gradient": gradient, "epoch": epoch, "loss": loss}
        for (gradient, seed), curve in losses.items()
        for epoch, loss in enumerate(curve, 1)
    ]
    measured = {f"{part}_loss": pl.col("loss") for part in ("train", "test")}
    measured |= {f"{part}_accuracy": 1 - pl.col("loss") / 10 for part in ("train", "test")}
    return pl.DataFrame(rows).with_columns(**measured)


def falling(early: float, end: float, seeds: int = 3, epochs: int = 8) -> Losses:
    """BP falls from 2 to 1; LinBP is below it by `early` in the first quarter and by `end` from then on."""
    noise = [0.001 * (seed - 1) for seed in range(seeds)]
    base: Losses = {("bp", s): list(np.linspace(2, 1, epochs)) for s in range(seeds)}
    gaps = [early if epoch < epochs // 4 else end for epoch in range(epochs)]
    return base | {("linbp", s): list(np.subtract(base["bp", s], gaps) + noise[s]) for s in range(seeds)}


def claims(frame: pl.DataFrame, **options: Any) -> list[Claim]:
    config = TrainConfig.model_validate({"models": ("mlp",), "dataset": "mnist"} | options)
    outcomes, bands = results.outcomes(frame, FACTS), results.bands(frame)
    comparisons, convergence = results.comparisons(frame, config), results.convergence(outcomes, config)
    return list(results.claims(config, bands, comparisons, convergence))


def judged(losses: Losses, model: str = "mlp", factor: float = 1.0, **options: Any) -> dict[tuple[str, str], Claim]:
    """By claim and by what it is about: `train loss`, or the share of seeds."""
    found = claims(curves(losses, model, factor), **options)
    return {(claim.claim, claim.setting.split(", ")[-1]): claim for claim in found}


def verdict(claim: Claim) -> tuple[str, str]:
    return claim.source, claim.judgement.verdict


def test_a_faster_rule_is_found_faster() -> None:
    found = judged(falling(early=0.2, end=0.02))
    early = found["better early", "train loss"]
    assert early.measured and early.measured.value == pytest.approx(-0.2) and early.measured.n == 3
    assert early.setting == "mlp, x1, train loss" and verdict(early) == ("Fig. 3", "reproduced")
    assert verdict(found["better early", "test accuracy"]) == ("Fig. 4", "reproduced")
    assert verdict(found["better at the end", "train loss"]) == ("Fig. 3", "reproduced")
    assert ("comparable at the end", "train loss") not in found  # not what the paper says of the MLP at this rate


def test_a_like_end_is_comparable() -> None:
    alike = judged(falling(early=0.2, end=0.02), factor=10.0)["comparable at the end", "train loss"]
    assert verdict(alike) == ("Fig. 8", "reproduced")  # 0.02 is less than a tenth of 1
    far = judged(falling(early=0.2, end=-0.3), factor=10.0)["comparable at the end", "train loss"]
    assert verdict(far) == ("Fig. 8", "differs")


def test_a_slower_rule_differs_and_a_single_seed_cannot_tell() -> None:
    slower = judged(falling(early=-0.2, end=-0.3))
    assert {verdict(slower["better early", what])[1] for what in ("train loss", "test accuracy")} == {"differs"}
    single = judged(falling(early=0.2, end=0.02, seeds=1))
    assert verdict(single["better early", "train loss"])[1] == "cannot be told"


def test_seeds_that_diverge_leave_no_verdict_on_the_others() -> None:
    """Three of five seeds diverge under LinBP: the other two say nothing of it, though they agree."""
    lost: Losses = {("linbp", seed): [2.0, nan] for seed in range(3)}
    found = judged(falling(early=0.2, end=0.02, seeds=5) | lost)
    means = {claim.judgement.verdict for (name, _), claim in found.items() if name.startswith("better")}
    assert means == {"cannot be told"}
    assert "3 of 5 seeds are lost" in found["better at the end", "train loss"].judgement.note


@pytest.mark.parametrize(
    ("seeds", "learns", "expected"),
    [(6, 0, "reproduced"), (6, 6, "differs"), (6, 1, "cannot be told"), (3, 0, "cannot be told")],
)
def test_divergence_of_one_rule_is_the_claim_about_lenet(seeds: int, learns: int, expected: str) -> None:
    """It is judged by the seeds, and three of them are too few for a sign test."""
    losses: Losses = {("bp", seed): [2.0, 1.5, 1.0, 0.5] for seed in range(seeds)}
    losses |= {("linbp", seed): [2.0, 1.5, 1.0, 0.6] if seed < learns else [2.4, nan] for seed in range(seeds)}
    found = judged(losses, "lenet5", 10.0)
    claim = found["only the reference converges", "share"]
    assert verdict(claim) == ("Fig. 8", expected)
    assert claim.measured and (claim.measured.value, claim.measured.n) == (1 - learns / seeds, seeds)
    assert ("both converge", "share") not in found and ("better at the end", "train loss") not in found


def test_other_data_rules_and_schedules_get_no_verdict() -> None:
    losses = falling(early=0.2, end=0.02)
    for options in ({"dataset": "digits"}, {"dataset": "cifar10"}, {"epochs": 8}, {"test_limit": 50}):
        assert {claim.judgement.verdict for claim in judged(losses, **options).values()} == {"cannot be told"}
    unstretched = judged(losses, factor=0.1)["better early", "train loss"].judgement
    assert unstretched.verdict == "cannot be told" and "longer" in unstretched.note
    stretched = judged(losses, factor=0.1, stretch=True)["better early", "train loss"]
    assert verdict(stretched) == ("Fig. 8", "reproduced")
    sgm: Losses = {(gradient.replace("linbp", "sgm"), seed): curve for (gradient, seed), curve in losses.items()}
    assert judged(sgm, gradients=("bp", "sgm")) == {}
    assert judged(losses, "two-layer") == {}
    cifar = judged(losses, "resnet50", dataset="folder:../shared/data/cifar10-jpeg.zip")
    assert verdict(cifar["comparable at the end", "test loss"]) == ("Fig. 6", "reproduced")


def test_a_rule_alone_is_compared_with_nothing() -> None:
    frame = curves({("bp", 0): [2.0, 1.0]})
    config = TrainConfig(gradients=("bp",))
    assert results.comparisons(frame, config) is None and results.differences(frame, config) is None
    assert results.convergence(results.outcomes(frame, FACTS), config) is None


def test_the_headline_says_how_a_training_ended_that_has_no_accuracy() -> None:
    frame = curves({("bp", 0): [2.0, 1.0], ("linbp", 0): [2.0, nan], ("bp", 1): [2.0, 1.5], ("linbp", 1): [2.0, 1.0]})
    assert results.headline(TrainConfig(), results.outcomes(frame, FACTS), FACTS) == {
        "test accuracy of mlp, bp, x1": rate_of(180, 200, "images"), "test accuracy of mlp, linbp, x1": "diverged"
    }  # fmt: skip
