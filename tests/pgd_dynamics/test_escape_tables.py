"""Steps, medians, claims and figures of `pgd_dynamics.escape` on paths whose numbers are known."""

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from modules.pgd_dynamics.escape_claims import (
    EARLY,
    EASY,
    HARD,
    LATE,
    SMALLER_RATIO,
    SMALLER_SCALE,
    SOONER,
    WORSE,
    comparisons,
)
from modules.pgd_dynamics.escape_claims import claims as all_claims
from modules.pgd_dynamics.escape_figures import escape
from modules.pgd_dynamics.escape_tables import Paths, ascents, curves, first_step, found, median_interval, summary

STEPS = 40


def path(steps: int, top: float = 3.0, **names: Any) -> tuple[dict[str, Any], np.ndarray]:
    """An ascent from 1 to `top` that gets there in so many even steps."""
    row = {
        "seed": 0, "scale": 1.0, "epoch": 0, "ratio": 1.0, "eps": 2.0, "id": 0, "rule": "raw", "gradient": "bp",
        "first_step": 0.1, "end_radius": 1.0, "end_outward": 1.0,
    }  # fmt: skip
    return row | names, 1 + (top - 1) * np.minimum(np.arange(STEPS + 1) / steps, 1)


def joined(*made: tuple[dict[str, Any], np.ndarray], end: float = 0.0) -> Paths:
    """The paths as two stored parts; every one of another rule than bp ends `end` further along."""
    ends = np.array([[1.0, end if row["gradient"] != "bp" else 0.0] for row, _ in made])
    whole = {name: [row[name] for row, _ in made] for name in made[0][0]}
    columns = {**whole, "loss": [losses for _, losses in made], "end": list(ends)}
    parts = [{name: values[part] for name, values in columns.items()} for part in (slice(0, 1), slice(1, None))]
    return Paths.join([part for part in parts if part["id"]])


def test_steps_to_ninety_percent() -> None:
    fast, slow = path(10), path(80, gradient="linbp")  # the second stops at 1 + 2 * 40 / 80 = 2
    rows = list(ascents(joined(fast, slow, end=3.0)))
    assert rows[0]["to_90"] == 9 and rows[0]["to_90_of_rise"] == 9
    assert rows[0]["to_90_of_final"] == 9  # 2.7 = 1 + 0.2 t is first reached at t = 9
    assert rows[1]["to_90"] is None and rows[1]["to_90_of_rise"] == 36
    assert rows[1]["to_90_of_final"] == 32  # 0.9 * 2 = 1.8 = 1 + 0.025 t
    assert [row["best_loss"] for row in rows] == pytest.approx([3.0, 3.0])
    assert rows[1]["apart"] == pytest.approx(1.5)  # 3 in a ball of radius 2
    assert first_step(np.array([0.0, 1.0, 0.5]), 0.7) == 1 and first_step(np.zeros(3), 0.7) is None


def test_an_end_is_stationary_on_the_sphere_with_the_gradient_outward() -> None:
    kinds = [{}, {"end_radius": 0.9}, {"end_outward": 0.99}]
    rows = ascents(joined(*[path(10, id=number, **kind) for number, kind in enumerate(kinds)]))
    assert [row["stationary"] for row in rows] == [True, False, False]


def test_median_with_values_that_were_never_reached() -> None:
    assert median_interval([1, 2, 3, inf, inf]) == (3, 1, inf)
    assert median_interval([5, 1, 3, 2]) == (2.5, 1, 5)
    assert median_interval([inf, inf, 1, inf])[0] == inf


@pytest.mark.parametrize("n", [6, 9, 20, 75])
def test_median_interval_covers_at_least_as_often_as_it_says(n: int) -> None:
    """Coverage of (x_(k), x_(n+1-k)) is 1 - 2 P(Bin(n, 1/2) < k), and no larger k has it."""
    _, low, high = median_interval(list(range(1, n + 1)))
    k = int(low)
    assert high == n + 1 - k
    assert 1 - 2 * binom.cdf(k - 1, n, 0.5) >= 0.95 > 1 - 2 * binom.cdf(k, n, 0.5)


def test_summary_counts_starts_and_seeds() -> None:
    made = [path(10 + seed, id=number, seed=seed) for seed in range(2) for number in range(6)]
    made += [path(100, id=6), path(10, id=6, rule="unit")]
    (raw, unit) = summary(list(ascents(joined(*made))))
    assert (raw["n"], raw["seeds"], raw["rule"]) == (13, 2, "raw")
    assert (raw["to_90"], raw["seed_low"], raw["seed_high"]) == (10, 9, 10)
    assert raw["reached"] == pytest.approx(12 / 13)
    assert raw["reached_low"] < 12 / 13 < raw["reached_high"]
    assert (unit["n"], unit["to_90"]) == (1, 9)


def test_found_counts_each_discard() -> None:
    cell = {"epoch": 0, "scale": 1.0, "ratio": 1.0, "eps": 2.0}
    kinds = ["minimum", "minimum", "saddle", "not stationary", "undecided", "lower nearby"]
    rows = [
        cell | {"kind": kind, "outward": 1 - 2 * (place % 2), "lowest": float(place)}
        for place, kind in enumerate(kinds)
    ]
    (row,) = found(rows)
    assert row["tried"] == 6
    assert [row[name] for name in ("minimum", "saddle", "not_stationary", "undecided", "lower_nearby")] == [
        2,
        1,
        1,
        1,
        1,
    ]
    assert (row["pinned"], row["least_curvature"]) == (0.5, 0.5)


def world(steps: Mapping[tuple[int, float, float], int]) -> list[dict[str, Any]]:
    """Ascents of 15 starts in every (epoch, scale, ratio)."""
    made = [
        path(count + number % 2, id=number, epoch=epoch, scale=scale, ratio=ratio)
        for (epoch, scale, ratio), count in steps.items()
        for number in range(15)
    ] + [path(5, id=number, epoch=e, scale=s, ratio=r, rule="unit") for e, s, r in steps for number in range(15)]
    return list(ascents(joined(*made)))


def test_claims_hold_in_a_world_like_the_paper_s_and_fail_in_its_mirror_image() -> None:
    paper = {(0, 0.1, 1.0): 3, (0, 0.1, 10.0): 6, (0, 10.0, 1.0): 200, (0, 10.0, 10.0): 300}
    paper |= {(epoch, scale, ratio): steps * 2**epoch for epoch in (1, 2) for (_, scale, ratio), steps in paper.items()}
    verdicts = {
        row["claim"]: row["verdict"] for row in all_claims(list(comparisons(world(paper)))) if row["rule"] == "raw"
    }
    for claim in (SMALLER_SCALE, EASY, HARD, EARLY, LATE):
        assert verdicts[claim] == "reproduced", claim
    assert verdicts[SMALLER_RATIO] == "reproduced"
    assert verdicts[WORSE] == "cannot be told"  # nothing at the large scale got there
    mirror = {(epoch, 10.1 - scale, 11 - ratio): steps for (epoch, scale, ratio), steps in paper.items()}
    mirror = {(2 - epoch, scale, ratio): steps for (epoch, scale, ratio), steps in mirror.items()}
    verdicts = {
        row["claim"]: row["verdict"] for row in all_claims(list(comparisons(world(mirror)))) if row["rule"] == "raw"
    }
    assert {verdicts[claim] for claim in (SMALLER_SCALE, SMALLER_RATIO, EASY, HARD, EARLY, LATE)} == {"differs"}


def test_gradient_rules_are_compared_from_the_same_starts() -> None:
    made = [path(10, id=number) for number in range(12)] + [
        path(5, id=number, gradient="linbp") for number in range(12)
    ]
    (sooner,) = [row for row in comparisons(list(ascents(joined(*made)))) if row["claim"] == SOONER]
    assert (sooner["n"], sooner["in_favour"], sooner["against"], sooner["holds"]) == (12, 12, 0, "yes")
    assert sooner["p_value"] == pytest.approx(2 * 0.5**12)


def test_curves_and_figures() -> None:
    made = [path(10 * scale, id=number, scale=float(scale), gradient=gradient)
            for scale in (1, 2) for number in range(3) for gradient in ("bp", "linbp")]  # fmt: skip
    rows = list(curves(joined(*made)))
    assert len(rows) == 4 * (STEPS + 1)
    at_nine = [row for row in rows if row["step"] == 9 and row["scale"] == 1]
    assert [row["share"] for row in at_nine] == pytest.approx([0.9, 0.9])
    assert [row["loss"] for row in at_nine] == pytest.approx([2.8, 2.8])
    figure = escape(rows, rule="raw", panels="scale", fixed=0)
    assert [axis.get_title() for axis in figure.axes] == ["input scale 1", "input scale 2", "", ""]
    assert len(figure.axes[0].lines) == 2
    assert len(escape(rows, rule="raw", panels="epoch", fixed=2.0).axes) == 2
