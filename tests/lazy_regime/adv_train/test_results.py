"""Tables and claims of `lazy_regime.adv_train` on made-up nets whose law is known."""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from modules.lazy_regime.adv_train import results
from modules.lazy_regime.adv_train.config import AdvTrainConfig
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Judgement
from suite.statistics import mean_of, rate_of

EPS = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
RADII = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
CONFIG = AdvTrainConfig(widths=(100, 400, 1600), orders=("step", "released"))
Law = Callable[[int, float, int], float]


def nets(panel: str, values: tuple[int, ...], robust: Law, order: str = "step", runs: int = 3) -> pl.DataFrame:
    """robust(d or m, eps or radius, run) at every cell."""
    left = panel == "dimension"
    return pl.DataFrame(
        {
            "panel": panel, "order": order, "d": value if left else 100, "m": 1000 if left else value,
            "eps": x if left else 0.2, "radius": 0.3 if left else x, "run": run, "epochs": 40, "stalled": True,
            "robust_train": 0.5, "clean": 1.0, "robust": robust(value, x, run), "by_rule": robust(value, x, run),
            "distance": 1.0, "touching": 0.5 + 0.01 * run, "n": 500,
        }
        for value in values
        for x in (EPS if left else RADII)
        for run in range(runs)
    )  # fmt: skip


def law(power: float, constant: float = 1.0, steepness: float = -4.0, spread: float = 0.1) -> Law:
    """Passes one half at constant x value^power, run by run a little elsewhere."""

    def share(value: int, x: float, run: int) -> float:
        return float(expit(steepness * (log(x / constant) - power * log(value) - spread * (run - 1))))

    return share


def transitions(made: pl.DataFrame) -> list[dict[str, Any]]:
    return results.transitions(results.passages(made), made).to_dicts()


def powers(made: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows of one panel and order by their part."""
    return {row["part"]: row for row in results.powers(results.passages(made)).iter_rows(named=True)}


def judged(made: pl.DataFrame, config: AdvTrainConfig = CONFIG) -> dict[tuple[str, str], Judgement]:
    passages = results.passages(made)
    found = results.claims(
        made, results.transitions(passages, made), results.powers(passages), results.orders(passages, config), config
    )
    return {(claim.claim, claim.setting): claim.judgement for claim in found}


def verdicts(found: dict[tuple[str, str], Judgement], *starts: str) -> set[str]:
    return {judgement.verdict for (claim, _), judgement in found.items() if claim.startswith(starts)}


def test_transitions_and_their_power_are_found_again() -> None:
    made = nets("dimension", (25, 100, 400, 784), law(-0.5, 0.9))
    for row in transitions(made):
        assert row["value"] == pytest.approx(0.9 * row["d"] ** -0.5, rel=1e-3)
        interval = mean_of([log(row["value"]) + 0.1 * run for run in (-1, 0, 1)])
        assert (log(row["low"]), log(row["high"])) == pytest.approx((interval.low, interval.high), rel=1e-2)
        assert row["scaled"] == pytest.approx(0.9, rel=1e-3) and row["width"] == pytest.approx(3.0, rel=1e-2)
        assert (row["n"], row["runs"], row["steps"], row["beyond"]) == (3, 3, 0, "")
        touching = mean_of([0.5, 0.51, 0.52])
        assert row["misfit"] < 1e-4 and row["along"] == "eps"
        assert (row["touching"], row["touching_low"]) == pytest.approx((touching.value, touching.low))
    whole, upper = powers(made).values()
    assert whole["value"] == pytest.approx(-0.5, abs=1e-3) and (whole["points"], whole["variable"]) == (4, "d")
    assert (upper["part"], upper["first"], upper["points"]) == ("upper half", 400, 2)
    assert upper["value"] == pytest.approx(-0.5, abs=1e-2)


def test_another_power_differs_and_the_upper_half_is_told_apart() -> None:
    flat = nets("dimension", (25, 100, 400), law(-0.2, 0.3))
    assert powers(flat)["all values"]["value"] == pytest.approx(-0.2, abs=1e-3) and len(powers(flat)) == 1

    def bent(d: int, eps: float, run: int) -> float:
        return law(-0.5)(max(d, 100), eps, run)  # flat up to d = 100

    made = nets("dimension", (784, 9, 25, 100, 400), bent)
    whole, upper = powers(made).values()
    assert upper["first"] == 100 and upper["value"] == pytest.approx(-0.5, abs=0.01)
    assert upper["low"] < -0.49 < whole["value"] - 0.1
    found = judged(made)
    assert found["the transition follows d^-0.5", "order step"].verdict == DIFFERS
    assert found["the transition follows d^-0.5", "order step, d >= 100"].verdict == REPRODUCED


def test_a_power_with_a_wide_interval_is_not_told() -> None:
    """Runs whose powers lie between -1 and 0: the interval holds -1/2, and much else."""

    def wild(m: int, radius: float, run: int) -> float:
        return law(-0.5 * run, 0.1 * 30 ** (0.5 * run), 4.0, 0.0)(m, radius, run)

    made = nets("width", (10, 30, 90), wild)
    assert powers(made)["all values"]["low"] < -0.5 < 0 < powers(made)["all values"]["high"]
    assert judged(made)["the transition follows m^-0.5", "order step"].verdict == CANNOT_TELL


def test_runs_that_do_not_pass_leave_no_place() -> None:
    def robust(d: int, eps: float, run: int) -> float:
        return 0.9 if run == 2 else law(-0.5)(d, eps, run)

    (place,) = transitions(nets("dimension", (25,), robust))
    assert place["value"] is None and place["low"] is None and place["touching"] is None
    assert (place["n"], place["runs"], place["beyond"]) == (2, 3, "above the grid")
    (never,) = transitions(nets("width", (25,), lambda *_: 0.9))
    assert (never["n"], never["beyond"], never["width"]) == (0, "below the grid", None)
    (low,) = transitions(nets("dimension", (25,), lambda *_: 0.1))
    assert low["beyond"] == "below the grid"
    made = nets("dimension", (25, 100), robust)
    power = powers(made)["all values"]
    assert (power["value"], power["points"], power["first"], power["n"]) == (None, 0, None, 0)
    found = judged(made)
    assert found["the transition follows d^-0.5", "order step"].verdict == CANNOT_TELL
    lacking = found["a transition at every d", "order step"]
    assert lacking.verdict == CANNOT_TELL and "2 lost" in lacking.note


def test_one_run_has_places_without_intervals() -> None:
    made = nets("width", (100, 400), law(-0.5, 2.0, 4.0), runs=1)
    for row in transitions(made):
        assert row["value"] is not None and row["low"] is None and row["high"] is None
    power = powers(made)["all values"]
    assert power["value"] == pytest.approx(-0.5, abs=1e-3) and power["low"] is None
    assert judged(made)["the transition follows m^-0.5", "order step"].verdict == CANNOT_TELL
    first = results.cells(made, CONFIG.model_copy(update={"networks": 1})).row(0, named=True)
    share = rate_of(round(first["value"] * 500), 500)
    assert (first["low"], first["high"], first["n"]) == (share.low, share.high, 500)


def test_cells_are_means_over_runs() -> None:
    cells = results.cells(nets("dimension", (25, 100), lambda d, eps, run: 0.2 + 0.1 * run), CONFIG)
    for row in cells.iter_rows(named=True):
        mean = mean_of([0.2, 0.3, 0.4])
        assert (row["value"], row["low"], row["high"]) == pytest.approx((mean.value, mean.low, mean.high))
        assert row["n"] == 3 and row["stalled"] == 1 and row["epochs"] == 40
    assert len(cells) == 2 * len(EPS)


def test_orders_are_paired_by_run() -> None:
    """Each run has a place of its own, far apart; the second order moves all of them by the same factor."""
    config = CONFIG.model_copy(update={"widths": (100, 400)})
    one = nets("width", (100, 400), law(-0.5, 2.0, 4.0, 0.5))
    other = nets("width", (100, 400), law(-0.5, 1.6, 4.0, 0.5), "released")
    table = results.orders(results.passages(pl.concat([one, other])), config)
    assert table is not None and table["m"].to_list() == [100, 400, None]
    for row in table.iter_rows(named=True):
        assert row["value"] == pytest.approx(0.8, rel=1e-3) and (row["n"], row["runs"]) == (3, 3)
        assert row["high"] - row["low"] < 0.01
    nowhere = nets("width", (100, 400), lambda *_: 0.9, "released")
    table = results.orders(results.passages(pl.concat([one, nowhere])), config)
    assert table is not None and set(table["value"]) == {None} and set(table["n"]) == {0}
    assert results.orders(results.passages(one), config.model_copy(update={"orders": ("step",)})) is None


def test_claims_judge_a_world_as_the_paper_has_it() -> None:
    right = nets("width", (100, 400, 1600), law(-0.5, 2.0, 12.0, 0.05), runs=6)
    released = nets("width", (100, 400, 1600), law(-0.5, 1.8, 12.0, 0.05), "released", runs=6)
    left = nets("dimension", (25, 100, 400), law(-0.5, 0.9, -12.0, 0.05), runs=6)
    found = judged(pl.concat([left, right, released]), CONFIG.model_copy(update={"networks": 6}))
    assert verdicts(found, "the transition follows", "a transition at every", "completely", "robust") == {REPRODUCED}
    assert verdicts(found, "sharp") == {CANNOT_TELL}  # the paper prints no width
    ratio = "the transition is where it is in order step, within 5%: ratio of radii"
    moved = found[ratio, "order released, mean over widths"]
    assert moved.verdict == DIFFERS and moved.note.startswith("0.9 [")
    assert verdicts(found, "projection does not hurt", "the ball limits") == {REPRODUCED}
    assert not any(claim.startswith("the rule's attack") for claim, _ in found)


def test_claims_judge_another_world() -> None:
    """No power of m, a drop over decades, small balls that cost clean accuracy, and nets that never reach the ball."""
    made = nets("width", (100, 400, 1600), law(0.0, 0.15, 1.0, 0.01)).with_columns(
        clean=pl.when(pl.col("radius") == min(RADII)).then(0.6 + 0.01 * pl.col("run")).otherwise(1.0),
        by_rule=pl.col("robust") + 0.1 + 0.01 * pl.col("run"),
        touching=0.01 + 0.001 * pl.col("run"),
    )
    found = judged(made, CONFIG.model_copy(update={"gradient": "linbp"}))
    assert verdicts(found, "the transition follows", "completely", "robust", "projection does not hurt") == {DIFFERS}
    assert verdicts(found, "the ball limits") == {DIFFERS} and verdicts(found, "the rule's attack") == {REPRODUCED}


def test_an_exact_power_of_another_kind_differs() -> None:
    made = nets("width", (100, 400, 1600), law(-0.2, 0.6, 4.0, 0.01))
    assert judged(made)["the transition follows m^-0.5", "order step"].verdict == DIFFERS


def test_a_step_at_one_dimension_widens_the_power() -> None:
    def robust(d: int, eps: float, run: int) -> float:
        if d == 25:
            return float(eps < 0.2)
        return law(-0.5)(d, eps, run)

    made = nets("dimension", (25, 100, 400), robust)
    first, *_ = transitions(made)
    assert first["steps"] == 3 and first["width"] is None
    assert first["low"] < 0.16 and first["high"] > 0.32  # the place is somewhere within the gap
    power = powers(made)["all values"]
    assert power["high"] - power["low"] > 0.15  # log(2) over half of log(16), and more
    assert np.isclose(power["value"], -0.5, atol=0.15)
