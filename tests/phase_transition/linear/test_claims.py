"""What is judged of linear regression, with the cases that were once judged wrongly."""

from typing import Any

import numpy as np
import polars as pl

from modules.phase_transition.linear import claims
from suite.claims import Claim


def verdicts(found: Any) -> list[str]:
    return [claim.judgement.verdict for claim in found]


def estimate(name: str, value: float, half: float) -> dict[str, float]:
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def end(d: int, n: int, over: float, over_std: float, diverged: int = 0) -> dict[str, Any]:
    eps = over * (d / n) ** 0.5
    size = {"d": d, "samples": n, "eps": eps, "eps_over_order": over, "data_sets": 100 - diverged, "diverged": diverged}
    return size | estimate("over_std", over_std, 0.01)


def test_a_strength_below_both_rates_tells_neither() -> None:
    """At eps = 0.01 < d/n = 0.02 paths of d = 20, n = 1000 agree under either rate; at 0.3 sqrt(d/n) = 0.042 not."""
    parted = {0.0707107: 0.058, 0.3: 0.25, 1.0: 0.9, 1.41: 1.3}
    found = list(claims.parting(pl.DataFrame([end(20, 1000, *pair) for pair in parted.items()])))
    assert verdicts(found) == ["cannot be told", "reproduced", "reproduced"]
    assert "below d/n" in found[0].judgement.note and found[2].claim.startswith("|theta(eps) - theta(0)| > ")
    assert verdicts(claims.parting(pl.DataFrame([end(20, 1000, 0.3, 1.25)]))) == ["differs"]
    assert verdicts(claims.parting(pl.DataFrame([end(20, 1000, 0.3, 0.25, diverged=1)]))) == ["cannot be told"]
    high = pl.DataFrame([end(2000, 10, 0.07, 0.01), end(2000, 10, 1.41, 1.3)])
    assert verdicts(claims.parting(high)) == ["reproduced"]  # above, both models go to 0


def test_the_collapse_is_counted_in_data_sets() -> None:
    minima = pl.DataFrame({"d": 40, "samples": 4, "eps": 0.0, "collapse": [3.0] * 12 + [9.0] * 2})
    ends = pl.DataFrame([end(40, 4, 0.1, 0.1), end(40, 4, 1.41, 1.3)])
    (found,) = claims.collapse(ends, minima)
    assert (found.judgement.verdict, found.measured.value, found.measured.n) == ("reproduced", 12 / 14, 14)  # type: ignore[union-attr]


def test_paths_are_ordered_in_data_sets_and_a_diverged_one_is_undecided() -> None:
    def paths(gone: int) -> pl.DataFrame:
        rows = [
            {"d": 3, "samples": 9, "repeat": r, "eps": e, "eps_over_order": e, "step": 5, "apart": e, "gone": r < gone}
            for r in range(9)
            for e in (2.0, 1.0)  # in any order
        ]
        return pl.DataFrame(rows)

    assert verdicts(claims.ordered(paths(0))) == ["reproduced"]
    assert verdicts(claims.ordered(paths(3))) == ["cannot be told"]
    assert verdicts(claims.ordered(paths(0).filter(pl.col("eps") == 1))) == []


def test_an_early_fall_of_the_losss_p_value_does_not_contradict_that_it_is_near_zero_at_eps_star() -> None:
    size = {"d": 2, "samples": 100, "data_sets": 100}
    star = estimate("over_eps_star", 5.0, 0.5)
    loss = size | {"of": "loss"} | estimate("over_order", 0.27, 0.04) | star
    parameters = size | {"of": "parameters"} | estimate("over_order", 0.27, 0.04) | star
    assert verdicts(claims.half_way(pl.DataFrame([loss]))) == ["reproduced", "cannot be told"]
    assert verdicts(claims.half_way(pl.DataFrame([parameters]))) == ["differs", "cannot be told"]
    late = loss | estimate("over_order", 1.5, 0.1) | {"d": 200}
    assert verdicts(claims.half_way(pl.DataFrame([late]))) == ["differs", "differs"]


def test_p_values_that_are_not_uniform_are_found_and_few_are_not_enough() -> None:
    def tests(p: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame({"of": "loss", "d": 2, "samples": 9, "eps": 0.0, "gone": False, "by_f": p, "rank": p})

    even = (np.arange(200) + 0.5) / 200
    assert verdicts(claims.uniform(tests(even))) == ["reproduced"] * 2
    assert verdicts(claims.uniform(tests(0.25 + even / 2))) == ["differs"] * 2  # of the right mean
    assert verdicts(claims.uniform(tests(even[::25]))) == ["cannot be told"] * 2


def growth(**changed: float) -> pl.DataFrame:
    row = {"sizes": 9, "lost": 0} | estimate("power", 1.0, 0.05) | estimate("leading", 1.0, 0.05)
    return pl.DataFrame([row | changed] * len(claims.LAWS))


def judged_powers(**changed: float) -> dict[tuple[str, str], Claim]:
    found = claims.powers(growth(**changed))
    return {(claim.claim, claim.source): claim for claim in found if claim.claim.endswith("straight line")}


def test_the_gap_is_claimed_to_be_d_over_n_and_expected_losses_refute_no_square_root() -> None:
    found = judged_powers()
    assert found["E Delta goes like (d/n)^1 for d/n <= 0.2, straight line", "Lemma 2"].judgement.verdict == "reproduced"
    losses = "eps_star (losses) goes like (d/n)^{} for d/n <= 0.2, straight line"
    assert found[losses.format(0.5), "Theorems 1, 2"].judgement.verdict == "cannot be told"
    assert found[losses.format(1), "derived here"].judgement.verdict == "reproduced"
    parameters = "eps_star (parameters) goes like (d/n)^0.5 for d/n <= 0.2, straight line"
    assert found[parameters, "Theorems 1, 2"].judgement.verdict == "differs"


def test_a_power_with_a_wide_interval_or_a_lost_size_confirms_nothing() -> None:
    name = "E Delta goes like (d/n)^1 for d/n <= 0.2, straight line", "Lemma 2"
    assert judged_powers(power=1.1, power_low=0.05, power_high=2.15)[name].judgement.verdict == "cannot be told"
    assert judged_powers(lost=1)[name].judgement.verdict == "cannot be told"


def sizes(half: float, count: int = 6) -> pl.DataFrame:
    row = {"d": 60, "samples": 10, "data_sets": 50, "variance": 0.343, "variance_printed": 0.204}
    return pl.DataFrame([row | estimate("spread", 0.348, half)] * count)


def test_lemma_1_is_told_by_sizes_whose_intervals_tell_the_two_forms_apart() -> None:
    assert verdicts(claims.variance(sizes(0.03))) == ["differs", "reproduced"]
    assert verdicts(claims.variance(sizes(0.2))) == ["cannot be told"] * 2
    assert verdicts(claims.variance(sizes(0.03, count=3))) == ["cannot be told"] * 2


def test_table_b1_can_differ_where_the_lost_noise_does_not_matter() -> None:
    def printed(d: int, n: int, value: float, half: float) -> Claim:
        row = {"d": d, "samples": n, "data_sets": 50} | estimate("eps_star", value, half)
        (found,) = claims.table_b1(pl.DataFrame([row]))
        return found

    assert printed(2000, 10, 17.2, 0.4).judgement.verdict == "differs"
    assert printed(2000, 10, 15.2, 0.4).judgement.verdict == "reproduced"
    assert printed(2000, 10, 15.2, 4.0).judgement.verdict == "cannot be told"
    lost = printed(20, 1000, 0.0123, 0.0006).judgement
    assert lost.verdict == "cannot be told" and "0.02 needs about 0.79; d/n is 0.02" in lost.note
