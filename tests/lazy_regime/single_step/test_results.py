"""Powers, growth, comparisons, notes and claims, from made-up points whose numbers are known."""

from collections.abc import Iterator
from math import inf, log, nan
from typing import Any

import polars as pl
import pytest

from modules.lazy_regime.single_step import results
from modules.lazy_regime.single_step.config import SingleStepConfig
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Claim

FLIPS = ("a single gradient step flips the sign at every point", "|delta| / |x| up to 0.50")  # 4 / sqrt 16 / 2
CONFIG = SingleStepConfig(sizes=(4, 8, 16), widths=(100,), c0s=(1, 4), networks=3)


def samples(
    *, dims: tuple[int, ...] = (16, 64, 256), wrong: int = 0, lost: int = 0, n: int = 40, left: bool = True,
    steps: int = 7, power: float = -0.5, networks: int = 3,
) -> pl.DataFrame:  # fmt: skip
    """Nets that follow the theory: |grad f| = sqrt(d C0) (1 + run / 10), delta = C0 d^power, LinBP's half as long."""
    return pl.DataFrame(
        {
            "d": d, "m": 100, "c0": c0, "run": run, "steps": steps, "left": left, "distance": c0,
            "direction": direction, "id": point, "margin": -1.0 if point < wrong else 1.0, "norm": 2.0,
            "gradient": (d * c0) ** 0.5 * (1 + run / 10),
            "delta": inf if wrong <= point < wrong + lost else shorter * c0 * d**power,
            "cosine": shorter,
        }
        for d in dims
        for c0 in (1.0, 4.0)
        for run in range(networks)
        for direction, shorter in (("bp", 1.0), ("linbp", 0.5))
        for point in range(n)
    )  # fmt: skip


def nets(config: SingleStepConfig = CONFIG, **changes: Any) -> pl.DataFrame:
    return results.nets(samples(**changes), config)


def judged(config: SingleStepConfig = CONFIG, of: pl.DataFrame | None = None, **changes: Any) -> Iterator[Claim]:
    raw = samples(**changes) if of is None else of
    of_nets = results.nets(raw, config)
    yield from results.claims(
        raw, of_nets, results.slopes(of_nets, config), results.growth(of_nets),
        results.shapes(results.points(raw, config), config), results.directions(of_nets, config), config,
    )  # fmt: skip


def found(**given: Any) -> dict[tuple[str, str], Claim]:
    return {(claim.claim, claim.setting): claim for claim in judged(**given)}


def test_powers_of_d_and_c0_are_those_of_the_nets() -> None:
    slopes = results.slopes(nets(), CONFIG).filter(direction="bp", c0=4)
    assert dict(slopes.select("quantity", "value").iter_rows()) == pytest.approx(
        {"gradient": 0.5, "eta": -1, "delta": -0.5, "eta_over_norm": -1, "delta_over_norm": -0.5} | {"radius_90": -0.5}
    )
    assert set(slopes["n"]) == {3} and set(slopes["lost"]) == {0}
    growth = results.growth(nets()).filter(direction="bp", d=16)
    assert dict(growth.select("quantity", "value").iter_rows()) == pytest.approx(
        {"gradient": 0.5, "eta": 0.5, "delta": 1, "eta_over_norm": 0.5, "delta_over_norm": 1} | {"radius_90": 1}
    )


def test_the_radius_of_robust_error_counts_wrong_points_as_zero() -> None:
    """Of 40 points ten are wrong and the others flip at their number: 37 are more than nine tenths."""
    raw = samples(wrong=10).with_columns(delta=2.0 * (pl.col("id") + 1), norm=2.0)
    row = results.nets(raw, CONFIG).row(0, named=True)
    assert (row["radius_90"], row["largest"]) == (37.0, 40.0)
    unflipped = results.nets(samples(wrong=10, lost=6), CONFIG).row(0, named=True)
    assert unflipped["radius_90"] == inf and unflipped["largest"] == pytest.approx(0.125)


def test_whether_nets_generalise_is_counted_by_width_and_ball() -> None:
    row = results.generalising(nets(wrong=1)).row(0, named=True)
    assert (row["m"], row["c0"], row["n"], row["nets"], row["generalise"], row["left"]) == (100, 1, 3, 9, 0, 9)
    assert row["value"] == row["lowest"] == 0.975
    assert results.generalising(nets())["generalise"].to_list() == [9, 9]


def test_the_whole_ball_is_judged_where_nets_left_it() -> None:
    """Gradients of sqrt(d C0) have power 1/2; the whole ball of C0 = 4 has |grad f|^2 = d / 2 + 4."""
    config = CONFIG.model_copy(update={"networks": 6})
    name = ("|grad f|: the power of a net that uses its whole ball", "C0 = 4, m = 100")
    turned = found(config=config, networks=6)[name]
    assert turned.published == pytest.approx(log(132 / 12) / (2 * log(16))) and turned.judgement.verdict == REPRODUCED
    assert found(config=config, networks=6, left=False)[name].judgement.verdict == CANNOT_TELL
    steeper = samples(networks=6).with_columns(gradient=pl.col("gradient") * pl.col("d") ** 0.2)
    assert found(config=config, of=steeper)[name].judgement.verdict == DIFFERS
    raw = {claim.source for claim in judged(config.model_copy(update={"unit_norm": False}), networks=6)}
    assert "own closed form" not in raw


def test_wrong_points_and_points_without_a_flip_are_left_out_or_zero() -> None:
    row = nets(wrong=10, lost=6).row(0, named=True)
    assert (row["accuracy"], row["n"], row["flipped"]) == (0.75, 30, 24 / 30)
    assert row["delta"] == pytest.approx(0.25)
    assert row["delta_over_norm"] == pytest.approx(0.125)
    assert row["eta"] == pytest.approx(0.25 / 4)
    zero = nets(CONFIG.model_copy(update={"misclassified": "zero"}), wrong=10, lost=6).row(0, named=True)
    assert zero["delta"] == pytest.approx(0.25 * 24 / 34)
    assert zero["flipped"] == row["flipped"]


def test_a_net_that_gets_nothing_right_has_gaps_and_a_note() -> None:
    of_nets = nets(wrong=40)
    assert set(of_nets["n"]) == {0} and set(of_nets["delta"]) == {None}
    assert of_nets["note"].str.contains("no test point").all()
    slopes = results.slopes(of_nets, CONFIG).filter(pl.col("quantity") != "gradient")
    assert set(slopes["value"]) == {None} and set(slopes["n"]) == {0} and set(slopes["lost"]) == {3}
    gaps = results.settings(of_nets).filter(pl.col("quantity").is_in(["delta", "ratio", "flipped"]))
    assert set(gaps["value"]) == {None} and set(gaps["n"]) == {0}
    directions = results.directions(of_nets, CONFIG)
    assert directions is not None and set(directions["value"]) == {None}
    verdicts = {claim.judgement.verdict for claim in judged(wrong=40)}
    assert verdicts == {CANNOT_TELL}


def test_diverged_nets_get_nothing_right() -> None:
    diverged = samples().with_columns(margin=pl.lit(nan), gradient=pl.lit(nan))
    assert set(results.nets(diverged, CONFIG)["accuracy"]) == {0}


def test_notes_say_what_became_of_the_ball() -> None:
    assert "first step" in nets(steps=0)["note"][0]
    assert "never left" in nets(left=False)["note"][0]
    assert nets()["note"][0] == ""


def test_the_directions_are_compared_on_the_same_points() -> None:
    directions = results.directions(nets(lost=5), CONFIG)
    assert directions is not None
    row = directions.row(0, named=True)
    assert (row["direction"], row["n"], row["cosine"]) == ("linbp", 3, 0.5)
    assert row["value"] == pytest.approx(0.5) == row["high"]
    assert results.directions(nets(), CONFIG.model_copy(update={"gradient": "bp"})) is None


def test_points_are_those_of_the_largest_nets_and_ball() -> None:
    points = results.points(samples(), CONFIG)
    assert len(points) == 3 * 2 * 40 and set(points["direction"]) == {"bp", "linbp"}
    assert points["eta"][0] == pytest.approx(points["delta"][0] / points["gradient"][0])


def test_a_zero_gradient_has_no_step() -> None:
    flat = samples().with_columns(gradient=pl.lit(0.0), delta=pl.lit(inf))
    assert results.points(flat, CONFIG)["eta"].is_infinite().all()
    row = results.nets(flat, CONFIG).row(0, named=True)
    assert (row["flipped"], row["delta"]) == (0.0, None)


def test_shapes_are_means_over_nets_with_enough_different_points() -> None:
    """delta of points 0, 1, 4, 9 ... is skewed; the gradients are all alike, and have no shape."""
    squares = samples().with_columns(delta=(pl.col("id") ** 2 + 1.0) * (1 + 0.01 * pl.col("run")))
    shapes = results.shapes(results.points(squares, CONFIG), CONFIG)
    rows = {(row["quantity"], row["moment"]): row for row in shapes.iter_rows(named=True)}
    assert rows["delta", "skewness"]["value"] == pytest.approx(pl.Series([i**2 for i in range(40)]).skew())
    assert rows["delta", "excess kurtosis"]["n"] == 3 and rows["delta", "excess kurtosis"]["lost"] == 0
    assert (rows["gradient", "skewness"]["n"], rows["gradient", "skewness"]["lost"]) == (0, 3)


def test_claims_judge_powers_growth_flips_and_the_ball() -> None:
    """Of 60 trajectories, so that the absence of violations says something."""
    config = CONFIG.model_copy(update={"networks": 20})
    claims = found(config=config, of=samples(networks=20))
    eta = claims["eta ~ d^-1", "C0 = 4, m = 100"]
    assert eta.judgement.verdict == REPRODUCED and eta.source == "Fig. 5, Theorem 3.1" and eta.published == -1
    assert claims["eta grows with C0", "every d, m = 100"].judgement.verdict == REPRODUCED
    flips = claims[FLIPS]
    assert flips.measured and (flips.measured.n, flips.judgement.verdict) == (3 * 2 * 20 * 40, REPRODUCED)
    assert claims["the returned nets are in the lazy ball", ""].judgement.verdict == REPRODUCED
    once = found(config=config, of=samples(networks=20, lost=1))
    assert once[FLIPS].judgement.verdict == DIFFERS
    few = found()[FLIPS].judgement
    assert few.verdict == CANNOT_TELL and "9 trainings" in few.note
    ratio = claims["|delta| along linbp over that along the gradient", "d = 256, C0 = 4, m = 100"]
    assert ratio.measured and (ratio.measured.value, ratio.judgement.verdict) == (pytest.approx(0.5), DIFFERS)
    larger = claims["|delta| along linbp is larger than along the gradient", "every d, C0 and m"]
    assert larger.judgement.verdict == DIFFERS


def test_another_power_differs() -> None:
    """Six nets: of fewer that agree exactly, their agreement says nothing."""
    config = CONFIG.model_copy(update={"networks": 6})
    claims = found(config=config, power=-0.3, networks=6)
    delta = claims["|delta| / |x| ~ d^-0.5", "C0 = 4, m = 100"]
    assert delta.measured and delta.measured.value == pytest.approx(-0.3) and delta.judgement.verdict == DIFFERS
    assert claims["|grad f| ~ d^0.5", "C0 = 4, m = 100"].judgement.verdict == REPRODUCED


def test_nets_that_do_not_generalise_are_no_test_of_a_figure() -> None:
    """One of 40 points wrong is an error of 2.5 %: the figures say nothing of such nets, the theorem does."""
    claims = list(judged(wrong=1, networks=6, config=CONFIG.model_copy(update={"networks": 6})))
    of_figures = [claim for claim in claims if claim.source.startswith("Fig.")]
    assert len(of_figures) == 2 * 3 + 3 + 6
    for claim in of_figures:
        assert claim.judgement.verdict == CANNOT_TELL and "a test error above 2%" in claim.judgement.note
    (theorem,) = (claim for claim in claims if claim.claim.startswith("a single gradient step"))
    assert "paper's conditions" not in theorem.judgement.note


def test_a_wide_interval_confirms_nothing() -> None:
    """Powers between -1 and 0 by net: the interval holds -1/2 and much else."""
    wild = samples().with_columns(delta=pl.col("d").cast(pl.Float64).pow(-0.5 * pl.col("run")))
    claim = found(of=wild)["|delta| / |x| ~ d^-0.5", "C0 = 4, m = 100"]
    assert claim.measured and claim.measured.low < -0.5 < claim.measured.high
    assert claim.judgement.verdict == CANNOT_TELL


def test_pixels_as_they_are_have_the_scaled_step_judged_too() -> None:
    config = CONFIG.model_copy(update={"unit_norm": False})
    sources = {claim.claim: claim.source for claim in judged(config)}
    assert sources["eta / |x| ~ d^-1"] == sources["|delta| ~ d^-0.5"] == "Theorem 3.1"
    assert sources["eta ~ d^-1"] == "Fig. 2, Theorem 3.1" and sources["eta grows with C0"] == "Fig. 3"


def test_the_derived_ratio_is_linbps_alone() -> None:
    config = CONFIG.model_copy(update={"gradient": "sgm(lam=0.5)"})
    raw = samples().with_columns(pl.col("direction").replace({"linbp": "sgm(lam=0.5)"}))
    claims = found(config=config, of=raw)
    ratio = claims["|delta| along sgm(lam=0.5) over that along the gradient", "d = 256, C0 = 4, m = 100"]
    assert ratio.judgement.verdict == CANNOT_TELL and "derived for linbp" in ratio.judgement.note
