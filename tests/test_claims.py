"""Each judge in all three answers, and the verdicts that earlier judges gave and must not."""

from math import inf, nan

import numpy as np
import polars as pl
import pytest

from suite.claims import (
    CANNOT_TELL,
    DIFFERS,
    REPRODUCED,
    SCHEMA,
    Claim,
    Judgement,
    at_least,
    at_most,
    bound,
    censored_comparison,
    claims_table,
    direction,
    equivalence,
    everywhere,
    existence,
    majority,
    number,
    order,
    order_family,
    power,
)
from suite.statistics import (
    Estimate,
    PairedTest,
    bracketed_mean_of,
    cluster_rate,
    holm_of,
    mcnemar_of,
    mean_of,
    rate_of,
    sign_test_of,
)

YES, NO, OPEN = Judgement(REPRODUCED), Judgement(DIFFERS), Judgement(CANNOT_TELL)


def measured(low: float, value: float, high: float, n: int = 20) -> Estimate:
    return Estimate(value, low, high, n, "seeds")


@pytest.mark.parametrize(
    ("estimate", "verdict", "note"),
    [
        (measured(0.66, 0.67, 0.68), REPRODUCED, "0.67 [0.66, 0.68] holds 0.6697"),
        (measured(0.68, 0.69, 0.70), DIFFERS, "excludes 0.6697"),
        (measured(0.1, 0.2, 0.6), DIFFERS, "excludes 0.6697"),  # wide, but it excludes
        (measured(0.6, 0.65, 0.7), CANNOT_TELL, "wider than ± 0.02"),
        (measured(0.6, 0.7, inf), CANNOT_TELL, "wider than ± 0.02"),
        (measured(nan, 0.67, nan, 1), CANNOT_TELL, "no interval from 1 seeds"),
        (measured(nan, nan, nan, 0), CANNOT_TELL, "no interval from 0 seeds"),
        (measured(0.6697, 0.6697, 0.6697, 1), REPRODUCED, ""),  # exact
        (measured(0.6697, 0.6697, 0.6697, 3), CANNOT_TELL, "3 seeds with the same value"),
        (measured(0.6697, 0.6697, 0.6697, 6), REPRODUCED, ""),
    ],
)
def test_a_printed_number(estimate: Estimate, verdict: str, note: str) -> None:
    found = number(estimate, 0.6697, 0.02)
    assert found.verdict == verdict and note in found.note


def test_a_number_is_as_exact_as_it_is_printed() -> None:
    exact = measured(0.6702, 0.6703, 0.6704)
    assert number(exact, 0.67, 0.01).verdict == DIFFERS
    assert number(exact, 0.67, 0.01, rounding=0.005).verdict == REPRODUCED


def test_twenty_images_do_not_confirm_two_numbers() -> None:
    few = rate_of(16, 20, "images")
    assert [number(few, printed, 0.02).verdict for printed in (0.6697, 0.9023)] == [CANNOT_TELL] * 2
    assert number(few, 0.9858, 0.02).verdict == DIFFERS
    assert number(rate_of(16_000, 20_000), 0.8, 0.02).verdict == REPRODUCED


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.45, 0.5, 0.55, REPRODUCED),
        (0.4, 0.42, 0.6, REPRODUCED),
        (0.41, 0.43, 0.45, REPRODUCED),  # it excludes 1/2, but not what finite sizes leave open
        (0.2, 0.3, 0.39, DIFFERS),
        (0.61, 0.8, 1.2, DIFFERS),
        (0.35, 0.4, 0.45, CANNOT_TELL),
        (0.172, 0.479, 0.786, CANNOT_TELL),
        (-0.2, 0.5, 1.2, CANNOT_TELL),
    ],
)
def test_a_power(low: float, value: float, high: float, verdict: str) -> None:
    estimate = measured(low, value, high)
    assert power(estimate, 0.5, 0.1).verdict == equivalence(estimate, 0.4, 0.6).verdict == verdict


def test_a_wide_interval_confirms_no_power() -> None:
    assert power(measured(0.05, 1.1, 2.15), 1, 0.1).verdict == CANNOT_TELL
    assert power(measured(0.05, 1.1, 2.15), 1, 0.5).verdict == CANNOT_TELL


def test_the_same_within_ten_percent() -> None:
    ratios = [measured(0.95, 1, 1.05), measured(1.11, 1.2, 1.3), measured(0.85, 1, 1.05), measured(nan, 1, nan, 1)]
    words = [equivalence(ratio, 0.9, 1.1).verdict for ratio in ratios]
    assert words == [REPRODUCED, DIFFERS, CANNOT_TELL, CANNOT_TELL]


def test_bounds_are_not_contradicted_by_what_is_inside_them() -> None:
    small, large, across = measured(0.30, 0.32, 0.34), measured(0.51, 0.6, 0.7), measured(0.4, 0.45, 0.55)
    assert [at_most(one, 0.5).verdict for one in (small, large, across)] == [REPRODUCED, DIFFERS, CANNOT_TELL]
    assert [at_least(one, 0.5).verdict for one in (small, large, across)] == [DIFFERS, REPRODUCED, CANNOT_TELL]
    assert at_most(measured(-inf, 0.3, 0.4), 0.5).verdict == REPRODUCED


def test_few_dependent_points_do_not_reach_95_percent() -> None:
    assert at_least(rate_of(3, 4, "points"), 0.95).verdict == CANNOT_TELL
    assert at_least(cluster_rate([True] * 3 + [False], [0] * 4, "nets"), 0.95).verdict == CANNOT_TELL
    assert at_least(cluster_rate([True] * 3000, np.arange(3000) % 3, "nets"), 0.95).verdict == CANNOT_TELL
    assert at_least(cluster_rate([True] * 300, np.arange(300) % 100, "nets"), 0.95).verdict == REPRODUCED


def test_a_direction() -> None:
    up, down, zero = measured(0.1, 0.2, 0.3), measured(-0.3, -0.2, -0.1), measured(-0.1, 0.2, 0.5)
    assert [direction(one).verdict for one in (up, down, zero)] == [REPRODUCED, DIFFERS, CANNOT_TELL]
    assert [direction(one, -1).verdict for one in (up, down, zero)] == [DIFFERS, REPRODUCED, CANNOT_TELL]
    assert direction(measured(0, 0.2, 0.5)).verdict == CANNOT_TELL
    assert direction(mean_of([0.3], "seeds")).note == "no interval from 1 seeds"
    assert (
        direction(mean_of([0.3, 0.3], "seeds")).verdict == CANNOT_TELL
    )  # a success of 100 % against one of 70 %, twice
    with pytest.raises(ValueError, match="sign 0"):
        direction(up, 0)


@pytest.mark.parametrize(("diverged", "n"), [(8, 20), (3, 5), (1, 20)])
def test_means_of_what_is_left_after_divergence_decide_nothing(diverged: int, n: int) -> None:
    left = mean_of(np.linspace(0.99, 1.01, n - diverged), "runs")
    assert direction(left).verdict == REPRODUCED
    for found in (
        direction(left, lost=diverged),
        number(left, 1, 0.5, lost=diverged),
        power(left, 1, 0.5, lost=diverged),
        at_most(left, 2, lost=diverged),
        at_least(left, 2, lost=diverged),
        equivalence(left, 0, 2, lost=diverged),
    ):
        assert found == Judgement(CANNOT_TELL, f"{diverged} of {n} runs are lost, which could turn the answer")


def test_an_order_of_two_methods() -> None:
    words = [order(mcnemar_of(*counts)).verdict for counts in [(40, 10), (10, 40), (25, 24), (0, 0), (5, 0)]]
    assert words == [REPRODUCED, DIFFERS, CANNOT_TELL, CANNOT_TELL, CANNOT_TELL]
    assert order(sign_test_of([1.0] * 6)).note == "6 against 0, p = .031"


def test_lost_units_speak_for_the_side_that_is_behind() -> None:
    assert order(mcnemar_of(40, 10), lost=5).verdict == REPRODUCED
    assert order(mcnemar_of(40, 10), lost=25).verdict == CANNOT_TELL
    assert order(mcnemar_of(40, 10), lost=500).verdict == CANNOT_TELL  # the other side would be ahead
    assert order(mcnemar_of(10, 40), lost=25).verdict == CANNOT_TELL
    assert order(mcnemar_of(3, 3), lost=100).verdict == CANNOT_TELL


def test_a_family_of_orders_is_holms() -> None:
    tests = [mcnemar_of(20, 5), mcnemar_of(15, 4), mcnemar_of(5, 20), mcnemar_of(9, 1)]
    adjusted = holm_of([test.p_value for test in tests])
    found = order_family(tests)
    assert all(order(test).verdict != CANNOT_TELL for test in tests)
    assert [judgement.verdict != CANNOT_TELL for judgement in found] == [p < 0.05 for p in adjusted]
    assert [judgement.verdict for judgement in found] == [REPRODUCED, REPRODUCED, DIFFERS, REPRODUCED]
    assert "(Holm over 4)" in found[0].note
    ten = order_family([*tests, *[PairedTest(3, 3, 1.0)] * 6])
    assert [judgement.verdict for judgement in ten[:4]].count(CANNOT_TELL) == 2
    assert order_family(tests, lost=[0, 10, 0, 0])[1].verdict == CANNOT_TELL
    assert order_family([]) == []


def test_a_majority_of_units() -> None:
    cases = [
        ([True] * 9, REPRODUCED),
        ([False] * 9, DIFFERS),
        ([True] * 9 + [False] * 6, CANNOT_TELL),
        ([], CANNOT_TELL),
    ]
    assert [majority(holds, of="seeds").verdict for holds, _ in cases] == [verdict for _, verdict in cases]
    assert majority([True] * 5, of="seeds").verdict == CANNOT_TELL  # p = 1/16
    assert majority(pl.Series([True] * 20 + [None] * 3), of="seeds").verdict == REPRODUCED
    assert majority(np.array([True] * 6), of="seeds", lost=1).verdict == CANNOT_TELL


def test_one_yes_and_fourteen_undecided_decide_nothing() -> None:
    found = majority([True] + [None] * 14, of="comparisons")
    assert found == Judgement(CANNOT_TELL, "of 15 comparisons 1 yes, 0 no, 14 undecided")
    assert everywhere([YES] + [OPEN] * 14).verdict == CANNOT_TELL


def test_starts_of_one_network_are_one_voice() -> None:
    starts: list[bool | None] = [True] * 14 + [False]
    assert majority(starts, of="starts").verdict == REPRODUCED
    assert majority(starts, [0] * 15, of="networks").note == "of 1 networks 1 yes, 0 no, 0 undecided"
    assert majority([True] * 9 + [False] * 6, [0] * 15, of="networks").verdict == CANNOT_TELL
    assert majority(starts, [0] * 15, of="networks").verdict == CANNOT_TELL
    assert majority([True, True, None] * 6, np.repeat(range(6), 3), of="networks").verdict == REPRODUCED
    assert majority([True, False, None] * 6, np.repeat(range(6), 3), of="networks").note.endswith("6 undecided")


def test_existence() -> None:
    assert existence(1, 15, of="nets").verdict == REPRODUCED
    assert existence(0, 15, of="nets").verdict == CANNOT_TELL
    assert existence(0, 15, of="nets", least=0.05).verdict == CANNOT_TELL
    assert existence(0, 100, of="nets", least=0.05).verdict == DIFFERS
    assert existence(0, 100, of="nets", least=0.05, lost=2).verdict == CANNOT_TELL
    assert existence(0, 0, of="nets").verdict == CANNOT_TELL


def test_a_bound_without_exception() -> None:
    assert bound(1, 1000, of="nets").verdict == DIFFERS
    assert [bound(0, n, of="nets").verdict for n in (0, 20, 58, 59)] == [CANNOT_TELL] * 3 + [REPRODUCED]
    assert 0.95**59 <= 0.05 < 0.95**58
    assert [bound(0, n, of="nets", rate=0.2).verdict for n in (13, 14)] == [CANNOT_TELL, REPRODUCED]
    assert bound(0, 1000, of="nets", lost=1).verdict == CANNOT_TELL
    assert bound(1, 1000, of="nets", lost=1).verdict == DIFFERS


def test_bounds_of_values_enter_as_bounds() -> None:
    """Two seeds with half of the other's eps_star, and two of which it is above all strengths, are no smaller one."""
    half, above = ((1.0, 1.0), (2.0, 2.0)), ((4.0, inf), (2.0, 2.0))
    assert censored_comparison([half, half, above, above], -1, of="seeds").note == "of 4 seeds 2 yes, 2 no, 0 undecided"
    for pairs in ([half] * 2 + [above] * 2, [half] * 20 + [above] * 15):
        assert censored_comparison(pairs, -1, of="seeds").verdict == CANNOT_TELL
    assert censored_comparison([half] * 10 + [above], -1, of="seeds").verdict == REPRODUCED
    assert censored_comparison([half] * 10 + [above], 1, of="seeds").verdict == DIFFERS
    overlapping = ((0.0, 3.0), (2.0, 2.0))
    assert censored_comparison([half] * 10 + [overlapping] * 5, -1, of="seeds").verdict == CANNOT_TELL
    assert censored_comparison([half] * 6, -1, of="seeds", lost=1).verdict == CANNOT_TELL
    with pytest.raises(ValueError, match="not in order"):
        censored_comparison([((2.0, 1.0), (0.0, 0.0))], of="seeds")
    with pytest.raises(ValueError, match="sign 2"):
        censored_comparison([], 2, of="seeds")


def test_a_mean_of_open_brackets_has_no_direction() -> None:
    """log ratios of eps_star: -0.69 twice, and twice known to be above 0.69 only."""
    assert direction(bracketed_mean_of([-0.69, -0.69, 0.69, 0.69], [-0.69, -0.69, inf, inf]), -1).verdict == CANNOT_TELL
    assert direction(bracketed_mean_of([-0.7, -0.8, -0.7, -0.7], [-0.6, -0.7, -0.6, -0.65]), -1).verdict == REPRODUCED


def test_one_claim_about_several_settings() -> None:
    assert everywhere([YES, YES]).verdict == REPRODUCED
    assert everywhere([YES, OPEN]).verdict == everywhere([]).verdict == CANNOT_TELL
    assert everywhere([YES], conditions=["other images"]).verdict == CANNOT_TELL
    assert everywhere([YES, OPEN, NO]) == Judgement(DIFFERS, "of 3 settings 1 reproduced, 1 differ, 1 cannot be told")


def test_failed_conditions_leave_nothing_to_judge() -> None:
    good, conditions = measured(0.9, 1, 1.1), ["m < d^2.4", "raw updates"]
    found = [
        number(good, 1, 1, conditions=conditions),
        equivalence(good, 0, 2, conditions=conditions),
        power(good, 1, 1, conditions=conditions),
        at_most(good, 2, conditions=conditions),
        at_least(good, 0, conditions=conditions),
        direction(good, conditions=conditions),
        order(mcnemar_of(40, 1), conditions=conditions),
        *order_family([mcnemar_of(40, 1)] * 2, conditions=conditions),
        majority([True] * 50, of="nets", conditions=conditions),
        existence(1, 1, of="nets", conditions=conditions),
        bound(1, 1, of="nets", conditions=conditions),
        censored_comparison([((1, 1), (0, 0))] * 20, of="nets", conditions=conditions),
    ]
    assert set(found) == {Judgement(CANNOT_TELL, "not the paper's conditions: m < d^2.4; raw updates")}


def test_there_are_three_words() -> None:
    with pytest.raises(ValueError, match="'holds in part' is no verdict"):
        Judgement("holds in part")


def test_the_table_of_claims() -> None:
    columns = ["claim", "setting", "value", "low", "high", "n", "of", "unit", "published", "source", "verdict", "note"]
    claims = [
        Claim("it grows", "Fig. 1", Judgement(CANNOT_TELL, "no runs")),
        Claim("success rate", "Table 1", YES, "eps = 0.1", Estimate(0.9, nan, inf, 1, "images"), 0.9023),
    ]
    found = claims_table(claims)
    assert found.columns == columns == list(SCHEMA) and found.schema == claims_table([]).schema
    assert found.row(0) == ("it grows", "", *[None] * 7, "Fig. 1", "cannot be told", "no runs")
    assert found.row(1) == (
        "success rate", "eps = 0.1", 0.9, None, inf, 1, "images", "", 0.9023, "Table 1", "reproduced", "",
    )  # fmt: skip
    assert claims_table(iter(claims)).equals(found)
