"""Gaps, collapses and the smallest unstable eps from made-up curves whose answers are known."""

from math import inf, isnan, log
from typing import Any

import numpy as np
import polars as pl
import pytest

from modules.phase_transition.overfitting import claims as judged
from modules.phase_transition.overfitting import figures, results
from modules.phase_transition.overfitting.config import OverfittingConfig
from modules.phase_transition.overfitting.measure import RULE
from suite.claims import Claim
from suite.statistics import mean_of

Rows = list[dict[str, Any]]
EPOCHS = 6
REFERENCE = 4
FACTS = {"reference_epoch": REFERENCE}
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
) -> Rows:
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


def table(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def onsets(rows: Rows) -> pl.DataFrame:
    """As measuring notes them."""
    made = []
    adversarial = table(rows).filter(pl.col("eps") > 0)
    for (kind, samples, eps, seed), group in adversarial.group_by(results.TRAINING, maintain_order=True):
        many, one = group[results.MANY].to_list(), group[results.ONE].to_list()
        at = RULE.first(many, one)
        onset = {"epoch": None if at is None else at + 1, "fell": RULE.fell(many, one)}
        made.append({"kind": kind, "samples": samples, "eps": eps, "seed": seed, **onset})
    return pl.DataFrame(made)


def collapses(rows: Rows) -> pl.DataFrame:
    return results.collapses(table(rows), onsets(rows))


def test_gaps_are_in_units_of_the_reference_epoch() -> None:
    rows = [row for seed in range(3) for row in training("many steps", 0.1, seed, growing(0.3 + seed / 10))]
    rows += [row for seed in range(3) for row in training("one step", 0.1, seed)]
    told = {(row["measure"], row["epoch"]): row for row in results.gaps(table(rows), FACTS).iter_rows(named=True)}
    assert len(told) == 3 * EPOCHS and {row["n"] for row in told.values()} == {3}
    assert told["robust_gap", 6]["value"] == pytest.approx(0.4)
    assert told["ratio", 4]["value"] == pytest.approx(1) and told["ratio", 6]["value"] == pytest.approx(2)
    assert told["ratio", 6]["high"] == pytest.approx(2 + 0.5 * 4.302653 / 3**0.5, rel=1e-6)
    assert told["clean_gap", 1]["value"] == pytest.approx(0.2)
    growth = results.growth(table(rows), FACTS)
    first = growth.row(0, named=True)
    assert len(growth) == 3 and (first["growth"], first["ratio"]) == (pytest.approx(0.1), pytest.approx(1.5))
    assert first["clean_accuracy_gained"] == pytest.approx(0.02)
    (mean,) = results.means(growth).to_dicts()
    assert mean["ratio"] == pytest.approx(2) and mean["gap_at_end"] == pytest.approx(0.4) and mean["n"] == 3


def test_a_gap_that_is_not_above_zero_is_no_unit() -> None:
    rows = training("many steps", 0.1, 0, [0.1, 0.1, 0.1, -0.1, 0.2, 0.3])
    rows += training("many steps", 0.1, 1, growing(0.4))
    assert results.gaps(table(rows), FACTS).filter(measure="ratio")["n"].to_list() == [1] * EPOCHS
    growth = results.growth(table(rows), FACTS)
    assert growth["ratio"][0] is None and growth["growth"][0] == pytest.approx(0.4)
    (mean,) = results.means(growth).to_dicts()
    assert mean["n"] == 1 and mean["ratio"] == pytest.approx(2) and mean["growth"] == pytest.approx(0.3)


def test_diverged_trainings_are_left_out() -> None:
    rows = training("many steps", 0.1, 0, diverged=True, train_loss=None) + training("one step", 0.1, 0, diverged=True)
    assert results.gaps(table(rows), FACTS).is_empty() and results.growth(table(rows), FACTS).is_empty()
    assert collapses(rows).is_empty() and results.headline(unstable(rows)) == {}
    assert [*results.notes(table(rows))][1] == "one step training with eps 0.1, seed 0 diverged: left out"


def test_collapses_tell_when_and_from_where() -> None:
    rows = [
        *training("clean", 0.0, 0),
        *training("many steps", 0.3, 0),
        *training("one step", 0.1, 0),
        *training("one step", 0.3, 0, accuracies=SPOILT),
        *training("one step", 0.5, 0, accuracies=NEVER),
    ]
    table = collapses(rows)
    many, healthy, spoilt, never = table.to_dicts()
    assert (many["kind"], many["collapsed"], healthy["collapsed"]) == ("many steps", False, False)
    assert (healthy["epoch"], healthy["many_steps"]) == (6, 0.6)
    assert (spoilt["collapsed"], spoilt["fell"], spoilt["epoch"], spoilt["best_many_steps"]) == (True, True, 4, 0.5)
    assert spoilt["rise"] == pytest.approx(0.25)
    assert (never["collapsed"], never["fell"], never["epoch"]) == (True, False, 4)
    stability = results.stability(table).filter(kind="one step")
    assert [*stability.select("collapsed", "fell", "n").iter_rows()] == [(0, 0, 1), (1, 1, 1), (1, 0, 1)]
    assert stability["value"].to_list() == [0, 1, 1]


def listed(*spoilt: float, seed: int = 0, samples: int = 100) -> Rows:
    return [
        row
        for eps in (0.1, 0.2, 0.3)
        for row in training("one step", eps, seed, accuracies=SPOILT if eps in spoilt else HEALTHY, samples=samples)
    ]


def unstable(rows: Rows) -> pl.DataFrame:
    return results.unstable(collapses(rows), table(rows))


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
    found = unstable(listed(*spoilt))
    (row,) = found.to_dicts()
    assert (row["unstable_eps"], row["outcome"], row["monotone"]) == (eps, outcome, monotone)
    assert row["stable_eps"] == stable
    assert row["largest_tried"] == 0.3 and row["eps_star_text"] is None
    assert results.headline(found) == {"smallest unstable eps, n = 100": text}


def test_eps_star_is_read_off_the_trainings_by_many_steps() -> None:
    """Training loss 0.2 + eps against the objective on clean test samples, 0.2 + its gap of 0.15."""
    many = [row for eps in (0.1, 0.2) for row in training("many steps", eps, 0)]
    (row,) = unstable(listed(0.2) + training("clean", 0.0, 0, [0.15] * EPOCHS) + many).to_dicts()
    assert row["eps_star"] == pytest.approx(0.15) and row["eps_star_text"] == "0.15"
    (row,) = unstable(listed(0.2) + training("clean", 0.0, 0, [0.5] * EPOCHS) + many).to_dicts()
    assert (row["eps_star"], row["eps_star_text"], row["eps_star_at_least"]) == (None, "> 0.2", 0.2)


def told(rows: Rows, config: OverfittingConfig) -> dict[tuple[str, str], Claim]:
    growth = results.growth(table(rows), FACTS)
    made = results.claims(growth, collapses(rows), unstable(rows), config)
    return {(claim.setting, claim.claim.partition(",")[0]): claim for claim in made}


def summary(claim: Claim) -> tuple[float, int, str]:
    assert claim.measured is not None
    return claim.measured.value, claim.measured.n, claim.judgement.verdict


def several_seeds(seeds: int, ratio: float = 3.0) -> Rows:
    rows = []
    for seed in range(seeds):
        rows += training("clean", 0.0, seed, growing(0.2 + seed / 100))
        rows += training("many steps", 0.05, seed, growing(0.3))
        rows += training("many steps", 0.4, seed, growing(0.2 * ratio))
        rows += listed(0.2, 0.3, seed=seed) + listed(0.1, 0.2, 0.3, seed=seed, samples=300)
    return rows


ABOVE = "the smallest unstable eps is above eps_star"
FEWER = "the smallest unstable eps is smaller for more samples (logarithm of the ratio)"


def test_claims_are_judged_by_their_intervals() -> None:
    made = told(several_seeds(3), OverfittingConfig(eps=(0.05, 0.4), seeds=3))
    ratio = made["n = 100, eps 0.4", "ratio of the robust gap"]
    assert summary(ratio) == (pytest.approx(3 - 1.05), 3, "reproduced") and ratio.source == "Fig. 5"
    star = made["n = 100", ABOVE]
    assert summary(star) == (pytest.approx(0.15 - 0.1), 3, "cannot be told"), "between 0.1 and 0.2"
    assert star.measured is not None and star.measured.low < 0 and star.measured.high > 0.1
    sizes = made["n = 100 over 300", FEWER]
    assert sizes.measured is not None and isnan(sizes.measured.value) and sizes.judgement.verdict == "cannot be told"
    assert (sizes.measured.low, sizes.measured.high) == (-inf, inf), "of n = 300 the least strength is unstable already"
    rise = made["n = 300", "the accuracy under one step rises while that under many collapses"]
    assert summary(rise) == (pytest.approx(0.25), 3, "cannot be told"), "three strengths of three seeds that agree"
    gained = made["n = 100", "clean training's test accuracy rises after the reference"]
    assert gained.measured is not None and gained.measured.value == pytest.approx(0.02) and gained.source == "ours"
    alone = told(several_seeds(1), OverfittingConfig(eps=(0.05, 0.4), seeds=1)).values()
    assert {claim.judgement.verdict for claim in alone} == {"cannot be told"}


def test_a_seed_that_is_lost_could_turn_the_answer() -> None:
    made = told(several_seeds(3), OverfittingConfig(eps=(0.05, 0.4), seeds=4))
    lost = "1 of 4 seeds are lost, which could turn the answer"
    assert made["n = 100, eps 0.4", "ratio of the robust gap"].judgement.note == lost
    assert made["n = 100", ABOVE].judgement.note == lost


def thresholds(seeds: int, *sizes: tuple[int, float, float | None], star: float | None = 0.05) -> pl.DataFrame:
    """Strengths between which training becomes unstable, by size, the same for all seeds."""
    bounds = {"eps_star": star, "eps_star_at_least": 0.04, "eps_star_at_most": 0.06 if star else inf}
    rows = [
        {"samples": samples, "seed": seed, "stable_eps": low, "unstable_eps": high, **bounds}
        for seed in range(seeds)
        for samples, low, high in sizes
    ]
    return pl.DataFrame(rows, schema_overrides={"eps_star": pl.Float64, "unstable_eps": pl.Float64})


def test_thresholds_are_told_apart_only_beyond_the_strengths_between_which_they_lie() -> None:
    """n = 100: stable at 0.3, unstable at 0.33; n = 300: stable at 0.1, unstable at 0.11."""
    rows, config = thresholds(5, (100, 0.3, 0.33), (300, 0.1, 0.11)), OverfittingConfig(seeds=5)
    (sizes,) = judged.smaller_with_more_data(rows, config)
    lowest, highest = log(0.3 / 0.11), log(0.33 / 0.1)
    assert summary(sizes) == (pytest.approx((lowest + highest) / 2), 5, "reproduced")
    limits = [mean_of(draw) for draw in np.random.default_rng(0).uniform(lowest, highest, (200, 5))]
    limits += [mean_of([lowest] * count + [highest] * (5 - count)) for count in range(6)]
    assert sizes.measured is not None
    assert sizes.measured.low <= min(limit.low for limit in limits), "the limits hold wherever they lie"
    assert sizes.measured.high >= max(limit.high for limit in limits)
    assert [claim.judgement.verdict for claim in judged.above_eps_star(rows, config)] == ["reproduced"] * 2


@pytest.mark.parametrize(("seeds", "verdict"), [(5, "cannot be told"), (6, "reproduced")])
def test_a_strength_beyond_the_list_counts_by_its_bound(seeds: int, verdict: str) -> None:
    """n = 100 is stable at all strengths up to 0.3, n = 300 unstable from 0.11 on at the latest."""
    rows, config = thresholds(seeds, (100, 0.3, None), (300, 0.1, 0.11)), OverfittingConfig(seeds=seeds)
    (sizes,) = judged.smaller_with_more_data(rows, config)
    assert sizes.judgement.verdict == verdict
    against = rows.with_columns(samples=400 - pl.col("samples"))
    (sizes,) = judged.smaller_with_more_data(against, config)
    assert sizes.judgement.verdict == ("differs" if seeds > 5 else verdict)


def test_an_eps_star_that_is_not_bracketed_is_not_dropped() -> None:
    rows = thresholds(6, (100, 0.3, 0.33), star=None)
    (claim,) = judged.above_eps_star(rows, OverfittingConfig(seeds=6))
    assert claim.judgement.verdict == "cannot be told", "it may be above 0.33 as well"


def test_figures_have_a_line_per_strength_and_seed() -> None:
    rows = []
    for seed in range(2):
        rows += training("clean", 0.0, seed) + training("many steps", 0.05, seed, growing(0.3))
        rows += listed(0.2, 0.3, seed=seed)
    config = OverfittingConfig(seeds=2)
    drawn = figures.gaps(results.gaps(table(rows), FACTS), config, FACTS)
    assert drawn is not None
    curves = [[line for line in axis.lines if len(line.get_xdata()) > 2] for axis in drawn[0].axes]
    assert [len(lines) for lines in curves] == [2, 2] and list(curves[1][1].get_xdata()) == [4, 5, 6]
    drawn = figures.collapses(table(rows), collapses(rows), config)
    assert drawn is not None
    crosses = [
        sum(line.get_marker() == "X" and len(line.get_xdata()) > 0 for line in axis.lines) for axis in drawn[0].axes
    ]
    assert crosses[0] == 0 and crosses[1] >= 2 and crosses[2] >= 2
