"""From losses to eps_star, costs and claims: closed forms on made-up trainings."""

from collections.abc import Sequence
from math import nan
from typing import Any

import pytest

from modules.phase_transition import fine_tune_claims, fine_tune_costs, fine_tune_figures, fine_tune_tables, module
from modules.phase_transition.extrapolation import METHODS
from modules.phase_transition.fine_tune import FineTuneConfig
from modules.phase_transition.published_fine_tuning import ROWS, Printed, printed
from modules.phase_transition.rows import whole_mean, whole_ratio

Row = dict[str, Any]
EPS = (0.01, 0.02, 0.04)
CLEAN, SLOPE = 0.05, 4.0


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


def running(rows: Sequence[Row], method: str = "least-squares") -> list[Row]:
    return [row for row in fine_tune_tables.estimates(rows, "ce")
            if (row["measure"], row["method"]) == ("running", method)]  # fmt: skip


@pytest.mark.parametrize("method", [*METHODS])
def test_every_method_finds_eps_star_of_losses_on_a_line_and_its_ratio(method: str) -> None:
    (row,) = running(seed_of_trainings(0, scratch=2.5), method)
    assert row["eps_star"] == pytest.approx(0.08 / SLOPE)
    assert row["scratch"] == pytest.approx(0.08 / 2.5) and row["scratch_outcome"] == "bracketed"
    assert row["ratio"] == pytest.approx(2.5 / SLOPE)
    assert (row["where"], row["monotone"], row["points"], row["left_out"]) == ("within", True, 3, 0)


def test_both_measures_have_their_own_losses() -> None:
    stars = {row["measure"]: row["eps_star"] for row in fine_tune_tables.estimates(seed_of_trainings(0), "ce")
             if row["method"] == "least-squares"}  # fmt: skip
    assert stars == {"running": pytest.approx(0.02), "attacked": pytest.approx(2 * (0.13 - CLEAN / 2) / SLOPE)}


def test_beyond_the_points_it_is_told_and_beyond_the_strengths_from_scratch_there_is_a_bound() -> None:
    rows = seed_of_trainings(0, tuned=1.0, scratch=1.0)
    (row,) = running(rows)
    assert (row["eps_star"], row["where"]) == (pytest.approx(0.08), "beyond")
    assert (row["scratch"], row["scratch_outcome"], row["scratch_at_least"]) == (None, "above", 0.04)
    (star,) = fine_tune_tables.over_seeds([row])
    assert star["text"] == "0.08, extrapolated for 1 of 1 seeds" and star["scratch_text"] == "> 0.04"


def test_a_diverged_training_is_left_out_and_a_diverged_clean_one_takes_its_seed_along() -> None:
    rows = seed_of_trainings(0)
    rows[2] |= {"diverged": True, "train_loss": None}
    (row,) = running(rows)
    assert (row["eps_star"], row["points"], row["left_out"]) == (pytest.approx(0.02), 2, 1)
    other = seed_of_trainings(1)
    other[0] |= {"diverged": True, "train_loss": nan}
    assert [row["seed"] for row in running([*rows, *other])] == [0]
    assert list(fine_tune_tables.estimates(other, "ce")) == []


def test_without_any_fine_tuning_left_there_is_no_eps_star_and_no_mean() -> None:
    rows = seed_of_trainings(0)
    for row in rows[1:4]:
        row |= {"diverged": True}
    found = running([*rows, *seed_of_trainings(1)])
    assert [(row["eps_star"], row["where"]) for row in found] == [
        (None, "no training left"),
        (pytest.approx(0.02), "within"),
    ]
    (star,) = fine_tune_tables.over_seeds(found)
    assert star["n"] == 2 and star["found"] == 1 and star["text"] == "found for 1 of 2 seeds"
    assert star["eps_star"] != star["eps_star"], "a mean over the rest would be a choice"


def test_losses_that_fall_are_flagged() -> None:
    rows = seed_of_trainings(0)
    rows[1]["train_loss"] = 0.04
    (row,) = running(rows)
    assert not row["monotone"]
    (star,) = fine_tune_tables.over_seeds([row])
    assert star["falling"] == 1


def test_means_over_seeds_have_students_interval_and_ratios_are_geometric() -> None:
    slopes = (3.0, 4.0, 5.0)
    rows = [row for seed, slope in enumerate(slopes) for row in seed_of_trainings(seed, tuned=slope)]
    (star,) = fine_tune_tables.over_seeds(running(rows))
    mean = whole_mean([0.08 / slope for slope in slopes])
    assert (star["eps_star"], star["low"], star["high"]) == pytest.approx((mean.mean, mean.low, mean.high))
    assert star["scratch"] == pytest.approx(0.02) and star["scratch_text"] == "0.02 [0.02, 0.02]"
    assert star["ratio"] == pytest.approx((4**3 / 60) ** (1 / 3))
    assert star["ratio_low"] < star["ratio"] < star["ratio_high"]


def test_a_missing_value_has_no_mean() -> None:
    for mean in (whole_mean([1.0, None]), whole_mean([1.0, nan]), whole_ratio([2.0, None]), whole_ratio([])):
        assert mean.n == 0 and mean.mean != mean.mean
    assert whole_ratio([0.5, 2.0]).mean == pytest.approx(1)


def test_costs_are_sums_of_passes_and_their_shares() -> None:
    rows = [row for seed in range(2) for row in seed_of_trainings(seed)]
    costs = {row["what"]: row for row in fine_tune_costs.costs(rows)}
    assert {name: (row["trainings"], row["passes"]) for name, row in costs.items()} == {
        "clean": (2, 200),
        "1-point": (2, 400),
        "all points": (6, 1200),
        "from scratch": (6, 6000),
    }
    assert (costs["1-point"]["share"], costs["all points"]["share"]) == pytest.approx((400 / 6000, 0.2))
    assert costs["all points"]["share_with_clean"] == pytest.approx(1400 / 6200)
    assert costs["all points"]["share_each"] == costs["1-point"]["share_each"] == pytest.approx(0.2)


def test_the_one_fine_tuning_of_the_cheapest_method_is_the_one_its_line_goes_through() -> None:
    rows = seed_of_trainings(0)
    rows[2]["passes"] = 7  # at the middle strength
    costs = {row["what"]: row["passes"] for row in fine_tune_costs.costs(rows)}
    assert costs["1-point"] == 7
    rows[2]["train_loss"] = 0.09
    (row,) = running(rows, "1-point")
    assert row["eps_star"] == pytest.approx(0.02 * 0.08 / 0.04)


def test_unknown_seconds_stay_unknown() -> None:
    rows = seed_of_trainings(0)
    measured = {row["part"]: 1.0 for row in rows} | {rows[1]["part"]: nan}
    told = fine_tune_costs.seconds(rows, measured)
    assert told["1-point pgd bp"] == {"seconds": 1.0, "share": pytest.approx(1 / 3)}
    assert told["all points pgd bp"] == {"seconds": None, "share": None}
    assert told["from scratch pgd bp"]["share"] == 1


def test_without_trainings_from_scratch_nothing_is_compared() -> None:
    rows = seed_of_trainings(0)[:4]
    estimates = list(fine_tune_tables.estimates(rows, "ce"))
    assert {(row["scratch"], row["ratio"]) for row in estimates} == {(None, None)}
    assert {row["share"] for row in fine_tune_costs.costs(rows)} == {None}
    assert list(fine_tune_claims.claims(estimates, list(fine_tune_costs.costs(rows)), {})) == []
    assert {row["scratch_text"] for row in fine_tune_tables.over_seeds(estimates)} == {""}


def judged(*seeds: list[Row], published: dict[tuple[str, str], float] | None = None) -> dict[tuple[str, str], Row]:
    rows = [row for seed in seeds for row in seed]
    estimates, costs = list(fine_tune_tables.estimates(rows, "ce")), list(fine_tune_costs.costs(rows))
    made = fine_tune_claims.claims(estimates, costs, published or {})
    return {(row["claim"], row["method"]): row for row in made if row["measure"] == "running"}


CLOSE = "within 25% of from scratch"
ONE_CHEAP, ALL_CHEAP = fine_tune_claims.ONE_CHEAP, fine_tune_claims.ALL_CHEAP


@pytest.mark.parametrize(
    ("slopes", "holds"), [((3.9, 4.0, 4.1), "yes"), ((2.0, 2.1, 2.05), "no"), ((1.0, 4.0, 9.0), "undecided")]
)
def test_near_is_what_the_whole_interval_is(slopes: tuple[float, ...], holds: str) -> None:
    claims = judged(*(seed_of_trainings(seed, tuned=slope) for seed, slope in enumerate(slopes)))
    assert claims[CLOSE, "least-squares"]["holds"] == holds
    assert claims[ALL_CHEAP, "all points"]["holds"] == "yes", "a fifth is at most a fifth"


def test_one_seed_has_no_interval_and_decides_nothing() -> None:
    row = judged(seed_of_trainings(0))[CLOSE, "least-squares"]
    assert (row["value"], row["holds"], row["verdict"]) == (pytest.approx(1), "undecided", "cannot be told")


def test_a_dear_fine_tuning_is_told() -> None:
    rows = seed_of_trainings(0)
    rows[1]["passes"] = 300
    one, every = (judged(rows)[claim, "all points"] for claim in (ONE_CHEAP, ALL_CHEAP))
    assert (one["value"], one["holds"], one["verdict"]) == (pytest.approx(700 / 3000), "no", "differs")
    assert (every["value"], every["holds"], every["verdict"]) == (pytest.approx(700 / 3000), "no", "")


def test_of_fewer_strengths_from_scratch_all_may_be_dear_where_one_is_cheap() -> None:
    claims = judged(seed_of_trainings(0)[:-1])
    assert claims[ONE_CHEAP, "all points"]["holds"] == "yes"
    assert (claims[ALL_CHEAP, "all points"]["value"], claims[ALL_CHEAP, "all points"]["holds"]) == (0.3, "no")
    assert claims[ALL_CHEAP, "1-point"]["holds"] == "yes"


def test_rules_are_compared_by_seed() -> None:
    both = []
    for seed, slope in enumerate((3.0, 4.0, 5.0)):
        other = [row for row in seed_of_trainings(seed, tuned=slope / 1.5, gradient="linbp")
                 if row["how"] == "fine-tuned"]  # fmt: skip
        both.append([*seed_of_trainings(seed, tuned=slope), *other])
    row = judged(*both)["larger than under bp", "least-squares"]
    assert (row["gradient"], row["value"], row["holds"]) == ("linbp", pytest.approx(1.5), "yes")
    assert (row["low"], row["high"]) == pytest.approx((1.5, 1.5)), "seeds differ alike under both"


@pytest.mark.parametrize(
    ("value", "same", "verdict"),
    [(5.1, True, "reproduced"), (6.0, True, "differs"), (5.1, False, "cannot be told"), (6.0, False, "cannot be told")],
)
def test_a_printed_value_is_looked_for_in_the_interval(value: float, same: bool, verdict: str) -> None:
    seeds = [seed_of_trainings(seed, tuned=slope) for seed, slope in enumerate((3.9, 4.0, 4.1))]
    claims = judged(*seeds, published={("pgd", "least-squares"): Printed(value, same)})
    assert claims[f"eps_star is {value}/255", "least-squares"]["verdict"] == verdict


def test_table_4_is_published_for_its_own_settings_alone() -> None:
    paper = {**module.studies["fine_tune"].presets["paper"], "tune_attack": ("pgd", "fgm")}
    known = printed(FineTuneConfig(**paper), 50_000, 40)
    pgd, fgm = "pgd(reach=2.5,steps=10)", "fgm(reach=1.25)"
    assert known[pgd, "1-point"] == (0.58, True) and known[fgm, "least-squares"] == (0.59, True)
    assert [value for value, _ in printed(FineTuneConfig(**paper), 10_000, 40).values()] == [4.7, 2.5, 1.7, 2.1]
    for name, value in (("model", "wrn34"), ("eps", (5 / 255,)), ("loss", "trades"), ("dataset", "cifar100")):
        assert printed(FineTuneConfig(**{**paper, name: value}), 50_000, 40) == {}
    assert printed(FineTuneConfig(**paper), 20_000, 40) == {}
    of_l2 = printed(FineTuneConfig(**module.studies["fine_tune"].presets["paper_l2"]), 50_000, 40)
    assert of_l2[pgd, "1-point"] == (20.1, False), "its step in l2 is not given"


@pytest.mark.parametrize(
    "changes",
    [
        {"tune_attack": ("pgd(steps=5)", "fgm(reach=1)")}, {"attack": "pgd(steps=5)"}, {"attack_mode": "eval"},
        {"learning_rate": 0.05}, {"batch_size": 64}, {"select": "validation"}, {"epochs": 100, "tune_epochs": 40},
        {"optimiser": "adam", "learning_rate": 0.1},
    ],
)  # fmt: skip
def test_another_setting_has_no_verdict_on_table_4(changes: dict[str, Any]) -> None:
    paper = module.studies["fine_tune"].presets["paper"]
    known = printed(FineTuneConfig(**{**paper, **changes}), 50_000, 40)
    assert len(known) == 4 and not any(value.same_settings for value in known.values())
    assert not any(value.same_settings for value in printed(FineTuneConfig(**paper), 50_000, 20).values())


def test_table_4_has_a_row_for_each_attack_size_and_norm() -> None:
    assert len({(row.attack, row.samples, row.norm) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("rules", [("bp",), ("bp", "linbp", "linbp(start=3)")])
def test_figures_can_be_drawn_with_and_without_numbers(rules: tuple[str, ...]) -> None:
    rows = [row for gradient in rules for row in seed_of_trainings(0, gradient=gradient)]
    stars = list(fine_tune_tables.over_seeds(fine_tune_tables.estimates(rows, "ce")))
    assert len([axis for axis in fine_tune_figures.losses(rows, "linf").axes if axis.get_visible()]) == len(rules)
    (axis,) = fine_tune_figures.strengths(stars, "l2").axes
    assert len(axis.get_yticks()) == 1 + len(rules) * len(METHODS)
    bare = [{**row, "eps_star": None, "scratch": None, "scratch_text": ""} for row in stars]
    (axis,) = fine_tune_figures.strengths(bare, "l2").axes
    assert [text.get_text() for text in axis.texts] == ["not found for every seed"] * len(rules) * len(METHODS)
