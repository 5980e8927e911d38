"""Tables and claims of `linbp.adv_train` from made-up curves whose answers are known."""

from math import log
from typing import Any

import pytest

from modules.linbp import adv_figures, adv_tables, train_tables
from modules.linbp.train_tables import Group
from suite.stats import wilson


def rows(robust: dict[tuple[str, int], list[float]], n: int = 200) -> list[dict[str, Any]]:
    """(strategy, seed) -> robust accuracy by epoch, as rows; clean accuracy is 0.1 above."""
    return [
        {
            "model": "mobilenetv2", "strategy": strategy, "seed": seed, "n": n, "epoch": epoch + 1,
            "train_loss": 1.0, "train_accuracy": accuracy, "clean_loss": 0.5, "clean_accuracy": accuracy + 0.1,
            "robust_accuracy": accuracy, "apgd_accuracy": accuracy - 0.05 if epoch == len(curve) - 1 else None,
        }
        for (strategy, seed), curve in robust.items()
        for epoch, accuracy in enumerate(curve)
    ]  # fmt: skip


def groups(table: list[dict[str, Any]]) -> list[Group]:
    return train_tables.groups(table, adv_tables.METRICS, "model", "strategy")


# Strategy 1 is ahead throughout; with examples too it is ahead of strategy 1 in the last quarter only.
CURVES = {
    **{("bp", s): [0.20 + s / 100] * 8 for s in range(3)},
    **{("weights", s): [0.25 + s / 100 + s / 1000] * 8 for s in range(3)},
    **{("weights+examples", s): [0.20 + s / 100] * 6 + [0.35 + s / 100] * 2 for s in range(3)},
}


def test_outcomes_are_the_last_epoch_with_wilsons_intervals() -> None:
    first = next(adv_tables.outcomes(rows(CURVES), log(10)))
    interval = wilson(40, 200)
    assert (first["strategy"], first["seed"], first["epochs"], first["outcome"]) == ("bp", 0, 8, "converged")
    names = ("robust_accuracy", "robust_accuracy_low", "robust_accuracy_high", "n")
    assert [first[name] for name in names] == [interval.rate, interval.low, interval.high, 200]
    assert first["apgd_accuracy"] == pytest.approx(0.15)
    unasked = [{**row, "apgd_accuracy": None} for row in rows(CURVES)]
    assert next(adv_tables.outcomes(unasked, log(10)))["apgd_accuracy_high"] is None


def test_bands_are_over_seeds_or_over_test_images() -> None:
    several = {
        (r["strategy"], r["metric"], r["epoch"]): r for r in adv_tables.bands(groups(rows(CURVES)), rows(CURVES))
    }
    row = several["bp", "robust_accuracy", 1]
    assert row["mean"] == pytest.approx(0.21) and (row["n"], row["over"]) == (3, "seeds")
    one = rows({("bp", 0): [0.2]})
    (row,) = [r for r in adv_tables.bands(groups(one), one) if r["metric"] == "robust_accuracy"]
    assert (row["low"], row["high"], row["n"]) == (wilson(40, 200).low, wilson(40, 200).high, 200)


def test_claims_are_those_of_the_figure() -> None:
    told = {
        (row["strategy"], row["reference"], row["claim"], row["metric"]): row
        for row in adv_tables.claims(groups(rows(CURVES)), as_published=True)
    }
    first = told["weights", "bp", "higher over all epochs", "robust_accuracy"]
    assert first["mean"] == pytest.approx(0.051) and (first["paper"], first["verdict"]) == ("Fig. 7", "reproduced")
    late = told["weights+examples", "weights", "higher in the last quarter", "robust_accuracy"]
    assert late["mean"] == pytest.approx(0.099) and late["verdict"] == "reproduced"
    whole = told["weights+examples", "weights", "higher over all epochs", "robust_accuracy"]
    assert (whole["holds"], whole["verdict"]) == ("no", "")  # the paper does not claim it
    assert told["weights", "bp", "higher over all epochs", "clean_accuracy"]["verdict"] == ""
    assert {row["verdict"] for row in adv_tables.claims(groups(rows(CURVES)), as_published=False)} == {""}
    assert not list(adv_tables.claims(groups(rows({("bp", 0): [0.2]})), as_published=True))


def test_the_figure_has_a_line_per_strategy() -> None:
    figure = adv_figures.curves(list(adv_tables.bands(groups(rows(CURVES)), rows(CURVES))))
    assert [axis.get_ylabel() for axis in figure.axes] == ["robust accuracy (%)", "clean accuracy (%)"]
    assert [[line.get_label() for line in axis.lines] for axis in figure.axes] == [
        ["bp", "weights", "weights+examples"]
    ] * 2
