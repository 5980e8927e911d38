"""LinBP's field on a two-layer network: its Jacobian by autograd, where it ends, and how ends are told and averaged."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.pgd_dynamics import rules_scene, rules_tables
from modules.pgd_dynamics.losses import LOSSES
from modules.pgd_dynamics.rules import RulesConfig
from modules.pgd_dynamics.theory import Objective

SMALL = RulesConfig(m=60, networks=3, starts=2, steps=120)


@pytest.mark.parametrize("loss", ["quadratic", "logistic"])
def test_asymmetry_is_that_of_the_fields_jacobian(
    objective: Callable[..., Objective], at_each: Callable[..., Tensor], loss: str
) -> None:
    landscape = objective(loss, points=1)
    delta = torch.randn(3, 2, 4, dtype=torch.float64)

    def jacobian(field: str) -> Tensor:
        def one(s: int, n: int, point: Tensor) -> Tensor:
            part = landscape.at(slice(s, s + 1))
            follow = part.gradient if field == "bp" else part.linbp_gradient
            return torch.autograd.functional.jacobian(lambda d: follow(d[None, None])[0, 0], point)

        return at_each(one, delta)

    for field in ("bp", "linbp"):
        J = jacobian(field)
        expected = (J - J.mT).norm(dim=(-2, -1)) / (J + J.mT).norm(dim=(-2, -1))
        torch.testing.assert_close(rules_scene.asymmetry(landscape, delta, field), expected, atol=1e-12, rtol=1e-7)
    assert (expected > 0.05).all()


def ends(activation: str, scale: float) -> dict[str, np.ndarray]:
    columns = rules_scene.ascents(SMALL, LOSSES["quadratic"], range(3), (2, activation, scale), torch.device("cpu"))
    return {name: values[columns["rule"] == "linbp"] for name, values in columns.items()} | {"all": columns["rule"]}


def test_at_a_small_scale_linbp_is_bp_with_steps_twice_as_long() -> None:
    columns = rules_scene.ascents(SMALL, LOSSES["quadratic"], range(3), (2, "softplus", 1e-4), torch.device("cpu"))
    of = {rule: columns["reached"][columns["rule"] == rule] for rule in rules_scene.RULES}
    assert (np.abs(of["bp"] - of["linbp, same length"]) <= 1).all()
    assert (np.abs(of["bp"] - 2 * of["linbp"]) <= 2).all()
    assert columns["gain"] == pytest.approx(1, abs=1e-3)
    assert columns["away"] == pytest.approx(0, abs=0.3)  # 90 degrees x e^(-0.05 x 120 steps)
    assert columns["asymmetry"].max() < 1e-3


@pytest.mark.parametrize("activation", ["softplus", "relu"])
def test_at_a_large_scale_linbp_ends_elsewhere(activation: str) -> None:
    linbp = ends(activation, 30.0)
    assert set(linbp["all"]) == set(rules_scene.RULES)
    assert linbp["slant"].max() > 1
    assert linbp["asymmetry"].max() > 0.1


def test_an_ascent_arrives_where_the_gradient_is_normal_and_counts_in_full_where_it_never_does() -> None:
    """By hand: network 0 has a start that LinBP brings there and one that it does not, network 1 none."""
    columns = {
        "d": np.full(8, 2), "activation": ["softplus"] * 8, "scale": np.ones(8),
        "rule": ["bp"] * 4 + ["linbp"] * 4, "network": np.tile([0, 0, 1, 1], 2), "start": np.tile([0, 1], 4),
        "arrived": np.array([10, 20, 30, 40, 4, -1, -1, -1]), "slant": np.array([0, 0.5, 0, 2, 0.1, 9, 9, 1.0]),
    }  # fmt: skip
    rows = list(rules_tables.arrivals(columns, steps=100, degrees=1.0))
    told = [(r["rule"], r["network"], r["share"], r["ended"], r["steps"], r["later"]) for r in rows]
    assert told == [
        ("bp", 0, 1.0, 1.0, 15.0, 0.0),
        ("bp", 1, 1.0, 0.5, 35.0, 0.0),
        ("linbp", 0, 0.5, 0.5, 52.0, -6.0),
        ("linbp", 1, 0.0, 0.5, 100.0, None),
    ]
    assert all(row["starts"] == 2 and row["scale"] == 1 for row in rows)


def test_bp_arrives_on_softplus_and_linbp_at_the_end_of_its_constant_field() -> None:
    columns = rules_scene.ascents(SMALL, LOSSES["quadratic"], range(3), (2, "softplus", 1.0), torch.device("cpu"))
    bp, linbp = (columns["rule"] == rule for rule in ("bp", "linbp"))
    assert (columns["arrived"][bp] > columns["hit"][bp]).all()
    ended_there = linbp & (columns["slant"] <= SMALL.degrees)
    assert (columns["arrived"][ended_there] >= 0).all() and ended_there.sum() < linbp.sum()


def test_rows_are_means_over_networks_and_gaps_are_counted() -> None:
    rule = np.repeat(["bp", "linbp"], 4)
    columns = {
        "d": np.full(8, 2), "activation": ["relu"] * 8, "scale": np.ones(8), "rule": rule.tolist(),
        "network": np.tile([0, 0, 1, 1], 2), "start": np.tile([0, 1], 4),
        "hit": np.ones(8), "reached": np.array([10, 20, 30, 40, 8, 14, -1, 30]), "near": np.ones(8, dtype=bool),
        "slant": np.zeros(8), "away": np.zeros(8), "gain": np.ones(8), "asymmetry": np.zeros(8),
    }  # fmt: skip
    bp, linbp = rules_tables.by_landscape(columns)
    assert (bp["sooner"], bp["n"]) == (0, 2)
    assert linbp["sooner"] == pytest.approx(((2 + 6) / 2 + 10) / 2)
    assert linbp["never_reached"] == 0.25
