"""Equal budgets: what a step costs, counted, and how many of them a budget buys."""

from functools import partial

import pytest
import torch
from torch import nn

from modules.linbp.rules.budget import steps_within
from modules.linbp.rules.counted import multiply_adds
from suite.attacks import frozen
from suite.gradients import bp, compose, linbp, match, silu
from suite.models import cifar_resnet


@pytest.mark.parametrize(
    ("passes", "per_step", "steps"),
    [(10, 1, 10), (10, 2, 5), (10, 1.5, 6), (10, 3, 3), (10, 0.5, 10), (10, 1.004, 10), (10, 1.03, 9), (1, 2, 1)],
)
def test_steps_that_a_budget_buys(passes: int, per_step: float, steps: int) -> None:
    assert steps_within(passes, per_step) == steps


def net(*blocks: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), *blocks, nn.Flatten(), nn.Linear(4 * 64, 10))


STEM, HEAD = 64 * 9 * 4, 4 * 64 * 10  # multiply-adds of an image of 8 x 8
CONV = 64 * 9 * 4 * 4


def test_a_pass_is_counted_as_by_hand() -> None:
    model, x = net(), torch.rand(3, 1, 8, 8)
    with frozen(model):
        assert multiply_adds(model, bp, x) == 2 * (STEM + HEAD)
        assert multiply_adds(model, partial(linbp, start=0), x) == 2 * (STEM + HEAD)


def test_what_a_rule_does_twice_is_counted_twice() -> None:
    """Guo et al.'s variant goes through a block's branch backwards twice; `match` computes rectifiers alone twice."""
    model, x = net(cifar_resnet.Block(4, 4, 1)), torch.rand(2, 1, 8, 8)
    with frozen(model):
        plain = multiply_adds(model, bp, x)
        assert plain == 2 * (STEM + HEAD + 2 * CONV)
        assert plain < multiply_adds(model, partial(linbp, start=0, variant="guo"), x) <= plain + 2 * CONV
        assert multiply_adds(model, compose(match, silu), x) == plain
