"""Tables and claims of `linbp.train` from made-up curves whose answers are known."""

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from modules.linbp import train_claims, train_figures, train_tables
from modules.linbp.train_tables import METRICS, Group

CHANCE = log(10)
SETTINGS = ("model", "factor", "gradient")


def rows(losses: dict[tuple[str, int], list[float]], model: str = "mlp", factor: float = 1.0) -> list[dict[str, Any]]:
    """(gradient, seed) -> losses by epoch, as rows; accuracy is 1 - loss / 10, test is as train."""
    return [
        {
            "model": model,
            "factor": factor,
            "seed": seed,
            "gradient": gradient,
            "epoch": epoch + 1,
            **{f"{part}_loss": None if np.isnan(loss) else loss for part in ("train", "test")},
            **{f"{part}_accuracy": None if np.isnan(loss) else 1 - loss / 10 for part in ("train", "test")},
        }
        for (gradient, seed), curve in losses.items()
        for epoch, loss in enumerate(curve)
    ]


def groups(losses: dict[tuple[str, int], list[float]], **settings: Any) -> list[Group]:
    return train_tables.groups(rows(losses, **settings), METRICS, *SETTINGS)


def test_outcomes_tell_learning_from_chance_and_from_divergence() -> None:
    found = groups({("bp", 0): [2.0, 0.5], ("bp", 1): [2.3, 2.301], ("bp", 2): [2.0, np.nan], ("bp", 3): [9.0]})
    outcomes = list(train_tables.outcomes(found, CHANCE))
    assert [row["outcome"] for row in outcomes] == ["converged", "stuck", "diverged", "stuck"]
    assert [row["epochs"] for row in outcomes] == [2, 2, 2, 1]
    assert [row["train_loss"] for row in outcomes][:2] == [0.5, 2.301]


def test_bands_are_students_over_the_seeds_that_have_a_value() -> None:
    found = groups({("bp", 0): [2.0, 1.0], ("bp", 1): [3.0, 2.0], ("bp", 2): [7.0]})
    bands = {(row["metric"], row["epoch"]): row for row in train_tables.bands(found)}
    first, second = bands["train_loss", 1], bands["train_loss", 2]
    half = float(student.ppf(0.975, 2)) * sqrt(7) / sqrt(3)  # variance of 2, 3, 7 is 7
    assert (first["mean"], first["n"]) == (4.0, 3)
    assert (first["low"], first["high"]) == pytest.approx((4 - half, 4 + half))
    assert (second["mean"], second["n"]) == (1.5, 2)
    assert len(bands) == 4 * 2


def test_differences_are_paired_by_seed() -> None:
    found = groups({("bp", 0): [2.0, 1.0], ("bp", 1): [5.0, 4.0], ("linbp", 0): [1.9, 1.2], ("linbp", 1): [4.9, 4.2]})
    told = {(row["metric"], row["epoch"]): row for row in train_tables.differences(found, "bp")}
    row = told["train_loss", 1]
    assert (row["gradient"], row["reference"], row["n"]) == ("linbp", "bp", 2)
    assert (row["low"], row["mean"], row["high"]) == pytest.approx((-0.1, -0.1, -0.1))  # whatever the seeds' own levels
    assert told["train_loss", 2]["mean"] == pytest.approx(0.2)
    assert told["test_accuracy", 2]["mean"] == pytest.approx(-0.02)


def curves(early: float, end: float, seeds: int = 3, epochs: int = 8) -> dict[tuple[str, int], list[float]]:
    """BP falls from 2 to 1; LinBP is below it by `early` in the first quarter and by `end` in the last epoch."""
    noise = [0.001 * (seed - 1) for seed in range(seeds)]
    base = {("bp", s): list(np.linspace(2, 1, epochs)) for s in range(seeds)}
    gaps = [early if epoch < epochs // 4 else end for epoch in range(epochs)]
    ours = {("linbp", s): list(np.subtract(base["bp", s], gaps) + noise[s]) for s in range(seeds)}
    return base | ours


def told(found: list[Group], dataset: str | None = "mnist") -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["claim"], row["metric"]): row for row in train_claims.claims(found, "bp", CHANCE, dataset)}


def test_a_faster_rule_is_found_faster_and_a_like_end_alike() -> None:
    claims = told(groups(curves(early=0.2, end=0.02)))
    assert claims["both converge", "share of seeds"]["holds"] == "yes"
    assert claims["only the reference converges", "share of seeds"]["holds"] == "no"
    early = claims["better early", "train_loss"]
    assert early["mean"] == pytest.approx(-0.2) and early["n"] == 3
    assert (early["holds"], early["paper"], early["verdict"]) == ("yes", "Fig. 3", "reproduced")
    assert claims["better early", "test_accuracy"]["paper"] == "Fig. 4"
    assert claims["comparable at the end", "train_loss"]["holds"] == "yes"  # 0.02 is less than a tenth of 1
    assert claims["comparable at the end", "train_loss"]["verdict"] == ""  # not what the paper says of the MLP
    assert claims["better at the end", "train_loss"]["verdict"] == "reproduced"


def test_a_slower_rule_differs_and_a_single_seed_cannot_tell() -> None:
    claims = told(groups(curves(early=-0.2, end=-0.3)))
    assert claims["better early", "train_loss"]["verdict"] == "differs"
    assert claims["better early", "test_accuracy"]["verdict"] == "differs"
    assert claims["comparable at the end", "train_loss"]["holds"] == "no"
    single = told(groups(curves(early=0.2, end=0.02, seeds=1)))
    assert single["better early", "train_loss"]["verdict"] == "cannot be told"


def test_divergence_of_one_rule_is_the_claim_about_lenet() -> None:
    diverged = {("linbp", seed): [2.4, np.nan] for seed in range(3)}
    learned = {("bp", seed): [2.0, 1.5, 1.0, 0.5] for seed in range(3)}
    claims = told(groups(learned | diverged, model="lenet5", factor=10.0))
    row = claims["only the reference converges", "share of seeds"]
    assert (row["mean"], row["n"], row["paper"], row["verdict"]) == (1.0, 3, "Fig. 8", "reproduced")
    assert claims["both converge", "share of seeds"]["verdict"] == ""
    assert ("better at the end", "train_loss") not in claims  # there is no common end
    mixed = learned | diverged | {("linbp", 0): [2.0, 1.5, 1.0, 0.6]}
    claims = told(groups(mixed, model="lenet5", factor=10.0))
    assert claims["only the reference converges", "share of seeds"]["verdict"] == "cannot be told"


def test_other_data_rules_and_schedules_get_no_verdict() -> None:
    found = groups(curves(early=0.2, end=0.02))
    for dataset in ("digits", None, "cifar10"):
        assert {row["verdict"] for row in told(found, dataset).values()} == {""}
    sgm = {(gradient.replace("linbp", "sgm"), seed): curve for (gradient, seed), curve in curves(0.2, 0.02).items()}
    assert {row["verdict"] for row in told(groups(sgm)).values()} == {""}
    cifar = told(groups(curves(0.2, 0.02), model="resnet50"), "folder:../shared/data/cifar10-jpeg.zip")
    assert cifar["comparable at the end", "test_loss"]["paper"] == "Fig. 6"


def test_figures_have_a_row_per_factor_and_a_line_per_training() -> None:
    both = [*rows(curves(0.2, 0.02)), *rows(curves(0.2, 0.02), model="lenet5")]
    both += [{**row, "factor": 10.0} for row in both]
    found = train_tables.groups(both, METRICS, *SETTINGS)
    bands, differences = list(train_tables.bands(found)), list(train_tables.differences(found, "bp"))
    figure = train_figures.curves(bands, "train", 10)
    assert [axis.get_title() for axis in figure.axes] == ["1 x learning rate"] * 2 + ["10 x learning rate"] * 2
    assert [len(axis.lines) for axis in figure.axes] == [4] * 4
    assert all(axis.get_xlabel() == "epoch" and axis.get_ylabel() for axis in figure.axes)
    plotted = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    assert np.allclose(np.asarray(plotted["mlp, bp"], dtype=float), np.linspace(2, 1, 8))
    figure = train_figures.differences(differences)
    assert len(figure.axes) == 8


def test_a_diverging_line_does_not_hide_the_others() -> None:
    wild = groups({("bp", 0): [2.0, 1.0, 0.5], ("linbp", 0): [1e9, 1e30, np.nan]})
    figure = train_figures.curves(list(train_tables.bands(wild)), "train", 10)
    assert figure.axes[0].get_ylim() == (0, pytest.approx(1.25 * log(10)))
