"""Balls within the pixels' range: nearest points, borders, and steps of length one."""

import pytest
import torch

from suite.attacks.ball import Ball, BallNorm, lengths, start_in, steepest

NORMS: tuple[BallNorm, ...] = ("linf", "l2", "l1")


def images(count: int = 50) -> torch.Tensor:
    return torch.rand(count, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("norm", NORMS)
def test_projected_points_are_in_ball_and_box_and_those_within_stay(norm: BallNorm) -> None:
    ball = Ball(images(), 0.3, norm)
    far = ball.images + torch.randn(ball.images.shape, dtype=torch.float64)
    near = ball.project(far)
    assert float(lengths(near - ball.images, norm).max()) <= 0.3 + 1e-12
    assert 0 <= float(near.min()) <= float(near.max()) <= 1
    torch.testing.assert_close(ball.project(near), near)


def test_without_the_box_the_projection_is_the_nearest_point() -> None:
    centre = torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64)
    x = centre + torch.tensor([0.3, 0.4], dtype=torch.float64)
    torch.testing.assert_close(Ball(centre, 0.1, "l2").project(x), centre + torch.tensor([0.06, 0.08]).double())
    torch.testing.assert_close(Ball(centre, 0.35, "linf").project(x), centre + torch.tensor([0.3, 0.35]).double())


@pytest.mark.parametrize("norm", NORMS)
def test_starts_are_on_the_border_and_keyed_by_sample(norm: BallNorm) -> None:
    ball, ids = Ball(torch.full((50, 3, 4, 4), 0.5, dtype=torch.float64), 0.3, norm), torch.arange(50) + 7
    start = start_in(ball, ids, seed=1, step=2, purpose=3)
    torch.testing.assert_close(lengths(start - ball.images, norm), torch.full((50,), 0.3, dtype=torch.float64))
    alone = start_in(ball.select(torch.tensor([20])), ids[20:21], seed=1, step=2, purpose=3)
    assert torch.equal(alone[0], start[20])
    assert all(not torch.equal(start, start_in(ball, ids, *key)) for key in ((2, 2, 3), (1, 3, 3), (1, 2, 4)))
    # In no direction more than in another: the mean of 50 x 48 coordinates, six standard errors.
    away = (start - ball.images).flatten()
    assert abs(float(away.mean())) < 6 * float(away.std()) / len(away) ** 0.5


@pytest.mark.parametrize("norm", NORMS)
def test_the_steepest_direction_beats_others_of_length_one(norm: BallNorm) -> None:
    gradient = torch.randn(20, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    best = steepest(gradient, norm)
    torch.testing.assert_close(lengths(best, norm), torch.ones(20, dtype=torch.float64))
    for _ in range(20):
        other = torch.randn_like(gradient)
        other = other / lengths(other, norm).view(-1, 1, 1, 1)
        assert bool(((gradient * other).flatten(1).sum(1) <= (gradient * best).flatten(1).sum(1)).all())
    assert not steepest(torch.zeros(1, 2, 2, 2), norm).any()


def test_in_l1_coordinates_share_a_step() -> None:
    gradient = torch.tensor([[1.0, -3.0, 2.0, 0.0], [1.0, -3.0, 2.0, 0.0], [0.0, 0.0, -5.0, 0.0]])
    expected = torch.tensor([[0.0, -1.0, 0.0, 0.0], [0.0, -0.5, 0.5, 0.0], [0.0, 0.0, -1.0, 0.0]])
    torch.testing.assert_close(steepest(gradient, "l1", torch.tensor([1, 2, 4])), expected)
