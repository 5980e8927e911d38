"""LinBP's field on a two-layer network: its Jacobian by autograd, and where it ends."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.pgd_dynamics.losses import LOSSES
from modules.pgd_dynamics.rules.ascents import RULES, ascents, asymmetry
from modules.pgd_dynamics.rules.config import RulesConfig
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
        torch.testing.assert_close(asymmetry(landscape, delta, field), expected, atol=1e-12, rtol=1e-7)
    assert (expected > 0.05).all()


def ends(activation: str, scale: float) -> dict[str, np.ndarray]:
    columns = ascents(SMALL, LOSSES["quadratic"], range(3), (2, activation, scale), torch.device("cpu"))
    return {name: values[columns["rule"] == "linbp"] for name, values in columns.items()} | {"all": columns["rule"]}


def test_at_a_small_scale_linbp_is_bp_with_steps_twice_as_long() -> None:
    columns = ascents(SMALL, LOSSES["quadratic"], range(3), (2, "softplus", 1e-4), torch.device("cpu"))
    of = {rule: columns["reached"][columns["rule"] == rule] for rule in RULES}
    assert (np.abs(of["bp"] - of["linbp, same length"]) <= 1).all()
    assert (np.abs(of["bp"] - 2 * of["linbp"]) <= 2).all()
    assert columns["gain"] == pytest.approx(1, abs=1e-3)
    assert columns["away"] == pytest.approx(0, abs=0.3)  # 90 degrees x e^(-0.05 x 120 steps)
    assert columns["asymmetry"].max() < 1e-3


@pytest.mark.parametrize("activation", ["softplus", "relu"])
def test_at_a_large_scale_linbp_ends_elsewhere(activation: str) -> None:
    linbp = ends(activation, 30.0)
    assert set(linbp["all"]) == set(RULES)
    assert linbp["slant"].max() > 1
    assert linbp["asymmetry"].max() > 0.1


def test_bp_arrives_on_softplus_and_linbp_at_the_end_of_its_constant_field() -> None:
    columns = ascents(SMALL, LOSSES["quadratic"], range(3), (2, "softplus", 1.0), torch.device("cpu"))
    bp, linbp = (columns["rule"] == rule for rule in ("bp", "linbp"))
    assert (columns["arrived"][bp] > columns["hit"][bp]).all()
    ended_there = linbp & (columns["slant"] <= SMALL.degrees)
    assert (columns["arrived"][ended_there] >= 0).all() and ended_there.sum() < linbp.sum()
