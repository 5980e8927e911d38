"""Tables and claims of `lazy_regime.adv_train` on made-up nets whose law is known."""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from modules.lazy_regime.adv_train_claims import claims
from modules.lazy_regime.adv_train_tables import cells, orders, powers, transitions
from suite.stats import mean_interval, wilson

EPS = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
RADII = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
Row = dict[str, Any]


def nets(
    panel: str, values: tuple[int, ...], robust: Callable[[int, float, int], float], order: str = "step", runs: int = 3
) -> list[Row]:
    """robust(d or m, eps or radius, run) at every cell."""
    grid = EPS if panel == "dimension" else RADII
    return [
        {
            "panel": panel,
            "order": order,
            "d": value if panel == "dimension" else 100,
            "m": value if panel == "width" else 1000,
            "eps": x if panel == "dimension" else 0.2,
            "radius": x if panel == "width" else 0.3,
            "run": run,
            "epochs": 40,
            "stalled": True,
            "robust_train": 0.5,
            "clean": 1.0,
            "robust": robust(value, x, run),
            "by_rule": robust(value, x, run),
            "distance": 1.0,
            "touching": 0.5,
            "n": 500,
        }
        for value in values
        for x in grid
        for run in range(runs)
    ]


def law(power: float, constant: float = 1.0, steepness: float = -4.0, spread: float = 0.1) -> Callable[..., float]:
    """Passes one half at constant x value^power, run by run a little elsewhere."""

    def share(value: int, x: float, run: int) -> float:
        return float(expit(steepness * (log(x / constant) - power * log(value) - spread * (run - 1))))

    return share


def test_transitions_and_their_power_are_found_again() -> None:
    made = nets("dimension", (25, 100, 400, 784), law(-0.5, 0.9))
    places = list(transitions(made))
    for row in places:
        assert row["at"] == pytest.approx(0.9 * row["d"] ** -0.5, rel=1e-3)
        interval = mean_interval([log(row["at"]) + 0.1 * run for run in (-1, 0, 1)])
        assert (log(row["low"]), log(row["high"])) == pytest.approx((interval.low, interval.high), rel=1e-2)
        assert row["scaled"] == pytest.approx(0.9, rel=1e-3) and row["width"] == pytest.approx(3.0, rel=1e-2)
        assert (row["passing"], row["runs"], row["steps"], row["beyond"]) == (3, 3, 0, "")
        assert row["misfit"] < 1e-4 and row["touching"] == 0.5
    (power,) = powers(made)
    assert power["power"] == pytest.approx(-0.5, abs=1e-3) and power["points"] == 4 and power["variable"] == "d"
    assert power["found"] == power["upper_found"] == "reproduced"
    assert power["upper_from"] == 400 and power["upper"] == pytest.approx(-0.5, abs=1e-2)


def test_another_power_differs_and_the_upper_half_is_told_apart() -> None:
    (power,) = powers(nets("dimension", (25, 100, 400), law(-0.2, 0.3)))
    assert power["power"] == pytest.approx(-0.2, abs=1e-3) and power["found"] == "differs"
    assert power["upper"] is None and power["upper_found"] == ""

    def bent(d: int, eps: float, run: int) -> float:
        return law(-0.5)(max(d, 100), eps, run)  # flat up to d = 100

    made = nets("dimension", (784, 9, 25, 100, 400), bent)
    (power,) = powers(made)
    assert power["upper_from"] == 100 and power["upper"] == pytest.approx(-0.5, abs=0.01)
    assert power["upper_low"] < -0.49 < power["power"] - 0.1 and power["upper_found"] == "reproduced"
    assert judged(made)["step", "the same from d = 100 on"] == "reproduced"


def test_a_power_with_a_wide_interval_is_not_told() -> None:
    """Runs whose powers lie between -1 and 0: the interval holds -1/2, and 0."""

    def wild(m: int, radius: float, run: int) -> float:
        return law(-0.5 * run, 0.1 * 30 ** (0.5 * run), 4.0, 0.0)(m, radius, run)

    (power,) = powers(nets("width", (10, 30, 90), wild))
    assert power["low"] < -0.5 < 0 < power["high"] and power["found"] == "cannot be told"


def test_runs_that_do_not_pass_leave_no_place() -> None:
    def robust(d: int, eps: float, run: int) -> float:
        return 0.9 if run == 2 else law(-0.5)(d, eps, run)

    (place,) = transitions(nets("dimension", (25,), robust))
    assert place["at"] is None and place["low"] is None and place["touching"] is None
    assert (place["passing"], place["runs"], place["beyond"]) == (2, 3, "above the grid")
    (never,) = transitions(nets("width", (25,), lambda *_: 0.9))
    assert (never["passing"], never["beyond"], never["width"]) == (0, "below the grid", None)
    (low,) = transitions(nets("dimension", (25,), lambda *_: 0.1))
    assert low["beyond"] == "below the grid"
    (power,) = powers(nets("dimension", (25, 100), robust))
    assert power["power"] is None and power["points"] == 0 and power["found"] == "cannot be told"


def test_one_run_has_places_without_intervals() -> None:
    made = nets("width", (100, 400), law(-0.5, 2.0, 4.0), runs=1)
    for row in transitions(made):
        assert row["at"] is not None and row["low"] is None and row["high"] is None
    (power,) = powers(made)
    assert power["power"] == pytest.approx(-0.5, abs=1e-3) and power["low"] is None
    assert power["found"] == "cannot be told"
    first, *_ = cells(made)
    assert (first["low"], first["high"]) == (
        wilson(round(first["robust"] * 500), 500).low,
        wilson(round(first["robust"] * 500), 500).high,
    )


def test_cells_are_means_over_runs() -> None:
    made = nets("dimension", (25, 100), lambda d, eps, run: 0.2 + 0.1 * run)
    for row in cells(made):
        mean = mean_interval([0.2, 0.3, 0.4])
        assert (row["robust"], row["low"], row["high"]) == pytest.approx((mean.mean, mean.low, mean.high))
        assert row["runs"] == 3 and row["stalled"] == 1 and row["epochs"] == 40
    assert len(list(cells(made))) == 2 * len(EPS)


def test_orders_are_paired_by_run() -> None:
    """Each run has a place of its own, far apart; the second order moves all of them by the same factor."""
    one = nets("width", (100, 400), law(-0.5, 2.0, 4.0, 0.5))
    other = nets("width", (100, 400), law(-0.5, 1.6, 4.0, 0.5), "released")
    rows = list(orders(one + other))
    assert [row["m"] for row in rows] == [100, 400, None]
    for row in rows:
        assert row["ratio"] == pytest.approx(0.8, rel=1e-3) and row["pairs"] == 3
        assert row["high"] - row["low"] < 0.01
    assert list(orders(one)) == []


def test_claims_judge_a_world_as_the_paper_has_it() -> None:
    right = nets("width", (100, 400, 1600), law(-0.5, 2.0, 12.0, 0.05))
    released = nets("width", (100, 400, 1600), law(-0.5, 1.8, 12.0, 0.05), "released")
    left = nets("dimension", (25, 100, 400), law(-0.5, 0.9, -12.0, 0.05))
    found = judged(left + right + released)
    assert found["step", "the transition follows d^-0.5"] == "reproduced"
    assert found["step", "the transition follows m^-0.5"] == "reproduced"
    assert found["step", "a transition at every m"] == "reproduced"
    assert {
        verdict for (_, claim), verdict in found.items() if claim.startswith(("sharp", "robust", "not robust"))
    } == {"reproduced"}
    (moved,) = (verdict for (order, claim), verdict in found.items() if claim.startswith("radius of the transition"))
    assert moved == "moved; m^-0.5 in order step: reproduced"
    (clean,) = {verdict for (_, claim), verdict in found.items() if claim.startswith("projection does not hurt")}
    assert clean == "reproduced"
    assert not any(claim.startswith("the rule's attack") for _, claim in found)


def test_claims_judge_another_world() -> None:
    """No power of m, a drop over decades, small balls that cost clean accuracy, and nets that never reach the ball."""
    made = nets("width", (100, 400, 1600), law(0.0, 0.15, 1.0, 0.01))
    for row in made:
        row["clean"] = 0.6 if row["radius"] == min(RADII) else 1.0
        row["by_rule"] = row["robust"] + 0.1
        row["touching"] = 0.01
    found = judged(made)
    assert found["step", "the transition follows m^-0.5"] in ("differs", "cannot be told")
    assert {
        verdict for (_, claim), verdict in found.items() if claim.startswith(("sharp", "robust", "not robust"))
    } == {"differs"}
    by_start = {claim.split(" ")[0]: verdict for (_, claim), verdict in found.items()}
    assert by_start["projection"] == "differs"
    (weaker,) = (verdict for (_, claim), verdict in found.items() if claim.startswith("the rule's attack"))
    (ball,) = (verdict for (_, claim), verdict in found.items() if claim.startswith("the ball is what"))
    assert weaker == "weaker" and ball == "not at m = 100, 400, 1600"


def test_an_exact_power_of_another_kind_differs() -> None:
    made = nets("width", (100, 400, 1600), law(-0.2, 0.6, 4.0, 0.01))
    assert judged(made)["step", "the transition follows m^-0.5"] == "differs"


def judged(made: list[Row]) -> dict[tuple[str, str], str]:
    rows = claims(made, list(transitions(made)), list(powers(made)), list(orders(made)))
    found = [(row["order"], row["claim"], row["verdict"]) for row in rows]
    assert all(isinstance(verdict, str) and verdict for *_, verdict in found)
    return {(order, claim): verdict for order, claim, verdict in found}


def test_a_step_at_one_dimension_widens_the_power() -> None:
    def robust(d: int, eps: float, run: int) -> float:
        if d == 25:
            return float(eps < 0.2)
        return law(-0.5)(d, eps, run)

    made = nets("dimension", (25, 100, 400), robust)
    first, *_ = transitions(made)
    assert first["steps"] == 3 and first["width"] is None
    assert (first["low"], first["high"]) == pytest.approx((0.16, 0.32))
    (power,) = powers(made)
    assert power["high"] - power["low"] > 0.15  # log(2) over half of log(16), and more
    assert np.isclose(power["power"], -0.5, atol=0.15)
