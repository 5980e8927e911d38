"""Random starts: keyed by (seed, id) and nothing else, inside the ball, uniform by their moments."""

import math

import pytest
import torch

from suite.attacks.random_start import ball_noise

NORMS = ("linf", "l2")


def within(measured: float, expected: float, variance: float, n: int) -> bool:
    """Whether a mean of n draws of the given variance lies within 5 standard errors: fails by chance 6 in 10^7."""
    return abs(measured - expected) < 5 * math.sqrt(variance / n)


@pytest.mark.parametrize("norm", NORMS)
def test_independent_of_batch_and_order(norm: str) -> None:
    ids = [7, 3, 1000, 0]
    together = ball_noise(ids, (2, 3, 3), seed=5, norm=norm)
    apart = torch.cat([ball_noise([identity], (2, 3, 3), seed=5, norm=norm) for identity in ids])
    backwards = ball_noise(ids[::-1], (2, 3, 3), seed=5, norm=norm)
    assert torch.equal(together, apart)
    assert torch.equal(together, backwards.flip(0))


@pytest.mark.parametrize("norm", NORMS)
def test_leaves_the_global_generator_alone(norm: str) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = ball_noise(range(5), (4,), seed=0, norm=norm)
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(first, ball_noise(range(5), (4,), seed=0, norm=norm))


@pytest.mark.parametrize("norm", NORMS)
def test_other_seeds_and_other_ids_are_other_draws(norm: str) -> None:
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 11), (11, 1), (111, 0), (0, 111)]
    draws = [ball_noise([identity], (8,), seed=seed, norm=norm) for seed, identity in pairs]
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) == len(pairs)


def test_every_sample_of_a_large_data_set_has_its_own_draw() -> None:
    """As many ids as MNIST has; among generators that keep only 32 bits of their seed two would be the same."""
    noise = ball_noise(range(60000), (2,), seed=0, norm="linf")
    assert len(set(map(tuple, noise.tolist()))) == 60000


@pytest.mark.parametrize("norm", NORMS)
def test_inside_the_unit_ball(norm: str) -> None:
    for d in (1, 3, 200):
        noise = ball_noise(range(500), (d,), seed=0, norm=norm)
        size = noise.abs().amax(1) if norm == "linf" else noise.norm(dim=1)
        assert noise.shape == (500, d)
        assert size.max() <= 1 + 1e-6
        assert size.max() > 0.99  # and reaching its rim


def test_the_cube_is_uniform() -> None:
    """Coordinates of mean 0, variance 1/3, uncorrelated; P(x <= t) = (1 + t) / 2."""
    n, d = 4000, 5
    noise = ball_noise(range(n), (d,), seed=0, norm="linf").double()
    assert within(float(noise.mean()), 0, 1 / 3, n * d)
    assert within(float(noise.square().mean()), 1 / 3, 4 / 45, n * d)
    assert within(float((noise[:, 0] * noise[:, 1]).mean()), 0, 1 / 9, n)
    for t in (-0.8, -0.2, 0.3, 0.9):
        p = (1 + t) / 2
        assert within(float((noise <= t).double().mean()), p, p * (1 - p), n * d)


@pytest.mark.parametrize("d", [1, 2, 6])
def test_the_l2_ball_is_uniform(d: int) -> None:
    """P(r <= t) = t^d and every direction alike: mean 0, E x_i^2 = 1 / (d + 2)."""
    n = 4000
    noise = ball_noise(range(n), (d,), seed=0, norm="l2").double()
    radius = noise.norm(dim=1)
    for p in (0.05, 0.25, 0.5, 0.75, 0.95):
        share = float((radius <= p ** (1 / d)).double().mean())
        assert within(share, p, p * (1 - p), n)
    for axis in range(d):
        assert within(float(noise[:, axis].mean()), 0, 1 / (d + 2), n)
        fourth = 3 / ((d + 2) * (d + 4))  # E x_i^4
        assert within(float(noise[:, axis].square().mean()), 1 / (d + 2), fourth - 1 / (d + 2) ** 2, n)
