"""Powers, growth, comparisons and notes, from made-up nets whose numbers are known."""

import math
from typing import Any

import numpy as np
import pytest

from modules.lazy_regime.single_step import SingleStepConfig
from modules.lazy_regime.single_step_claims import claims
from modules.lazy_regime.single_step_tables import directions, nets, points, settings, slopes

CONFIG = SingleStepConfig(c0s=(1, 4), networks=3)


def measured(
    d: int, *, wrong: int = 0, lost: int = 0, n: int = 40, left: bool = True, steps: int = 7
) -> dict[str, Any]:
    """Nets that follow the theory: |grad f| = sqrt(d C0) (1 + run / 10), delta = C0 / sqrt(d), LinBP's half as long."""
    rows = []
    for c0 in (1.0, 4.0):
        for run in range(3):
            for direction in (0, 1):
                margin, delta = np.ones(n), np.full(n, (0.5 if direction else 1.0) * c0 / d**0.5)
                margin[:wrong], delta[wrong : wrong + lost] = -1, np.inf
                rows.append(
                    {
                        "d": d,
                        "m": 100,
                        "c0": c0,
                        "run": run,
                        "steps": steps,
                        "left": left,
                        "distance": c0,
                        "direction": direction,
                        "id": np.arange(n),
                        "margin": margin,
                        "norm": 2.0,
                        "gradient": (d * c0) ** 0.5 * (1 + run / 10),
                        "delta": delta,
                        "cosine": 0.5 if direction else 1.0,
                    }
                )
    return {name: np.concatenate([np.broadcast_to(row[name], n) for row in rows]) for name in rows[0]}


def found(**changes: int) -> list[dict[str, Any]]:
    return [row for d in (16, 64, 256) for row in nets(measured(d, **changes), CONFIG)]


def test_powers_of_d_and_c0_are_those_of_the_nets() -> None:
    powers = {(row["quantity"], row["c0"]): row for row in slopes(found(), "d") if row["direction"] == "bp"}
    for name, power in (("gradient", 0.5), ("eta", -1), ("delta", -0.5), ("delta_over_norm", -0.5)):
        assert powers[name, 4.0]["power"] == pytest.approx(power)
        assert powers[name, 4.0]["found"] == "reproduced"
        assert powers[name, 4.0]["n"] == 3
    growth = {row["quantity"]: row["power"] for row in slopes(found(), "c0") if row["direction"] == "bp"}
    assert growth == pytest.approx(
        {"gradient": 0.5, "eta": 0.5, "delta": 1, "eta_over_norm": 0.5, "delta_over_norm": 1}
    )


def test_wrong_points_and_points_without_a_flip_are_left_out_or_zero() -> None:
    row = next(nets(measured(16, wrong=10, lost=6), CONFIG))
    assert (row["accuracy"], row["n"], row["flipped"]) == (0.75, 30, 24 / 30)
    assert row["delta"] == pytest.approx(0.25)
    assert row["delta_over_norm"] == pytest.approx(0.125)
    assert row["eta"] == pytest.approx(0.25 / 4)
    zero = next(nets(measured(16, wrong=10, lost=6), CONFIG.model_copy(update={"misclassified": "zero"})))
    assert zero["delta"] == pytest.approx(0.25 * 24 / 34)
    assert zero["flipped"] == row["flipped"]


def test_a_net_that_gets_nothing_right_has_gaps_and_a_note() -> None:
    rows = found(wrong=40)
    assert all(row["n"] == 0 and row["delta"] is None and "no test point" in row["note"] for row in rows)
    assert all(row["power"] is None and row["found"] == "cannot be told" for row in slopes(rows, "d"))
    assert all(row["mean"] is None for row in settings(rows) if row["quantity"] in ("delta", "ratio", "flipped"))
    assert all(row["ratio"] is None and row["shorter"] == "cannot be told" for row in directions(rows))


def test_notes_say_what_became_of_the_ball() -> None:
    assert "first step" in next(nets(measured(16, steps=0), CONFIG))["note"]
    assert "never left" in next(nets(measured(16, left=False), CONFIG))["note"]
    assert next(nets(measured(16), CONFIG))["note"] == ""


def test_the_directions_are_compared_on_the_same_points() -> None:
    (row, *_) = directions(found(lost=5))
    assert (row["direction"], row["n"], row["cosine"]) == ("linbp", 3, 0.5)
    assert row["ratio"] == pytest.approx(0.5)
    assert row["shorter"] == "linbp"


def test_points_are_those_of_the_largest_ball() -> None:
    columns = points(measured(16), CONFIG)
    assert len(columns["id"]) == 3 * 2 * 40
    assert columns["eta"][0] == pytest.approx(columns["delta"][0] / columns["gradient"][0])
    assert set(columns["direction"]) == {"bp", "linbp"}


def test_a_zero_gradient_has_no_step() -> None:
    columns = measured(16)
    columns["gradient"], columns["delta"] = 0 * columns["gradient"], 0 * columns["delta"] + np.inf
    assert np.isinf(points(columns, CONFIG)["eta"]).all()
    row = next(nets(columns, CONFIG))
    assert (row["flipped"], row["delta"]) == (0.0, None)


def test_claims_judge_powers_growth_flips_and_the_ball() -> None:
    config = CONFIG.model_copy(update={"widths": (100,)})
    rows = {row["claim"]: row for row in claims(found(), points(measured(256), config), config)}
    assert rows["eta ~ d^-1 at C0 = 4, m = 100"]["verdict"] == "reproduced"
    assert rows["eta grows with C0 at m = 100: share of d"]["measured"] == 1
    assert rows["a single gradient step flips the sign at every point"]["n"] == 3 * 2 * 3 * 40
    assert rows["the returned nets are in the lazy ball"]["verdict"] == "reproduced"
    lost = {row["claim"]: row for row in claims(found(lost=1), points(measured(256), config), config)}
    assert lost["a single gradient step flips the sign at every point"]["verdict"] == "differs"
    compared = next(row for claim, row in rows.items() if claim.startswith("|delta| along linbp"))
    assert (compared["measured"], compared["verdict"]) == (pytest.approx(0.5), "differs")


def test_a_prediction_outside_the_interval_and_the_tolerance_differs() -> None:
    columns = [nets({**measured(d), "delta": measured(d)["delta"] * d**0.2}, CONFIG) for d in (16, 64, 256)]
    powers = {row["quantity"]: row for row in slopes([row for part in columns for row in part], "d")}
    assert powers["delta"]["power"] == pytest.approx(-0.3)
    assert powers["delta"]["found"] == "differs"
    assert math.isclose(powers["gradient"]["power"], 0.5)
