"""eps_star located from columns of known law, fitted powers, p-values that halve."""

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from modules.phase_transition import theory
from modules.phase_transition.linear import measure, results
from modules.phase_transition.linear.config import LinearConfig
from modules.phase_transition.linear.critical import adjusted_mean

CPU = torch.device("cpu")


@cache
def located(d: int = 4, n: int = 400, **options: Any) -> dict[str, Any]:
    config = LinearConfig.model_validate({"growth_repeats": 60, **options})
    (row,) = results.eps_star(pl.DataFrame(measure._minima(config, d, n, CPU)), config).to_dicts()
    return row


def test_for_small_d_over_n_eps_star_is_the_gap_over_the_slope_of_the_loss() -> None:
    row = located()
    assert row["bound"] == "" and row["gap"] < 1e-4
    assert row["eps_star_low"] < row["first_order"] < row["eps_star_high"]
    assert row["delta_low"] < row["delta_expected"] < row["delta_high"]
    assert row["spread_low"] < row["variance"] < row["spread_high"]
    assert row["parted"] == pytest.approx(theory.eps_star_order(400, 4) / theory.ABSOLUTE, rel=0.25)
    assert row["unchanged"] is None and located(60, 10)["unchanged"] > 0


def test_eps_star_is_proportional_to_the_noise_and_not_to_its_square() -> None:
    assert located(noise_variance=0.04)["eps_star"] == pytest.approx(0.4 * located()["eps_star"], rel=0.2)


def test_where_the_clean_model_is_worse_than_zero_eps_star_is_infinite() -> None:
    row = located(60, 10, noise_variance=4.0)
    assert row["bound"].startswith("is infinite") and row["never"] > 0.5
    assert row["eps_star"] is None and row["eps_star_low"] is None and row["eps_star_high"] is None


@pytest.mark.parametrize("ratio", [0.3, 0.6, 0.8])
def test_for_d_2000_and_n_10_eps_star_is_above_the_printed_15_whatever_the_noise(ratio: float) -> None:
    assert located(2000, 10, noise_variance=ratio**2)["eps_star_low"] > 15.5


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    config, parts = (
        LinearConfig(growth_repeats=20, repeats=7, null=20),
        (measure._paths, measure._tested, measure._minima),
    )
    whole = [part(config, 3, 20, CPU) for part in parts]
    monkeypatch.setattr(measure, "CACHE", 1)
    for one, other in zip(whole, [part(config, 3, 20, CPU) for part in parts], strict=True):
        assert one.keys() == other.keys()
        for name, values in one.items():
            same, again = (np.array(column, dtype=float) for column in (values, other[name]))
            assert np.allclose(same, again, rtol=1e-6, atol=1e-9, equal_nan=True), name


def test_controls_take_the_noise_of_known_expectation_out() -> None:
    rng = np.random.default_rng(0)
    controls = rng.standard_normal((50, 2))
    values = 3.0 + controls @ np.array([[2.0, -1.0], [0.5, 4.0]])
    assert adjusted_mean(values, controls) == pytest.approx([3.0, 3.0], rel=1e-12)


def test_growth_finds_the_power_behind_a_correction() -> None:
    ratios = [0.01, 0.02, 0.05, 0.1, 0.2, 5.0, 10.0, 20.0, 100.0]
    rows = [
        {"d_over_n": r, "eps_star": 2 * r * np.exp(0.7 * r) if r < 1 else None, "parted": r**0.5, "delta": 3 * r,
         "rise": 2 * r**-0.5}
        for r in ratios
    ]  # fmt: skip
    fits = results.growth(pl.DataFrame(rows))
    found = {(row["quantity"], row["range"]): row for row in fits.to_dicts()}
    losses = found["eps_star (losses)", "d/n <= 0.2"]
    assert losses["leading"] == pytest.approx(1, abs=1e-9) and losses["power"] > 1.01 and losses["sizes"] == 5
    large = found["eps_star (losses)", "d/n >= 5"]
    assert (large["power"], large["sizes"], large["lost"]) == (None, 0, 4)
    assert found["eps_star (parameters)", "d/n >= 5"]["power"] == pytest.approx(0.5)
    assert found["loss change / Delta at sqrt(d/n)", "d/n <= 0.2"]["power"] == pytest.approx(-0.5)
    first = results.headline(fits)["power of d/n in eps_star (losses), d/n <= 0.2"]
    assert (first.value, first.low, first.high) == (losses["leading"], losses["leading_low"], losses["leading_high"])
    assert first.n == 5 and np.isnan(results.headline(fits)["power of d/n in eps_star (losses), d/n >= 5"].value)


def p_of_sets(p: list[float], gone: list[bool] | None = None, sets: int = 8) -> pl.DataFrame:
    """The same p-values of the parameters in all data sets, at eps 0, 1/2, 1, 4, 16; those of the loss stay 1/2."""
    eps, rows = [0.0, 0.5, 1.0, 4.0, 16.0], 5 * sets
    by_set = {"eps": eps, "eps_over_order": [2 * e for e in eps], "gone": gone or [False] * 5, "parameters": p}
    fixed = {"d": [1] * rows, "samples": [4] * rows, "repeat": [k for k in range(sets) for _ in eps]}
    half = dict.fromkeys(("loss", "loss_rank", "loss_group", "parameters_group"), [0.5] * rows)
    table = pl.DataFrame(fixed | half | {name: values * sets for name, values in by_set.items()})
    return table.with_columns(parameters_rank="parameters")


def test_half_way_of_a_curve_of_known_fall() -> None:
    """p = 1/2 for eps <= 1, then 1/2 - log4(eps) / 2: it falls through 1/4 at eps = 2."""
    star = pl.DataFrame({"d": 1, "samples": 4, "eps_star": 0.5})
    rows = results.half_way(p_of_sets([0.5, 0.5, 0.5, 0.0, 0.0]), star, LinearConfig()).to_dicts()
    assert [row["of"] for row in rows] == ["parameters", "loss"]
    parameters, loss = rows
    assert parameters["over_order"] == pytest.approx(2 / 0.5) and parameters["over_eps_star"] == pytest.approx(4)
    assert parameters["over_order_low"] == pytest.approx(parameters["over_order_high"])
    assert loss["over_order"] is None and loss["over_order_low"] is None


def test_p_values_leave_diverged_trainings_out_and_go_by_rank_where_there_is_no_law() -> None:
    table = results.p_values(p_of_sets([0.5, 0.5, 0.04, 0.01, float("nan")], [False] * 3 + [True] * 2))
    rows = {(row["of"], row["eps"]): row for row in table.to_dicts()}
    at = rows["parameters", 1.0]
    assert (at["value"], at["below_5"], at["n"], at["diverged"], at["law"]) == (0.04, 1, 8, 0, "F")
    assert rows["parameters", 16.0]["value"] is None and rows["parameters", 16.0]["diverged"] == 8
    by_rank = p_of_sets([0.5] * 5).with_columns(parameters=pl.lit(float("nan")))
    (first, *_) = results.p_values(by_rank).to_dicts()
    assert (first["law"], first["value"]) == ("rank", 0.5)
