"""Steps, medians, claims and figures of `pgd_dynamics.escape` on ascents whose numbers are known."""

import itertools
from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np
import polars as pl
import pytest

from modules.pgd_dynamics.escape import figures, pairs, results
from modules.pgd_dynamics.escape.config import EscapeConfig
from modules.pgd_dynamics.escape.kinds import KINDS
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim

STEPS = 40
CONFIG = EscapeConfig(steps=STEPS)
NETWORKS, SAMPLES = 6, 3


def ascent(steps: int, top: float = 3.0, **names: Any) -> dict[str, Any]:
    """An ascent from 1 to `top` that gets there in so many even steps."""
    row = {
        "seed": 0, "scale": 1.0, "epoch": 0, "ratio": 1.0, "eps": 2.0, "id": 0, "rule": "raw", "gradient": "bp",
        "first_step": 0.1, "end_radius": 1.0, "end_outward": 1.0, "apart": 0.0,
    }  # fmt: skip
    return row | names | {"loss": (1 + (top - 1) * np.minimum(np.arange(STEPS + 1) / steps, 1)).tolist()}


def ascents(*made: dict[str, Any]) -> pl.DataFrame:
    return results.ascents(pl.DataFrame(list(made)))


def test_steps_to_ninety_percent() -> None:
    """The second stops at 1 + 2 * 40 / 80 = 2."""
    fast, slow = ascents(ascent(10), ascent(80, gradient="linbp")).rows(named=True)
    assert fast["to_90"] == 9 and fast["to_90_of_rise"] == 9
    assert fast["to_90_of_final"] == 9  # 2.7 = 1 + 0.2 t is first reached at t = 9
    assert slow["to_90"] is None and slow["to_90_of_rise"] == 36
    assert slow["to_90_of_final"] == 32  # 0.9 * 2 = 1.8 = 1 + 0.025 t
    assert [fast["best_loss"], slow["best_loss"]] == pytest.approx([3.0, 3.0])


def test_a_loss_that_never_rises_has_no_steps() -> None:
    row = ascents(ascent(10, top=1.0)).row(0, named=True)
    assert row["to_90"] is None and row["to_90_of_rise"] is None and row["to_90_of_final"] == 0


def test_an_end_is_stationary_on_the_sphere_with_the_gradient_outward() -> None:
    kinds: list[dict[str, float]] = [{}, {"end_radius": 0.9}, {"end_outward": 0.99}, {"end_outward": float("nan")}]
    rows = ascents(*[ascent(10, id=number, **kind) for number, kind in enumerate(kinds)])
    assert rows["stationary"].to_list() == [True, False, False, False]


def test_escape_counts_starts_and_seeds() -> None:
    made = [ascent(10 + seed, id=number, seed=seed) for seed in range(2) for number in range(6)]
    made += [ascent(100, id=6), ascent(10, id=6, rule="unit")]
    raw, unit = results.escape(ascents(*made)).rows(named=True)
    assert (raw["n"], raw["seeds"], raw["rule"]) == (13, 2, "raw")
    assert (raw["to_90"], raw["seed_low"], raw["seed_high"]) == (10, 9, 10)
    assert raw["to_90_low"] <= 10 <= raw["to_90_high"]
    assert raw["reached"] == pytest.approx(12 / 13)
    assert raw["reached_low"] < 12 / 13 < raw["reached_high"]
    assert (unit["n"], unit["to_90"], unit["to_90_low"], unit["reached_low"]) == (1, 9, None, None)


def test_a_median_of_ascents_that_did_not_get_there_is_infinite() -> None:
    made = [ascent(10), ascent(10, id=1), ascent(100, id=1, gradient="linbp"), ascent(100, id=0, gradient="linbp")]
    bp, linbp = results.escape(ascents(*made)).rows(named=True)
    assert (bp["to_90"], linbp["to_90"], linbp["reached"]) == (9, inf, 0)


def test_starts_count_each_discard() -> None:
    kinds = ["minimum", *KINDS]
    frame = pl.DataFrame({"kind": kinds, "outward": [1.0, -1.0] * 3, "lowest": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]})
    cell = {"epoch": 0, "scale": 1.0, "ratio": 1.0, "eps": 2.0}
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in cell.items())
    row = results.starts(frame).row(0, named=True)
    counted = [row[name] for name in ("tried", "minimum", "saddle", "not_stationary", "undecided", "lower_nearby")]
    assert counted == [6, 2, 1, 1, 1, 1]
    assert (row["pinned"], row["least_curvature"]) == (0.5, 0.5)
    assert results.headline(results.starts(frame)) == {"starts": 6, "local_minima": 2, "discarded": 4}
    of_relu = results.starts(frame.with_columns(lowest=pl.lit(None, pl.Null)))
    assert of_relu["least_curvature"].to_list() == [None]


def world(steps: Mapping[tuple[int, float, float], int], networks: int = NETWORKS) -> pl.DataFrame:
    """Ascents of a few starts of each network in every (epoch, scale, ratio); unit steps are the same everywhere."""
    places = list(itertools.product(range(networks), range(SAMPLES)))
    cells = [{"epoch": epoch, "scale": scale, "ratio": ratio} for epoch, scale, ratio in steps]
    made = [
        ascent(count + number % 2, seed=seed, id=number, **cell)
        for cell, count in zip(cells, steps.values(), strict=True) for seed, number in places
    ]  # fmt: skip
    made += [ascent(5, seed=seed, id=number, rule="unit", **cell) for cell in cells for seed, number in places]
    return ascents(*made)


PAPER = {(0, 0.1, 1.0): 3, (0, 0.1, 10.0): 6, (0, 10.0, 1.0): 200, (0, 10.0, 10.0): 300}
PAPER |= {(epoch, scale, ratio): steps * 2**epoch for epoch in (1, 2) for (_, scale, ratio), steps in PAPER.items()}
SCALES_AND_RATIOS = {(0, 0.1, 1.0): 3, (0, 0.1, 10.0): 6, (0, 10.0, 1.0): 12, (0, 10.0, 10.0): 30}


def judged(frame: pl.DataFrame, config: EscapeConfig = CONFIG, rule: str = "raw") -> dict[str, Claim]:
    return {claim.claim: claim for claim in results.claims(frame, config) if claim.setting == f"{rule} steps"}


def verdict(claims: Mapping[str, Claim], statement: tuple[str, str]) -> str:
    return claims[statement[0]].judgement.verdict


def test_claims_hold_in_a_world_like_the_paper_s_and_fail_in_its_mirror_image() -> None:
    claims = judged(world(PAPER))
    for statement in (pairs.SMALLER_SCALE, pairs.EASY, pairs.HARD, pairs.EARLY, pairs.LATE):
        assert verdict(claims, statement) == REPRODUCED, statement
    assert verdict(claims, pairs.WORSE) == CANNOT_TELL  # nothing at the large scale got there
    assert verdict(claims, pairs.LATE_ELSEWHERE) == CANNOT_TELL
    mirror = {(2 - epoch, 10.1 - scale, 11 - ratio): steps for (epoch, scale, ratio), steps in PAPER.items()}
    claims = judged(world(mirror))
    told = (pairs.SMALLER_SCALE, pairs.EASY, pairs.HARD, pairs.EARLY, pairs.LATE_ELSEWHERE)
    assert {verdict(claims, statement) for statement in told} == {DIFFERS}


def test_a_smaller_ratio_is_judged_at_all_scales_that_get_there() -> None:
    assert verdict(judged(world(SCALES_AND_RATIOS)), pairs.SMALLER_RATIO) == REPRODUCED
    reversed_ = {(epoch, scale, 11 - ratio): steps for (epoch, scale, ratio), steps in SCALES_AND_RATIOS.items()}
    assert verdict(judged(world(reversed_)), pairs.SMALLER_RATIO) == DIFFERS


def test_many_starts_of_few_networks_tell_nothing() -> None:
    """15 starts that agree are one network that says so: six networks are the fewest that a sign test believes."""
    claims = judged(world(PAPER, networks=5))
    assert {claim.judgement.verdict for claim in claims.values()} == {CANNOT_TELL}
    assert claims[pairs.SMALLER_SCALE[0]].measured.n == 5  # type: ignore[union-attr]
    assert "of 5 networks 5 yes" in claims[pairs.SMALLER_SCALE[0]].judgement.note


def test_one_pair_that_speaks_and_fourteen_undecided_ones_say_nothing() -> None:
    """Ties are undecided: steps of a share of eps take as long in every cell but one."""
    steps = {(0, scale, ratio): 10 for scale in (1.0, 2.0) for ratio in range(1, 16)}
    claims = judged(world(steps | {(0, 1.0, 1): 5}))
    share = claims[pairs.SMALLER_SCALE[0]].measured
    assert share is not None and share.value == pytest.approx(1 / 15)
    assert verdict(claims, pairs.SMALLER_SCALE) == CANNOT_TELL


def test_raw_steps_of_relu_networks_without_biases_are_no_evidence_about_scale() -> None:
    relu = EscapeConfig(steps=STEPS, activation="relu")
    claims = judged(world(SCALES_AND_RATIOS), relu)
    judgement = claims[pairs.SMALLER_SCALE[0]].judgement
    assert judgement.verdict == CANNOT_TELL and "by construction" in judgement.note
    assert verdict(claims, pairs.SMALLER_RATIO) == REPRODUCED
    unit = judged(world(SCALES_AND_RATIOS), relu, "unit")[pairs.SMALLER_SCALE[0]].judgement
    assert unit.verdict == CANNOT_TELL and "by construction" not in unit.note  # all ties


def test_what_did_not_get_there_is_a_bound() -> None:
    """Large scale: 20 steps became more than 40, a factor of at least 2; small scale: a factor of 1.5, or of 5."""
    for factor, expected in ((1.5, True), (5.0, None)):
        steps = {(0, 1.0, 1.0): 8, (1, 1.0, 1.0): round(8 * factor), (0, 2.0, 1.0): 20, (1, 2.0, 1.0): 400}
        frame = pairs.outcomes(world(steps), STEPS)
        holds = frame.filter(claim=pairs.WORSE[0], rule="raw")["holds"]
        assert set(holds.to_list()) == {expected}, factor


def test_gradient_rules_are_compared_from_the_same_starts() -> None:
    made = [ascent(10, id=number, seed=number % 6) for number in range(12)]
    made += [ascent(5, id=number, seed=number % 6, gradient="linbp") for number in range(12)]
    frame = ascents(*made)
    row = results.comparisons(frame, CONFIG).row(by_predicate=pl.col("claim") == pairs.SOONER[0], named=True)
    assert (row["in_favour"], row["against"], row["undecided"]) == (12, 0, 0)
    assert (row["value"], row["n"], row["gradient"]) == (1, 6, "linbp")
    claims = {claim.claim: claim for claim in results.claims(frame, CONFIG)}
    assert verdict(claims, pairs.SOONER) == REPRODUCED
    assert verdict(claims, pairs.HIGHER) == CANNOT_TELL  # the same loss is a tie
    assert claims[pairs.SOONER[0]].setting == "raw steps, linbp"


def test_a_note_names_the_bound_where_steps_are_longer_than_the_ball() -> None:
    frame = ascents(ascent(10, first_step=3.0), ascent(10, id=1))
    (note,) = results.notes(frame, CONFIG)
    assert "in 1 of 2 ascents, up to eps = 2 " in note and "eta < eps^2, at most 4 there" in note
    assert list(results.notes(ascents(ascent(10)), CONFIG)) == []


def test_curves_and_figures() -> None:
    names = itertools.product((1, 2), (0, 1), range(3), ("bp", "linbp"))
    made = [
        ascent(10 * scale, id=number, scale=float(scale), epoch=epoch, gradient=gradient)
        for scale, epoch, number, gradient in names
    ]  # fmt: skip
    rows = results.curves(pl.DataFrame(made))
    assert len(rows) == 8 * (STEPS + 1)
    at_nine = rows.filter(step=9, scale=1.0, epoch=0)
    assert at_nine["share"].to_list() == pytest.approx([0.9, 0.9])
    assert at_nine["loss"].to_list() == pytest.approx([2.8, 2.8])
    config = EscapeConfig(scales=(1, 2), epochs=(0, 1))
    drawn = figures.scales_raw(rows, config)
    assert drawn is not None
    figure, caption = drawn
    assert [axes.get_title() for axes in figure.axes[:2]] == ["scale = 1", "scale = 2"] and len(figure.axes) == 4
    assert "raw steps" in caption
    assert sum(len(line.get_xdata()) == STEPS + 1 for line in figure.axes[0].lines) == 2  # type: ignore[arg-type]
    for draw in (figures.training_raw, figures.training_loss_raw):
        drawn = draw(rows, config)
        assert drawn is not None and len(drawn[0].axes) == 4
    assert figures.scales_unit(rows, config) is None
    assert figures.training_raw(rows, EscapeConfig(epochs=(0,))) is None
