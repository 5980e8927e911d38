"""Recipes: the learning rate of each epoch in closed form, and settings that make no sense."""

import math

import pytest
import torch

from suite.errors import SuiteError
from suite.training import Recipe
from suite.training.optimiser import optimiser_for


def rates(recipe: Recipe) -> list[float]:
    return [recipe.rate(epoch) for epoch in range(recipe.epochs)]


def test_constant() -> None:
    assert rates(Recipe(3, 1, 0.5)) == [0.5, 0.5, 0.5]


def test_exponential() -> None:
    assert rates(Recipe(3, 1, 2.0, schedule="exponential", gamma=0.5)) == [2.0, 1.0, 0.5]


def test_multistep() -> None:
    recipe = Recipe(5, 1, 1.0, schedule="multistep", gamma=0.1, milestones=(1, 3))
    assert rates(recipe) == pytest.approx([1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_ends_at_its_period() -> None:
    assert rates(Recipe(4, 1, 1.0, schedule="cosine")) == pytest.approx(
        [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]
    )
    assert Recipe(4, 1, 1.0, schedule="cosine", period=8).rate(4) == pytest.approx(0.5)


def test_rise_and_fall_and_its_repetition() -> None:
    recipe = Recipe(10, 1, 2.0, schedule="rise-fall")  # peak at 0.4
    assert [recipe.rate(time) for time in (0, 2, 4, 7, 10 - 1e-12)] == pytest.approx([0, 1, 2, 1, 0], abs=1e-9)
    cyclic = Recipe(10, 1, 2.0, schedule="cyclic", period=5)
    assert [cyclic.rate(time) for time in (0, 1, 2, 3.5, 5, 7)] == pytest.approx([0, 1, 2, 1, 0, 2])


def test_hold_and_fall() -> None:
    """Garipov et al. 2018's code counts epochs from 1: the rate at half, 7/10, nine tenths, the end."""
    recipe = Recipe(20, 1, 2.0, schedule="hold-fall")
    assert [recipe.rate(epoch) for epoch in (0, 9, 13, 17, 19)] == pytest.approx([2, 2, 2 * 0.505, 0.02, 0.02])


@pytest.mark.parametrize("schedule", ["constant", "exponential", "cosine", "multistep", "hold-fall"])
def test_the_others_stand_still_within_an_epoch(schedule: str) -> None:
    recipe = Recipe(9, 1, 0.1, schedule=schedule, milestones=(3, 6))  # type: ignore[arg-type]
    assert all(recipe.rate(epoch) == recipe.rate(epoch + 0.99) for epoch in range(9))


def test_frozen_parameters_are_not_optimised() -> None:
    model = torch.nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    (group,) = optimiser_for(Recipe(1, 1, 0.1, momentum=0.9, weight_decay=1e-4), model).param_groups
    assert group["params"] == [model.weight]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.1, 0.9, 1e-4)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"peak": 1.0}, "peak=1.0"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"momentum": -0.1}, "momentum=-0.1"),
        ({"schedule": "cosin"}, "did you mean cosine"),
        ({"optimiser": "adams"}, "did you mean adam"),
        ({"augment": "mirror"}, "unknown augment 'mirror'"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        Recipe(**{"epochs": 1, "batch_size": 1, "learning_rate": 0.1, **settings})  # type: ignore[arg-type]
