"""Refined critical points: first and second order by autograd, the exact local rate of a step, saddles, gaps."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from modules.pgd_dynamics import refine as refine_module
from modules.pgd_dynamics.ascent import ascend, project, uniform_in_ball
from modules.pgd_dynamics.losses import user_loss
from modules.pgd_dynamics.refine import refine
from modules.pgd_dynamics.theory import Objective

Make = Callable[..., Objective]
EPS = 0.3


@pytest.fixture
def ended(objective: Make) -> tuple[Objective, Tensor]:
    """A landscape, and where ascent on it has nearly ended."""
    landscape = objective(points=1)
    return landscape, ascend(landscape, EPS * uniform_in_ball(5, 4, range(3)), EPS, 0.2, 100).final


def test_it_is_the_point_that_ascent_converges_to(ended: tuple[Objective, Tensor]) -> None:
    landscape, near = ended
    critical = refine(landscape, near, EPS)
    assert critical.is_minimum(1e-10).all()
    far = ascend(landscape, near, EPS, 0.5, 2000).final
    assert (far - critical.delta).norm(dim=-1).max() < 1e-9
    torch.testing.assert_close(critical.delta.norm(dim=-1), torch.full((3, 5), EPS, dtype=torch.float64))


def test_a_projected_step_contracts_by_one_minus_eta_prime_kappa(
    ended: tuple[Objective, Tensor], at_each: Callable[..., Tensor]
) -> None:
    """The Jacobian of P[delta - eta dL] at the minimum, by autograd, has the eigenvalues that Xi gives."""
    landscape, near = ended
    critical, eta = refine(landscape, near, EPS), 0.07

    def step(s: int, n: int, point: Tensor) -> Tensor:
        one = landscape.at(slice(s, s + 1))
        return torch.autograd.functional.jacobian(
            lambda delta: project(delta - eta * one.gradient(delta[None, None])[0, 0], EPS), point
        )

    jacobian = at_each(step, critical.delta)
    effective = eta / (1 + eta * critical.normal / EPS)
    for k in range(3):
        axis = critical.axes[..., k]
        factor = 1 - effective * critical.tangent[..., k]
        torch.testing.assert_close((jacobian @ axis[..., None])[..., 0], factor[..., None] * axis, atol=1e-9, rtol=1e-7)
    normal = critical.delta / EPS
    assert (normal[..., None, :] @ jacobian).norm(dim=-1).max() < 1e-9  # no step leaves the sphere


def test_a_start_beside_a_maximum_of_L_leaves_it(objective: Make) -> None:
    landscape = objective(points=1)
    upside = replace(landscape, loss=user_loss(lambda f, y: -((y - f) ** 2)))
    peak = refine(upside, ascend(upside, EPS * uniform_in_ball(5, 4, range(3)), EPS, 0.05, 300).final, EPS)
    assert peak.is_minimum(1e-8).any()
    found = refine(landscape, peak.delta + 1e-4 * EPS * torch.randn(3, 5, 4, dtype=torch.float64), EPS, 60)
    assert (found.tangent[..., 0] > 0).all()
    assert (landscape.value(found.delta) < landscape.value(peak.delta)).all()


def test_gaps_stay_gaps_and_the_rest_is_not_touched(ended: tuple[Objective, Tensor]) -> None:
    landscape, near = ended
    holed = near.clone()
    holed[1, 2] = torch.nan
    whole, parts = refine(landscape, near, EPS), refine(landscape, holed, EPS)
    assert parts.delta[1, 2].isnan().all()
    assert parts.gamma[1, 2].isnan()
    assert not parts.is_minimum(1.0)[1, 2]
    parts.delta[1, 2] = whole.delta[1, 2]
    torch.testing.assert_close(parts.delta, whole.delta)


def test_where_the_loss_has_no_value_there_is_no_minimum(ended: tuple[Objective, Tensor]) -> None:
    landscape, near = ended
    broken = replace(landscape, loss=user_loss(lambda f, y: (y - f) ** 2 * torch.where(f == f, torch.nan, 1.0)))
    assert refine(broken, near, EPS).delta.isnan().all()


def test_blocks_change_nothing(ended: tuple[Objective, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = refine(*ended, EPS)
    monkeypatch.setattr(refine_module, "_CELLS", 32)
    torch.testing.assert_close(refine(*ended, EPS).delta, whole.delta)
