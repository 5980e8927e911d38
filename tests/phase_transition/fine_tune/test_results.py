"""From losses to eps_star, costs and claims: closed forms on made-up trainings."""

from collections.abc import Sequence
from math import nan
from typing import Any

import polars as pl
import pytest

from modules.phase_transition.fine_tune import claims, figures, results, study
from modules.phase_transition.fine_tune.claims import ALL_CHEAP, ONE_CHEAP
from modules.phase_transition.fine_tune.config import FineTuneConfig
from modules.phase_transition.fine_tune.extrapolation import METHODS
from modules.phase_transition.fine_tune.published import ROWS, Printed, printed
from suite.claims import Claim
from suite.statistics import mean_of

Row = dict[str, Any]
EPS = (0.01, 0.02, 0.04)
CLEAN, SLOPE = 0.05, 4.0
CE = FineTuneConfig()


def training(how: str, eps: float, loss: float | None, seed: int, **changes: Any) -> Row:
    return {
        "part": f"{how} {eps} {seed} {changes.get('gradient', 'bp')}",
        "how": how,
        "attack": "pgd" if eps else "",
        "passes": {"clean": 100, "from scratch": 1000, "fine-tuned": 200}[how],
        "model": "net",
        "samples": 10,
        "gradient": "bp" if eps else "",
        "eps": eps,
        "seed": seed,
        "train_loss": loss,
        "attacked_train_loss": None if loss is None else loss / 2,
        "clean_test_loss": 0.13,
        "clean_test_objective": 0.13,
        "diverged": False,
        **changes,
    }


def seed_of_trainings(seed: int, *, tuned: float = SLOPE, scratch: float = SLOPE, gradient: str = "bp") -> list[Row]:
    """Losses on a line from the clean one: eps_star is 0.08 / slope from scratch and by every method."""
    return [
        training("clean", 0.0, CLEAN, seed),
        *(training("fine-tuned", eps, CLEAN + tuned * eps, seed, gradient=gradient) for eps in EPS),
        *(training("from scratch", eps, CLEAN + scratch * eps, seed) for eps in EPS),
    ]


def frame(*seeds: Sequence[Row]) -> pl.DataFrame:
    rows = [row for seed in seeds for row in seed]
    losses = dict.fromkeys(("train_loss", "attacked_train_loss"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=losses, infer_schema_length=None)


def estimated(*seeds: Sequence[Row]) -> pl.DataFrame:
    return results.estimates(frame(*seeds), CE)


def running(*seeds: Sequence[Row], method: str = "least-squares") -> list[Row]:
    return estimated(*seeds).filter(measure="running", method=method).to_dicts()


def over_seeds(*seeds: Sequence[Row]) -> Row:
    (star,) = results.eps_star(estimated(*seeds)).filter(measure="running", method="least-squares").to_dicts()
    return star


def costs(*seeds: Sequence[Row]) -> dict[str, Row]:
    return {row["what"]: row for row in results.costs(frame(*seeds)).iter_rows(named=True)}


@pytest.mark.parametrize("method", [*METHODS])
def test_every_method_finds_eps_star_of_losses_on_a_line_and_its_ratio(method: str) -> None:
    (row,) = running(seed_of_trainings(0, scratch=2.5), method=method)
    assert row["eps_star"] == pytest.approx(0.08 / SLOPE)
    assert row["scratch"] == pytest.approx(0.08 / 2.5) and row["scratch_outcome"] == "bracketed"
    assert row["ratio"] == pytest.approx(2.5 / SLOPE)
    assert (row["where"], row["monotone"], row["points"], row["left_out"]) == ("within", True, 3, 0)


def test_both_measures_have_their_own_losses() -> None:
    table = estimated(seed_of_trainings(0)).filter(method="least-squares")
    stars = dict(table.select("measure", "eps_star").iter_rows())
    assert stars == {"running": pytest.approx(0.02), "attacked": pytest.approx(2 * (0.13 - CLEAN / 2) / SLOPE)}


def test_beyond_the_points_it_is_told_and_beyond_the_strengths_from_scratch_there_is_a_bound() -> None:
    rows = seed_of_trainings(0, tuned=1.0, scratch=1.0)
    (row,) = running(rows)
    assert (row["eps_star"], row["where"]) == (pytest.approx(0.08), "beyond")
    assert (row["scratch"], row["scratch_outcome"], row["scratch_at_least"]) == (None, "above", 0.04)
    star = over_seeds(rows)
    assert star["scratch_text"] == "> 0.04" and star["ratio"] is None
    assert results._words(star) == "0.08, extrapolated for 1 of 1 seeds"


def test_a_diverged_training_is_left_out_and_a_diverged_clean_one_takes_its_seed_along() -> None:
    rows = seed_of_trainings(0)
    rows[2] |= {"diverged": True, "train_loss": None}
    (row,) = running(rows)
    assert (row["eps_star"], row["points"], row["left_out"]) == (pytest.approx(0.02), 2, 1)
    other = seed_of_trainings(1)
    other[0] |= {"diverged": True, "train_loss": nan}
    assert [row["seed"] for row in running(rows, other)] == [0]
    nothing = estimated(other)
    assert nothing.is_empty() and results.eps_star(nothing).is_empty()
    told = results.headline(results.eps_star(nothing), frame(other), CE, {})
    assert told == {"eps_star": "none: every clean training diverged"}


def test_without_any_fine_tuning_left_there_is_no_eps_star_and_no_mean() -> None:
    rows = seed_of_trainings(0)
    for row in rows[1:4]:
        row |= {"diverged": True}
    found = running(rows, seed_of_trainings(1))
    assert [(row["eps_star"], row["where"]) for row in found] == [
        (None, "no training left"),
        (pytest.approx(0.02), "within"),
    ]
    star = over_seeds(rows, seed_of_trainings(1))
    assert star["n"] == 2 and star["found"] == 1 and results._words(star) == "found for 1 of 2 seeds"
    assert star["eps_star"] is None and star["eps_star_low"] is None, "a mean over the rest would be a choice"


def test_losses_that_fall_are_flagged() -> None:
    rows = seed_of_trainings(0)
    rows[1]["train_loss"] = 0.04
    (row,) = running(rows)
    assert not row["monotone"]
    assert over_seeds(rows)["falling"] == 1
    assert "fine-tuned losses of seed 0, pgd, bp fall with eps somewhere" in results.notes(frame(rows), estimated(rows))


def test_means_over_seeds_have_students_interval_and_ratios_are_geometric() -> None:
    slopes = (3.0, 4.0, 5.0)
    star = over_seeds(*(seed_of_trainings(seed, tuned=slope) for seed, slope in enumerate(slopes)))
    mean = mean_of([0.08 / slope for slope in slopes])
    interval = (star["eps_star"], star["eps_star_low"], star["eps_star_high"])
    assert interval == pytest.approx((mean.value, mean.low, mean.high))
    assert star["scratch"] == pytest.approx(0.02) and star["scratch_text"] == "0.02 [0.02, 0.02]"
    assert star["ratio"] == pytest.approx((4**3 / 60) ** (1 / 3))
    assert star["ratio_low"] < star["ratio"] < star["ratio_high"]


def test_costs_are_sums_of_passes_and_their_shares() -> None:
    dear = costs(*(seed_of_trainings(seed) for seed in range(2)))
    assert {name: (row["trainings"], row["passes"]) for name, row in dear.items()} == {
        "clean": (2, 200),
        "1-point": (2, 400),
        "all points": (6, 1200),
        "from scratch": (6, 6000),
    }
    assert (dear["1-point"]["share"], dear["all points"]["share"]) == pytest.approx((400 / 6000, 0.2))
    assert dear["all points"]["share_with_clean"] == pytest.approx(1400 / 6200)
    assert dear["all points"]["share_each"] == dear["1-point"]["share_each"] == pytest.approx(0.2)


def test_the_one_fine_tuning_of_the_cheapest_method_is_the_one_its_line_goes_through() -> None:
    rows = seed_of_trainings(0)
    rows[2]["passes"] = 7  # at the middle strength
    assert costs(rows)["1-point"]["passes"] == 7
    rows[2]["train_loss"] = 0.09
    (row,) = running(rows, method="1-point")
    assert row["eps_star"] == pytest.approx(0.02 * 0.08 / 0.04)


def test_unknown_seconds_stay_unknown() -> None:
    rows = seed_of_trainings(0)
    measured = {row["part"]: 1.0 for row in rows} | {rows[1]["part"]: None}
    told = results._seconds(frame(rows), {"seconds": measured})
    assert told == {"1-point pgd bp": pytest.approx(1 / 3), "all points pgd bp": None}


def test_without_trainings_from_scratch_nothing_is_compared() -> None:
    rows = seed_of_trainings(0)[:4]
    assert {*estimated(rows).select("scratch", "ratio").iter_rows()} == {(None, None)}
    assert {row["share"] for row in costs(rows).values()} == {None}
    assert judged(rows) == {}
    assert {*results.eps_star(estimated(rows))["scratch_text"]} == {None}


def judged(
    *seeds: Sequence[Row], published: dict[tuple[str, str], Printed] | None = None
) -> dict[tuple[str, str], Claim]:
    """Claims by their words and by the method or the way, which their setting ends with."""
    table = estimated(*seeds)
    made = [
        *claims.cheap(results.costs(frame(*seeds))),
        *claims.close(table),
        *claims.rules(table.filter(measure="running")),
        *claims.table_4(table, published or {}),
    ]
    return {(claim.claim, claim.setting.rpartition(", ")[2]): claim for claim in made}


def verdict(claim: Claim) -> str:
    return claim.judgement.verdict


CLOSE = "within 25% of from scratch"
YES, NO, OPEN = "reproduced", "differs", "cannot be told"


@pytest.mark.parametrize(("slopes", "holds"), [((3.9, 4.0, 4.1), YES), ((2.0, 2.1, 2.05), NO), ((1.0, 4.0, 9.0), OPEN)])
def test_near_is_what_the_whole_interval_is(slopes: tuple[float, ...], holds: str) -> None:
    made = judged(*(seed_of_trainings(seed, tuned=slope) for seed, slope in enumerate(slopes)))
    assert verdict(made[CLOSE, "least-squares"]) == holds
    assert verdict(made[ALL_CHEAP, "all points"]) == YES, "a fifth is at most a fifth"


def test_one_seed_has_no_interval_and_decides_nothing() -> None:
    claim = judged(seed_of_trainings(0))[CLOSE, "least-squares"]
    assert claim.measured is not None and claim.measured.value == pytest.approx(1)
    assert verdict(claim) == OPEN


def test_a_seed_without_a_crossing_from_scratch_could_turn_the_answer() -> None:
    """Two seeds agree; the third is above all strengths from scratch, so that its ratio may be any below 0.5."""
    seeds = [seed_of_trainings(seed, tuned=slope) for seed, slope in enumerate((3.9, 4.1))]
    claim = judged(*seeds, seed_of_trainings(2, scratch=1.0))[CLOSE, "least-squares"]
    assert (verdict(claim), claim.judgement.note) == (OPEN, "1 of 3 seeds are lost, which could turn the answer")


def test_a_dear_fine_tuning_is_told() -> None:
    rows = seed_of_trainings(0)
    rows[1]["passes"] = 300
    one, every = (judged(rows)[claim, "all points"] for claim in (ONE_CHEAP, ALL_CHEAP))
    assert one.measured is not None and every.measured is not None
    assert one.measured.value == every.measured.value == pytest.approx(700 / 3000)
    assert (verdict(one), one.source) == (NO, "App. A")
    assert (verdict(every), every.source) == (NO, "ours")


def test_of_fewer_strengths_from_scratch_all_may_be_dear_where_one_is_cheap() -> None:
    made = judged(seed_of_trainings(0)[:-1])
    every = made[ALL_CHEAP, "all points"]
    assert verdict(made[ONE_CHEAP, "all points"]) == YES
    assert every.measured is not None and (every.measured.value, verdict(every)) == (0.3, NO)
    assert verdict(made[ALL_CHEAP, "1-point"]) == YES


def under_both(*ratios: float) -> list[list[Row]]:
    """Seeds whose eps_star under linbp is so many times that under bp."""
    seeds = []
    for seed, (ratio, slope) in enumerate(zip(ratios, (3.0, 4.0, 5.0), strict=True)):
        other = seed_of_trainings(seed, tuned=slope / ratio, gradient="linbp")
        seeds.append([*seed_of_trainings(seed, tuned=slope), *(row for row in other if row["how"] == "fine-tuned")])
    return seeds


def test_rules_are_compared_by_seed() -> None:
    claim = judged(*under_both(1.45, 1.5, 1.55))["larger than under bp", "least-squares"]
    assert claim.measured is not None and claim.measured.value == pytest.approx((1.45 * 1.5 * 1.55) ** (1 / 3))
    assert (verdict(claim), claim.source) == (YES, "ours") and "linbp" in claim.setting
    assert claim.measured.low > 1.3 and claim.measured.high < 1.7, "seeds differ alike under both"
    assert verdict(judged(*under_both(1.0, 1.0, 1.0))["larger than under bp", "least-squares"]) == OPEN
    assert verdict(judged(*under_both(0.6, 0.61, 0.62))["larger than under bp", "least-squares"]) == NO


@pytest.mark.parametrize(
    ("ratios", "holds"), [((0.95, 1.0, 1.05), YES), ((0.5, 0.52, 0.51), NO), ((0.6, 1.0, 1.4), OPEN)]
)
def test_fgm_is_compared_with_pgd_by_seed(ratios: tuple[float, ...], holds: str) -> None:
    """eps_star by PGD is 0.02, by FGM so many times that; a seed without FGM's could turn the answer."""
    rows = [
        {"measure": "running", "attack": attack, "gradient": "bp", "method": "1-point", "seed": seed, "eps_star": star}
        for seed, ratio in enumerate(ratios)
        for attack, star in (("pgd(reach=2.5,steps=5)", 0.02), ("fgm(reach=1.25)", 0.02 * ratio))
    ]
    (claim,) = claims.one_step(pl.DataFrame(rows))
    assert (verdict(claim), claim.setting) == (holds, "fgm(reach=1.25), bp, 1-point")
    (lost,) = claims.one_step(pl.DataFrame([*rows[:-1], rows[-1] | {"eps_star": None}]))
    assert verdict(lost) == OPEN
    assert list(claims.one_step(pl.DataFrame(rows).filter(pl.col("attack").str.starts_with("pgd")))) == []


@pytest.mark.parametrize(
    ("value", "same", "holds"), [(5.1, True, YES), (6.0, True, NO), (5.1, False, OPEN), (6.0, False, OPEN)]
)
def test_a_printed_value_is_looked_for_in_the_interval(value: float, same: bool, holds: str) -> None:
    seeds = [seed_of_trainings(seed, tuned=slope) for seed, slope in enumerate((3.9, 4.0, 4.1))]
    made = judged(*seeds, published={("pgd", "least-squares"): Printed(value, same)})
    assert verdict(made[f"eps_star is {value:g}/255", "least-squares"]) == holds


def test_a_wide_interval_does_not_confirm_a_printed_value() -> None:
    seeds = [seed_of_trainings(seed, tuned=slope) for seed, slope in enumerate((3.0, 4.0, 5.0))]
    claim = judged(*seeds, published={("pgd", "least-squares"): Printed(5.1, True)})[
        "eps_star is 5.1/255", "least-squares"
    ]
    assert verdict(claim) == OPEN and "is wider than" in claim.judgement.note


def test_table_4_is_published_for_its_own_settings_alone() -> None:
    paper = {**study.presets["paper"], "tune_attack": ("pgd", "fgm")}
    known = printed(FineTuneConfig(**paper), 50_000, 40)
    pgd, fgm = "pgd(reach=2.5,steps=10)", "fgm(reach=1.25)"
    assert known[pgd, "1-point"] == (0.58, True) and known[fgm, "least-squares"] == (0.59, True)
    assert [value for value, _ in printed(FineTuneConfig(**paper), 10_000, 40).values()] == [4.7, 2.5, 1.7, 2.1]
    for name, value in (("model", "wrn34"), ("eps", (5 / 255,)), ("loss", "trades"), ("dataset", "cifar100")):
        assert printed(FineTuneConfig(**{**paper, name: value}), 50_000, 40) == {}
    assert printed(FineTuneConfig(**paper), 20_000, 40) == {}
    of_l2 = printed(FineTuneConfig(**study.presets["paper_l2"]), 50_000, 40)
    assert of_l2["pgd(reach=1.17,steps=10)", "1-point"] == (20.1, False), "its step in l2 is not given"
    of_10k = printed(FineTuneConfig(**study.presets["paper_10k"]), 10_000, 40)
    assert of_10k[pgd, "least-squares"] == (2.5, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"tune_attack": ("pgd(steps=5)", "fgm(reach=1)")}, {"attack": "pgd(steps=5)"}, {"attack_mode": "eval"},
        {"learning_rate": 0.05}, {"batch_size": 64}, {"select": "validation"}, {"epochs": 100, "tune_epochs": 40},
        {"optimiser": "adam", "learning_rate": 0.1},
    ],
)  # fmt: skip
def test_another_setting_has_no_verdict_on_table_4(changes: dict[str, Any]) -> None:
    paper = study.presets["paper"]
    known = printed(FineTuneConfig(**{**paper, **changes}), 50_000, 40)
    assert len(known) == 4 and not any(value.same_settings for value in known.values())
    assert not any(value.same_settings for value in printed(FineTuneConfig(**paper), 50_000, 20).values())


def test_table_4_has_a_row_for_each_attack_size_and_norm() -> None:
    assert len({(row.attack, row.samples, row.norm) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("rules", [("bp",), ("bp", "linbp", "linbp(start=3)")])
def test_figures_can_be_drawn_with_and_without_numbers(rules: tuple[str, ...]) -> None:
    rows = frame(*(seed_of_trainings(0, gradient=gradient) for gradient in rules)).unique("part", maintain_order=True)
    drawn = figures.losses(rows, CE)
    assert drawn is not None and len(drawn[0].axes) == len(rules)
    stars = results.eps_star(results.estimates(rows, CE))
    drawn = figures.eps_star(stars, CE)
    assert drawn is not None
    (axis,) = drawn[0].axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["from scratch", *METHODS]
    bare = stars.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("eps_star", "scratch"))
    drawn = figures.eps_star(bare, CE)
    assert drawn is not None and len(drawn[0].axes[0].get_yticks()) == len(METHODS)
    assert figures.losses(rows.filter(how="clean"), CE) is None and figures.eps_star(stars.head(0), CE) is None
