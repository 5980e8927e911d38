"""Nets, flips, means and claims of `lazy_regime.dial` from made-up points whose numbers are known."""

from math import inf

import polars as pl
import pytest

from modules.lazy_regime.dial import results
from modules.lazy_regime.dial.config import DialConfig
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim
from suite.statistics import mean_of

CONFIG = DialConfig(widths=(10,), c0s=(0, 1))


def points(networks: int = 8, right: tuple[float, ...] = (0.0, 1.0, 1.0)) -> pl.DataFrame:
    """Nets at C0 = 0, 1 and without a ball (of these the share `right` is classified correctly): flips grow with it."""
    return pl.DataFrame(
        {
            "m": 10, "c0": c0, "run": run, "id": point, "margin": 1.0 if point < share * 4 or point == 0 else -1.0,
            "norm": 2.0, "gradient": 3.0 + place, "single_step": (1 + place) * (1 + run), "many_steps": 0.5 + place,
            "rule_step": 1.4 * (1 + place) * (1 + run), "pgd": 0.9, "rule_pgd": 1.3, "drift": 0.1 * place,
            "distance": 1.0, "sgd_steps": 3, "left": True,
        }
        for place, (c0, share) in enumerate(zip((0.0, 1.0, None), right, strict=True))
        for run in range(networks) for point in range(4)
    )  # fmt: skip


def found(of: pl.DataFrame, config: DialConfig = CONFIG) -> dict[tuple[str, str], Claim]:
    return {(claim.claim, claim.setting): claim for claim in results.claims(results.nets(of), config)}


def test_nets_are_medians_over_correct_points_in_units_of_the_norm() -> None:
    row = results.nets(points()).row(8, named=True)
    assert (row["c0"], row["run"], row["n"], row["accuracy"]) == (1, 0, 4, 1)
    assert (row["single_step"], row["many_steps"], row["gradient"], row["unflipped"]) == (1, 0.75, 4, 0)
    half = points().with_columns(single_step=pl.when(pl.col("id") < 2).then(inf).otherwise("single_step"))
    row = results.nets(half).row(8, named=True)
    assert row["single_step"] == inf and row["unflipped"] == 0.5 and row["many_steps"] == 0.75


def test_a_net_that_gets_nothing_right_is_recorded() -> None:
    wrong = points().with_columns(margin=-pl.col("margin").abs())
    nets = results.nets(wrong)
    assert set(nets["n"]) == {0} and set(nets["single_step"]) == {None} and set(nets["unflipped"]) == {None}
    assert nets["note"].str.contains("nothing to flip").all()
    flips = results.flips(nets, CONFIG)
    assert len(flips) == 5 * len(nets) and set(flips["ratio"]) == {None}
    row = results.dial(nets).row(0, named=True)
    assert (row["single_step"], row["single_step_low"], row["drift"]) == (None, None, 0)
    lost = found(wrong)["linbp's step is longer than the gradient's", "m = 10, no ball"]
    assert lost.judgement.verdict == CANNOT_TELL and "8 lost" in lost.judgement.note


def test_flips_are_by_attack_and_gradient_over_one_step_of_bp() -> None:
    flips = results.flips(results.nets(points()), CONFIG)
    of_net = flips.filter(pl.col("c0").is_null(), run=1)
    ways = {(row["attack"], row["gradient"]): row for row in of_net.iter_rows(named=True)}
    assert [*ways] == [
        ("one step", "bp"),
        ("PGD", "bp"),
        ("nearest found", "bp"),
        ("one step", "linbp"),
        ("PGD", "linbp"),
    ]
    assert ways["one step", "bp"]["size"] == 3 and ways["one step", "linbp"]["ratio"] == pytest.approx(1.4)
    assert set(results.flips(results.nets(points()), CONFIG.model_copy(update={"gradient": "bp"}))["gradient"]) == {
        "bp"
    }


def test_the_dial_has_means_over_nets_and_none_where_a_net_has_none() -> None:
    rows = results.dial(results.nets(points(networks=3))).to_dicts()
    assert [row["c0"] for row in rows] == [0, 1, None]
    mean = mean_of([1, 2, 3])
    numbers = (rows[1]["single_step"], rows[1]["single_step_low"], rows[1]["single_step_high"])
    assert numbers == pytest.approx((mean.value, mean.low, mean.high)) and rows[1]["nets"] == rows[1]["left"] == 3
    endless = points(networks=3).with_columns(
        single_step=pl.when(pl.col("run") == 0).then(inf).otherwise("single_step")
    )
    assert results.dial(results.nets(endless))["single_step"].to_list() == [None, None, None]


def test_claims_compare_the_same_nets_in_the_smallest_ball_that_generalises() -> None:
    claims = found(points())
    longer = "the single flipping step is longer without a ball"
    at_start = claims[longer, "against m = 10, C0 = 0"]
    assert at_start.judgement.verdict == CANNOT_TELL and "test error above 2%" in at_start.judgement.note
    assert at_start.measured and (at_start.measured.value, at_start.measured.n) == (1, 8)
    assert claims[longer, "against m = 10, C0 = 1"].judgement.verdict == REPRODUCED
    drifted = "the tangent kernel has drifted further without a ball"
    assert claims[drifted, "against m = 10, C0 = 0"].judgement.verdict == REPRODUCED
    assert (drifted, "against m = 10, C0 = 1") not in claims
    assert claims["linbp's step is longer than the gradient's", "m = 10, C0 = 0"].judgement.verdict == REPRODUCED
    everywhere = found(points(right=(1.0, 1.0, 1.0)))
    assert everywhere[longer, "against m = 10, C0 = 0"].judgement.verdict == REPRODUCED
    assert (longer, "against m = 10, C0 = 1") not in everywhere


def test_the_reverse_differs_and_infinite_steps_are_the_longest() -> None:
    good = points(right=(1.0, 1.0, 1.0))
    shorter = good.with_columns(single_step=1 / pl.col("single_step"))
    longer = "the single flipping step is longer without a ball", "against m = 10, C0 = 0"
    assert found(shorter)[longer].judgement.verdict == DIFFERS
    endless = good.with_columns(single_step=pl.when(pl.col("c0").is_null()).then(inf).otherwise("single_step"))
    assert found(endless)[longer].judgement.verdict == REPRODUCED
    assert found(points(networks=5, right=(1.0, 1.0, 1.0)))[longer].judgement.verdict == CANNOT_TELL
