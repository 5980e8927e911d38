"""Gaps, collapses and the smallest unstable eps from made-up curves whose answers are known."""

from math import inf, isnan, log
from typing import Any

import numpy as np
import pytest

from modules.phase_transition import overfitting_claims, overfitting_figures, overfitting_tables
from suite.stats import mean_interval

EPOCHS = 6
REFERENCE = 4
HEALTHY = ([0.1, 0.3, 0.5, 0.6, 0.6, 0.6], [0.1, 0.35, 0.55, 0.65, 0.65, 0.66])
SPOILT = ([0.1, 0.3, 0.5, 0.05, 0.0, 0.0], [0.1, 0.35, 0.55, 0.8, 0.9, 0.9])
NEVER = ([0.1, 0.1, 0.05, 0.02, 0.0, 0.0], [0.1, 0.1, 0.15, 0.3, 0.5, 0.6])


def training(
    kind: str,
    eps: float,
    seed: int,
    gap: list[float] | None = None,
    accuracies: tuple[list[float], list[float]] = HEALTHY,
    samples: int = 100,
    **changed: Any,
) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind, "model": "m", "samples": samples, "gradient": "bp", "eps": eps, "seed": seed,
            "epoch": epoch + 1, "train_loss": 0.2 + eps, "watched_loss": 1.0, "watched_accuracy": accuracies[0][epoch],
            "one_step_accuracy": accuracies[1][epoch] if eps else None,
            "robust_test_loss": 0.2 + eps + (gap or [0.1] * EPOCHS)[epoch], "clean_test_loss": 0.3,
            "clean_test_accuracy": 0.9 + epoch / 100, "clean_train_loss": 0.1, "selected": epoch == 2,
            "diverged": False, **changed,
        }
        for epoch in range(EPOCHS)
    ]  # fmt: skip


def growing(last: float) -> list[float]:
    return [0.0, 0.05, 0.1, 0.2, 0.25, last]


def test_gaps_are_in_units_of_the_reference_epoch() -> None:
    rows = [row for seed in range(3) for row in training("many steps", 0.1, seed, growing(0.3 + seed / 10))]
    rows += [row for seed in range(3) for row in training("one step", 0.1, seed)]
    told = {(row["measure"], row["epoch"]): row for row in overfitting_tables.gaps(rows, REFERENCE)}
    assert len(told) == 3 * EPOCHS and {row["n"] for row in told.values()} == {3}
    assert told["robust_gap", 6]["mean"] == pytest.approx(0.4)
    assert told["ratio", 4]["mean"] == pytest.approx(1) and told["ratio", 6]["mean"] == pytest.approx(2)
    assert told["ratio", 6]["high"] == pytest.approx(2 + 0.5 * 4.302653 / 3**0.5, rel=1e-6)
    assert told["clean_gap", 1]["mean"] == pytest.approx(0.2)
    first, *_ = growth = list(overfitting_tables.growth(rows, REFERENCE))
    assert len(growth) == 3 and (first["growth"], first["ratio"]) == (pytest.approx(0.1), pytest.approx(1.5))
    assert first["clean_accuracy_gained"] == pytest.approx(0.02)
    (mean,) = overfitting_tables.growth_means(growth)
    assert mean["ratio"] == pytest.approx(2) and mean["gap_at_end"] == pytest.approx(0.4) and mean["n"] == 3


def test_a_gap_that_is_not_above_zero_is_no_unit() -> None:
    rows = training("many steps", 0.1, 0, [0.1, 0.1, 0.1, -0.1, 0.2, 0.3]) + training(
        "many steps", 0.1, 1, growing(0.4)
    )
    assert [row["n"] for row in overfitting_tables.gaps(rows, REFERENCE) if row["measure"] == "ratio"] == [1] * EPOCHS
    growth = list(overfitting_tables.growth(rows, REFERENCE))
    assert growth[0]["ratio"] != growth[0]["ratio"] and growth[0]["growth"] == pytest.approx(0.4)
    (mean,) = overfitting_tables.growth_means(growth)
    assert mean["n"] == 1 and mean["ratio"] == pytest.approx(2) and mean["growth"] == pytest.approx(0.3)


def test_diverged_trainings_are_left_out() -> None:
    rows = training("many steps", 0.1, 0, diverged=True, train_loss=None) + training("one step", 0.1, 0, diverged=True)
    assert not list(overfitting_tables.gaps(rows, REFERENCE)) and not list(overfitting_tables.growth(rows, REFERENCE))
    assert not list(overfitting_tables.collapses(rows))


def test_collapses_tell_when_and_from_where() -> None:
    rows = [
        *training("clean", 0.0, 0),
        *training("many steps", 0.3, 0),
        *training("one step", 0.1, 0),
        *training("one step", 0.3, 0, accuracies=SPOILT),
        *training("one step", 0.5, 0, accuracies=NEVER),
    ]
    many, healthy, spoilt, never = overfitting_tables.collapses(rows)
    assert (many["kind"], many["collapsed"], healthy["collapsed"]) == ("many steps", False, False)
    assert (healthy["epoch"], healthy["many_steps"]) == (6, 0.6)
    assert (spoilt["collapsed"], spoilt["fell"], spoilt["epoch"], spoilt["best_many_steps"]) == (True, True, 4, 0.5)
    assert spoilt["rise"] == pytest.approx(0.25)
    assert (never["collapsed"], never["fell"], never["epoch"]) == (True, False, 4)
    stability = {(row["kind"], row["eps"]): row for row in overfitting_tables.stability([healthy, spoilt, never])}
    assert [(row["collapsed"], row["fell"], row["n"]) for row in stability.values()] == [
        (0, 0, 1),
        (1, 1, 1),
        (1, 0, 1),
    ]


def listed(*spoilt: float, seed: int = 0, samples: int = 100) -> list[dict[str, Any]]:
    return [
        row
        for eps in (0.1, 0.2, 0.3)
        for row in training("one step", eps, seed, accuracies=SPOILT if eps in spoilt else HEALTHY, samples=samples)
    ]


def unstable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(overfitting_tables.unstable(list(overfitting_tables.collapses(rows)), rows))


@pytest.mark.parametrize(
    ("spoilt", "stable", "eps", "outcome", "monotone", "text"),
    [
        ((0.2, 0.3), 0.1, 0.2, "found", True, "0.2"),
        ((0.2,), 0.1, 0.2, "found", False, "0.2"),
        ((0.1, 0.2, 0.3), 0.0, 0.1, "below", True, "0.1"),
        ((), 0.3, None, "above", True, "above 0.3 for 1 of 1 seeds"),
    ],
)
def test_the_smallest_unstable_strength_or_its_bound(
    spoilt: tuple[float, ...], stable: float, eps: float | None, outcome: str, monotone: bool, text: str
) -> None:
    (row,) = found = unstable(listed(*spoilt))
    assert (row["unstable_eps"], row["outcome"], row["monotone"]) == (eps, outcome, monotone)
    assert row["stable_eps"] == stable
    assert row["largest_tried"] == 0.3 and row["eps_star_text"] == "not told"
    assert overfitting_tables.unstable_texts(found) == {100: text}


def test_eps_star_is_read_off_the_trainings_by_many_steps() -> None:
    """Training loss 0.2 + eps against the objective on clean test samples, 0.2 + its gap of 0.15."""
    many = [row for eps in (0.1, 0.2) for row in training("many steps", eps, 0)]
    (row,) = unstable(listed(0.2) + training("clean", 0.0, 0, [0.15] * EPOCHS) + many)
    assert row["eps_star"] == pytest.approx(0.15) and row["eps_star_text"] == "0.15"
    (row,) = unstable(listed(0.2) + training("clean", 0.0, 0, [0.5] * EPOCHS) + many)
    assert row["eps_star"] != row["eps_star"] and row["eps_star_text"] == "> 0.2"


def test_claims_are_judged_by_their_intervals() -> None:
    rows = []
    for seed in range(3):
        rows += training("clean", 0.0, seed, growing(0.2 + seed / 100))
        rows += training("many steps", 0.05, seed, growing(0.3))
        rows += training("many steps", 0.4, seed, growing(0.6))
        rows += listed(0.2, 0.3, seed=seed) + listed(0.1, 0.2, 0.3, seed=seed, samples=300)
    growth, collapses = list(overfitting_tables.growth(rows, REFERENCE)), list(overfitting_tables.collapses(rows))
    found = list(overfitting_tables.unstable(collapses, rows))
    told = {row["claim"]: row for row in overfitting_claims.claims(growth, collapses, found)}
    ratio = told["n = 100: ratio of the robust gap, end over reference, eps 0.4 minus clean"]
    assert ratio["mean"] == pytest.approx(3 - 1.05) and (ratio["n"], ratio["verdict"]) == (3, "reproduced")
    star = told["n = 100: smallest unstable eps minus eps_star, wherever between the strengths tried"]
    assert star["mean"] == pytest.approx(0.15 - 0.1), "between 0.1 and 0.2"
    assert star["low"] < 0 and star["high"] > 0.1 and star["verdict"] == "cannot be told"
    sizes = told["log of the smallest unstable eps, n = 100 over n = 300, wherever between the strengths tried"]
    assert isnan(sizes["mean"]) and sizes["verdict"] == "cannot be told"
    assert (sizes["low"], sizes["high"]) == (-inf, inf), "of n = 300 the least strength tried is unstable already"
    rise = told["n = 300: rise of the accuracy under one step while that under many collapses"]
    assert (rise["n"], rise["above_zero"], rise["verdict"]) == (9, "yes", "")
    assert told["n = 100: clean training's test accuracy, end minus reference"]["mean"] == pytest.approx(0.02)
    assert not list(overfitting_claims.claims(growth[:1], collapses[:1], found[:1]))


def test_thresholds_are_told_apart_only_beyond_the_strengths_between_which_they_lie() -> None:
    """n = 100: stable at 0.3, unstable at 0.33; n = 300: stable at 0.1, unstable at 0.11."""
    rows = [
        {"samples": samples, "seed": seed, "eps_star": 0.05, "stable_eps": low, "unstable_eps": high}
        for seed in range(5)
        for samples, low, high in ((100, 0.3, 0.33), (300, 0.1, 0.11))
    ]
    told = {row["claim"].partition(", wherever")[0]: row for row in overfitting_claims.claims([], [], rows)}
    sizes = told["log of the smallest unstable eps, n = 100 over n = 300"]
    lowest, highest = log(0.3 / 0.11), log(0.33 / 0.1)
    assert sizes["mean"] == pytest.approx((lowest + highest) / 2) and sizes["verdict"] == "reproduced"
    limits = [mean_interval(draw) for draw in np.random.default_rng(0).uniform(lowest, highest, (200, 5))]
    limits += [mean_interval([lowest] * count + [highest] * (5 - count)) for count in range(6)]
    assert sizes["low"] == pytest.approx(min(limit.low for limit in limits)), "the extremes are at corners"
    assert sizes["high"] == pytest.approx(max(limit.high for limit in limits))
    assert told["n = 300: smallest unstable eps minus eps_star"]["verdict"] == "reproduced"


def test_figures_have_a_line_per_strength_and_seed() -> None:
    rows = []
    for seed in range(2):
        rows += training("clean", 0.0, seed) + training("many steps", 0.05, seed, growing(0.3))
        rows += listed(0.2, 0.3, seed=seed)
    figure = overfitting_figures.gaps(list(overfitting_tables.gaps(rows, REFERENCE)), REFERENCE)
    assert [len(axis.lines) for axis in figure.axes] == [3, 3]
    ratio = figure.axes[1].lines[1].get_xdata()
    assert list(ratio) == [4, 5, 6]
    panels = overfitting_figures.collapses(rows, list(overfitting_tables.collapses(rows))).axes
    crosses = [sum(line.get_marker() == "x" for line in axis.lines) for axis in panels]
    assert crosses == [0, 2, 2]
