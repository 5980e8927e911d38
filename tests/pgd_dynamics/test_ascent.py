"""Ascent against a plain loop with autograd; the ball, the schedule, the chunks and what is recorded."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from modules.pgd_dynamics import ascent
from modules.pgd_dynamics.draws import draw
from modules.pgd_dynamics.losses import QUADRATIC
from modules.pgd_dynamics.theory import Objective

Make = Callable[..., Objective]


def test_a_trajectory_is_a_plain_loop_with_autograd(objective: Make) -> None:
    landscape, eps, schedule = objective(), 0.5, lambda t: 0.4 / (1 + t)
    start = eps * ascent.uniform_in_ball(5, 4, range(3))
    path = ascent.ascend(landscape, start, eps, schedule, 30, record=range(31))
    delta = start.clone()
    for t in range(30):
        torch.testing.assert_close(path.deltas[t], delta)
        point = delta.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(landscape.value(point).sum(), point)
        delta = delta - schedule(t) * gradient
        length = delta.norm(dim=-1, keepdim=True)
        delta = torch.where(length > eps, delta * eps / length, delta)
    torch.testing.assert_close(path.final, delta)
    torch.testing.assert_close(path.L[-1], landscape.value(delta))
    assert torch.equal(path.final, path.deltas[-1])
    assert (landscape.value(path.final) < landscape.value(start)).all()


@pytest.mark.parametrize("field", ["bp", "linbp"])
def test_chunks_change_nothing(objective: Make, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    landscape = objective()
    start = 0.5 * ascent.uniform_in_ball(5, 4, range(3))
    eps = torch.tensor([0.5, 0.6, 0.7], dtype=torch.float64).view(3, 1, 1)
    eta = torch.linspace(0.1, 0.2, 5, dtype=torch.float64).view(5, 1)
    whole = ascent.ascend(landscape, start, eps, eta, 20, field=field, record=(0, 7, 20))  # type: ignore[arg-type]
    monkeypatch.setattr(ascent, "CELLS", 80)  # two points of one network
    parts = ascent.ascend(landscape, start, eps, eta, 20, field=field, record=(0, 7, 20))  # type: ignore[arg-type]
    assert whole.steps == parts.steps == [0, 7, 20]
    torch.testing.assert_close(parts.deltas, whole.deltas)
    torch.testing.assert_close(parts.final, whole.final)


@pytest.mark.parametrize("field", ["bp", "linbp"])
def test_long_ascents_in_the_plane_take_a_polynomial_and_end_at_the_same_place(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    landscape = draw(range(3), 300, 2, 1.0, QUADRATIC, 3.0)
    start = 0.5 * ascent.uniform_in_ball(40, 2, range(3))
    fast = ascent.ascend(landscape, start, 0.5, 0.02, 300, field=field, record=(0, 90, 300))  # type: ignore[arg-type]
    monkeypatch.setattr(ascent, "polynomial", lambda *_: None)
    plain = ascent.ascend(landscape, start, 0.5, 0.02, 300, field=field, record=(0, 90, 300))  # type: ignore[arg-type]
    torch.testing.assert_close(fast.deltas, plain.deltas, rtol=0, atol=1e-11)
    torch.testing.assert_close(fast.L, plain.L, rtol=0, atol=1e-11)


def test_linbps_field_ends_where_its_sphere_point_is_fixed(objective: Make) -> None:
    """With l'(f) of one sign LinBP steps along one constant direction v, and P's fixed point there is eps v / |v|."""
    landscape = objective()
    landscape = replace(landscape, y=torch.full((1, 1), 50.0, dtype=torch.float64))  # f < y: the ascent lowers f
    start = 0.5 * ascent.uniform_in_ball(5, 4, range(3))
    final = ascent.ascend(landscape, start, 0.5, 0.01, 400, field="linbp").final
    v = landscape.net.linear_gradient()
    torch.testing.assert_close(final, (-0.5 * v / v.norm(dim=-1, keepdim=True)).expand_as(final))


def test_projection_is_the_nearest_point_and_keeps_the_inside() -> None:
    points = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    torch.testing.assert_close(ascent.project(points, 1.0), torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))


def test_starts_are_uniform_in_the_ball_and_keyed_by_seed() -> None:
    n, d = 20_000, 3
    starts = ascent.uniform_in_ball(n, d, [5, 2])
    lengths = starts.norm(dim=-1)
    assert lengths.max() < 1
    assert ((lengths**d).mean(1) - 0.5).abs().max() < 4 * (1 / 12 / n) ** 0.5  # |u|^d is uniform on [0, 1]
    assert starts.mean(1).abs().max() < 4 * (1 / 5 / n) ** 0.5  # each coordinate has variance 1 / (d + 2)
    assert torch.equal(ascent.uniform_in_ball(n, d, [2])[0], starts[1])


def test_chunks_cover_every_cell_once_and_stay_small() -> None:
    for S, N, m in ((7, 5, 3), (1, 1000, 10), (2000, 1, 10), (3, 4, 5000)):
        count = torch.zeros(S, N)
        for seeds, points in ascent.chunks(S, N, m, cells=1000):
            count[seeds, points] += 1
            block = count[seeds, points]
            assert block.numel() * m <= max(1000, m)
        assert torch.equal(count, torch.ones(S, N))


def test_largest_step_is_the_radius_over_the_largest_gradient(objective: Make) -> None:
    landscape = objective(points=1)
    directions = torch.nn.functional.normalize(torch.randn(3, 50, 4, dtype=torch.float64), dim=-1)
    gradients = landscape.gradient(0.5 * directions).norm(dim=-1)
    torch.testing.assert_close(ascent.largest_step(landscape, 0.5, directions), 0.5 / gradients.amax(1))
