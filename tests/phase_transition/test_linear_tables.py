"""eps_star located from columns of known law, fitted powers, and verdicts."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from modules.phase_transition import linear_growth, linear_scene, linear_tables, theory
from modules.phase_transition.linear import LinearConfig
from modules.phase_transition.linear_claims import claims, verdict

CPU = torch.device("cpu")


@cache
def located(**options: Any) -> dict[str, Any]:
    config = LinearConfig.model_validate({"growth_repeats": 60, **options})
    minima = linear_scene.minima(config, 4, 400, CPU)
    (row,) = linear_growth.located(minima, config.sigma, config.theta0_norm, 0)
    return row


def test_for_small_d_over_n_eps_star_is_the_gap_over_the_slope_of_the_loss() -> None:
    row = located()
    assert row["bound"] == "" and row["gap"] < 1e-4
    assert row["eps_star_low"] < row["first_order"] < row["eps_star_high"]
    assert row["delta_low"] < row["delta_expected"] < row["delta_high"]
    assert row["spread_low"] < row["variance"] < row["spread_high"]
    assert row["parted"] == pytest.approx(theory.eps_star_order(400, 4) / theory.ABSOLUTE, rel=0.25)


def test_eps_star_is_proportional_to_the_noise_and_not_to_its_square() -> None:
    assert located(noise_variance=0.04)["eps_star"] == pytest.approx(0.4 * located()["eps_star"], rel=0.2)


def test_where_the_clean_model_is_worse_than_zero_eps_star_is_infinite() -> None:
    config = LinearConfig(noise_variance=4.0, growth_repeats=40)
    (row,) = linear_growth.located(linear_scene.minima(config, 60, 10, CPU), config.sigma, 1.0, 0)
    assert row["eps_star"] is None and row["bound"].startswith("is infinite") and row["never"] > 0.5


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    config = LinearConfig(growth_repeats=20, repeats=7, null=20)
    whole = [part(config, 3, 20, CPU) for part in (linear_scene.paths, linear_scene.tested, linear_scene.minima)]
    monkeypatch.setattr(linear_scene, "CACHE", 1)
    alone = [part(config, 3, 20, CPU) for part in (linear_scene.paths, linear_scene.tested, linear_scene.minima)]
    for one, other in zip(whole, alone, strict=True):
        assert one.keys() == other.keys()
        for name, values in one.items():
            assert np.allclose(values, other[name], rtol=1e-6, atol=1e-9, equal_nan=True), name


def test_controls_take_the_noise_of_known_expectation_out() -> None:
    rng = np.random.default_rng(0)
    controls = rng.standard_normal((50, 2))
    values = 3.0 + controls @ np.array([[2.0, -1.0], [0.5, 4.0]])
    assert linear_growth.adjusted_mean(values, controls) == pytest.approx([3.0, 3.0], rel=1e-12)


def test_growth_finds_the_power_behind_a_correction() -> None:
    ratios = [0.01, 0.02, 0.05, 0.1, 0.2, 5.0, 10.0, 20.0, 100.0]
    rows = [
        {"d_over_n": r, "eps_star": 2 * r * np.exp(0.7 * r) if r < 1 else None, "parted": r**0.5, "delta": 3 * r,
         "rise": 2 * r**-0.5}
        for r in ratios
    ]  # fmt: skip
    found = {(row["quantity"], row["range"]): row for row in linear_growth.growth(rows)}
    losses = found["eps_star (losses)", "d/n <= 0.2"]
    assert losses["leading"] == pytest.approx(1, abs=1e-9) and losses["power"] > 1.01 and losses["sizes"] == 5
    assert found["eps_star (losses)", "d/n >= 5"]["power"] is None
    assert found["eps_star (parameters)", "d/n >= 5"]["power"] == pytest.approx(0.5)
    assert found["loss change / Delta at sqrt(d/n)", "d/n <= 0.2"]["power"] == pytest.approx(-0.5)


def test_half_way_of_a_curve_of_known_fall() -> None:
    """p = 1/2 for eps < 1, then 1/2 - log2(eps) / 4: it falls through 1/4 at eps = 2."""
    eps = np.array([0.0, 0.5, 1.0, 4.0, 16.0])
    p = np.array([0.5, 0.5, 0.5, 0.0, 0.0])
    columns = {
        "d": [1] * 15, "n": [4] * 15, "repeat": np.repeat(range(3), 5), "eps": np.tile(eps, 3), "gone": np.zeros(15),
        "parameters": np.tile(p, 3), "loss": np.full(15, 0.5), "parameters_rank": np.tile(p, 3),
        "loss_rank": np.tile(p, 3),
    }  # fmt: skip
    star = [{"d": 1, "n": 4, "eps_star": 0.5}]
    parameters, loss = linear_tables.half_way(columns, star, 0)
    assert parameters["over_order"] == pytest.approx(2 / 0.5) and parameters["over_eps_star"] == pytest.approx(4)
    assert parameters["over_order_low"] == pytest.approx(parameters["over_order_high"])
    assert loss["over_order"] is None and loss["over_order_low"] is None


def test_verdicts() -> None:
    assert verdict(0.4, 0.8, below=1.0) == "reproduced"
    assert verdict(1.1, 1.8, below=1.0) == "differs"
    assert verdict(0.9, 1.8, below=1.0) == "cannot be told"
    assert verdict(0.2, 0.3, above=0.4, below=2) == "differs"
    assert verdict(None, None, below=1.0) == "cannot be told"
    growth = {"quantity": "Delta", "range": "d/n <= 0.2", "paper": 0.5, "derived": 1.0, "sizes": 5}
    growth |= {
        "power": 0.98,
        "power_low": 0.9,
        "power_high": 1.1,
        "leading": 0.5,
        "leading_low": 0.4,
        "leading_high": 0.6,
    }
    rows = {"ends": [], "p_values": [], "half_way": [], "growth": [growth], "eps_star": []}
    paths = {"step": [1], "d": [1], "n": [4], "repeat": [0], "gone": [1], "eps": [1.0], "apart": [0.0]}
    empty = {name: [] for name in ("d", "n", "eps")}
    found = [row["verdict"] for row in claims(rows, paths, empty, empty)]
    assert found == ["differs: 1, as derived here", "reproduced"]
    growth |= {"power_low": -0.1, "leading_high": 9.0, "leading_low": -8.0}  # that hold 0 as well
    rows["growth"] = [growth]
    assert [row["verdict"] for row in claims(rows, paths, empty, empty)] == ["cannot be told", "cannot be told"]
    growth |= {"power": 0.0, "power_high": 0.1}  # holds 0, and excludes 1/2
    rows["growth"] = [growth]
    assert next(claims(rows, paths, empty, empty))["verdict"] == "differs"
