"""Rounding to 256 levels: idempotent, equal to a data set's pixels, and never more than half a level outside a ball."""

import numpy as np
import pytest
import torch

from suite.attacks import eight_bit
from suite.data import Split


def every_level() -> torch.Tensor:
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    return Split(images, np.zeros(1, np.int64)).pixels()


def test_levels_stay_bit_for_bit() -> None:
    levels = every_level()
    assert torch.equal(eight_bit(levels), levels)
    noisy = levels + torch.empty_like(levels).uniform_(-0.49 / 255, 0.49 / 255)
    assert torch.equal(eight_bit(noisy), levels)
    assert torch.equal(eight_bit(eight_bit(noisy + 0.1)), eight_bit(noisy + 0.1))


@pytest.mark.parametrize("eps", [1 / 255, 2 / 255, 8 / 255, 16 / 255])
def test_a_whole_number_of_levels_is_a_ball_that_rounding_keeps(eps: float) -> None:
    clean = every_level()
    for pull in (-1, -0.6, 0.3, 1):
        moved = eight_bit((clean + pull * eps).clamp(0, 1))
        assert float((255 * (moved - clean)).abs().max()) <= round(255 * eps) + 1e-4  # float32 pixels


def test_any_other_ball_is_left_by_less_than_half_a_level() -> None:
    """Guo et al.'s 0.03 is 7.65 levels: the corner of the ball is rounded to 8."""
    clean = every_level()
    moved = eight_bit((clean + 0.03).clamp(0, 1))
    excess = float((255 * (moved - clean)).abs().max()) - 255 * 0.03
    assert excess == pytest.approx(0.35, abs=1e-4)
    for eps in np.linspace(0.001, 0.2, 57):
        moved = eight_bit((clean - float(eps)).clamp(0, 1))
        assert float((255 * (moved - clean)).abs().max()) - 255 * eps <= 0.5 + 1e-4


def test_outside_the_range_is_brought_back() -> None:
    assert eight_bit(torch.tensor([-0.2, 1.3], dtype=torch.float64)).tolist() == [0, 1]
