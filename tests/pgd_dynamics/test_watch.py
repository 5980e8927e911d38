"""Events of a watched trajectory against its recorded path, Lemma 4.2 in closed form, where a field stands still."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from modules.pgd_dynamics.ascent import ascend, project, uniform_in_ball
from modules.pgd_dynamics.losses import user_loss
from modules.pgd_dynamics.theory import Objective, cosine, tangential
from modules.pgd_dynamics.watch import NEVER, watch

Make = Callable[..., Objective]
EPS = 0.3


def watched(landscape: Objective, steps: int = 4000, **options: object) -> tuple[torch.Tensor, torch.Tensor, object]:
    start = EPS * uniform_in_ball(5, 4, range(3))
    eta = torch.full((3, 1), 4 * EPS**2, dtype=torch.float64)
    return start, eta, watch(landscape, start, EPS, eta, steps, **options)  # type: ignore[arg-type]


def test_events_are_those_of_the_recorded_path(objective: Make) -> None:
    landscape = objective(points=1)
    radius = torch.full((3, 1), 0.1, dtype=torch.float64)
    start, eta, walk = watched(landscape, radius=radius)
    steps = int(walk.steps.max())
    path = ascend(landscape, start, EPS, eta[..., None], steps, record=range(steps + 1)).deltas
    gradient = torch.stack([landscape.gradient(delta) for delta in path])
    value = torch.stack([landscape.value(delta) for delta in path])
    on_sphere = path.norm(dim=-1) >= EPS * (1 - 1e-12)
    gamma = tangential(gradient, path).norm(dim=-1)
    outwards = cosine(-gradient, path)
    near = on_sphere & (gamma < eta.sqrt())
    first_near = near.int().argmax(0)
    assert torch.equal(walk.hit, on_sphere.int().argmax(0))
    assert torch.equal(walk.near, first_near)
    assert torch.equal(walk.aligned, (on_sphere & (outwards >= 0.9)).int().argmax(0))
    assert (watched(landscape)[2].aligned == NEVER).all()
    assert torch.equal(walk.settled, (on_sphere & (gamma < eta.sqrt() / 10)).int().argmax(0))
    for s in range(3):
        for n in range(5):
            end = int(first_near[s, n])
            torch.testing.assert_close(walk.near_delta[s, n], path[end, s, n])
            decrease = -value[:, s, n].diff()
            inside = ~on_sphere[1 : end + 1, s, n]
            if inside.any():
                expected = (decrease[:end] / eta[s])[inside].min()
                torch.testing.assert_close(walk.interior_decrease[s, n], expected)
            cos = outwards[: end + 1, s, n][on_sphere[: end + 1, s, n]]
            assert int(walk.near_maximum[s, n]) == int((cos <= -0.9).sum())
    assert walk.finite.all()
    assert (walk.raised == 0).all()
    assert (walk.settled_gamma < eta.sqrt() / 10).all()


def test_a_target_is_marked_when_the_value_passes_it(objective: Make) -> None:
    landscape = objective(points=1)
    _, _, plain = watched(landscape)
    _, _, again = watched(landscape, target=plain.final_value * (1 - 1e-6))
    assert (again.reached >= 0).all()
    assert (again.reached <= again.steps).all()
    _, _, never = watched(landscape, target=plain.final_value * 2, steps=50)
    assert (never.reached == NEVER).all()


def test_lemma_4_2_holds_for_outward_steps_and_fails_for_inward_ones() -> None:
    """P(delta + eta v) is within sqrt(5)/2 eta^2 / eps of the tangential step where v points outwards; not inwards."""
    v = torch.nn.functional.normalize(torch.randn(20_000, 3, dtype=torch.float64), dim=-1)
    delta = torch.zeros_like(v)
    delta[:, 0] = EPS
    for eta in (1e-4, 1e-2, 0.1):
        tangent = delta + eta * torch.cat([torch.zeros_like(v[:, :1]), v[:, 1:]], 1)
        error = (project(delta + eta * v, EPS) - tangent).norm(dim=-1) * EPS / eta**2
        assert error[v[:, 0] >= 0].max() <= 5**0.5 / 2
        if eta < EPS / 4:
            assert error[v[:, 0] < -0.99].min() > 4


def test_linbp_stands_still_at_its_own_fixed_point_and_is_judged_by_the_true_gradient(objective: Make) -> None:
    landscape = replace(objective(points=1), y=torch.full((1, 1), 50.0, dtype=torch.float64))
    start = EPS * uniform_in_ball(5, 4, range(3))
    walk = watch(landscape, start, EPS, torch.full((3, 1), 1e-3, dtype=torch.float64), 5000, field="linbp")
    assert int(walk.steps.max()) < 5000
    v = landscape.net.linear_gradient()
    torch.testing.assert_close(walk.final, (-EPS * v / v.norm(dim=-1, keepdim=True)).expand_as(walk.final))
    expected = tangential(landscape.gradient(walk.final), walk.final).norm(dim=-1)
    torch.testing.assert_close(walk.final_gamma, expected)
    assert (expected > 0.1).all()


def test_a_loss_without_a_value_is_told_and_ends_the_watch(objective: Make) -> None:
    broken = user_loss(lambda f, y: (y - f) ** 2 * torch.where(f == f, torch.nan, 1.0))
    _, _, walk = watched(replace(objective(points=1), loss=broken))
    assert not walk.finite.any()
    assert (walk.near == NEVER).all()
    assert int(walk.steps.max()) == 0


@pytest.mark.parametrize("cells", [1, 10_000])
def test_blocks_change_nothing(objective: Make, monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    _, _, whole = watched(objective(points=1))
    monkeypatch.setattr("modules.pgd_dynamics.watch.CELLS", cells)
    _, _, parts = watched(objective(points=1))
    torch.testing.assert_close(parts.final, whole.final)
    assert torch.equal(parts.steps, whole.steps)
    assert torch.equal(parts.hit, whole.hit)
