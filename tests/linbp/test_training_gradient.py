"""LinBP training against Eq. 8 written out: one step, several steps, and where the linear part begins."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from modules.linbp.training import entropy, initial_model
from suite import data, models
from suite.data import Dataset, Split
from suite.training import Recipe, fit

RATE = 0.3


def images_and_labels() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.rand(32, 1, 4, 4, dtype=torch.float64), torch.arange(32) % 3


def mlp() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(16, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 5), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(5, 3)).double()


def stepped_by_hand(model: nn.Module, x: Tensor, y: Tensor, start: int, steps: int) -> list[Tensor]:
    """Weights after gradient descent on the mean cross-entropy, the derivative of rectifier i being 1 for i >= start.

    Eq. 8: the gradient of W_i is sigma(f_{i-1}) (W_{i+1} ... W_d dL/df_d)^T where all of them are skipped.
    """
    weights = [parameter.detach().double() for parameter in model.parameters()]
    for _ in range(steps):
        inputs, masks = [x.flatten(1)], []
        for layer in range(4):
            z = inputs[-1] @ weights[2 * layer].T + weights[2 * layer + 1]
            if layer < 3:
                masks.append((z > 0).double() if layer < start else torch.ones_like(z))
                inputs.append(z.clamp(min=0))
        cotangent = (torch.softmax(z, 1) - F.one_hot(y, z.shape[1])) / len(y)
        gradients: list[Tensor] = []
        for layer in reversed(range(4)):
            gradients = [cotangent.T @ inputs[layer], cotangent.sum(0), *gradients]
            if layer:
                cotangent = (cotangent @ weights[2 * layer]) * masks[layer - 1]
        weights = [weight - RATE * gradient for weight, gradient in zip(weights, gradients, strict=True)]
    return weights


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_steps_are_those_of_the_written_out_equation(start: int) -> None:
    model, (x, y) = mlp(), images_and_labels()
    expected = stepped_by_hand(model, x, y, start, steps=4)
    through = linbp(model, start=start) if start < 3 else None  # from 3 on nothing is left: plain backpropagation
    fit(model, x, y, Recipe(4, 32, RATE), seed=0, backward_model=through)
    for found, weight in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(found.detach(), weight)


def test_the_first_step_reports_the_same_loss_and_moves_elsewhere() -> None:
    x, y = images_and_labels()
    plain, linear = mlp(), mlp()
    (bp,) = fit(plain, x, y, Recipe(1, 32, RATE), seed=0).epochs
    (ours,) = fit(linear, x, y, Recipe(1, 32, RATE), seed=0, backward_model=linbp(linear, start=0)).epochs
    assert bp == ours  # the forward pass is unchanged
    last, first = "7.weight", "1.weight"
    assert torch.equal(plain.get_parameter(last), linear.get_parameter(last))  # behind the last rectifier
    assert not torch.allclose(plain.get_parameter(first), linear.get_parameter(first))


def test_the_zoos_mlp_trains_by_the_same_equation_in_single_precision() -> None:
    """Through the faster layers of the zoo, from the second hidden rectifier on."""
    model = models.architecture("mlp", data.load("digits")).initial(0)
    torch.manual_seed(2)
    x, y = torch.rand(32, 1, 8, 8), torch.arange(32) % 10
    expected = stepped_by_hand(model, x.double(), y, start=1, steps=1)
    fit(model, x, y, Recipe(1, 32, RATE), seed=0, backward_model=linbp(model))
    for found, weight in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(found.detach().double(), weight, rtol=1e-5, atol=1e-7)


def test_densenet_begins_one_module_later_than_in_attacks() -> None:
    pixels = torch.zeros(2, 3, 32, 32, dtype=torch.uint8).numpy()
    split = Split(pixels, torch.tensor([0, 1]).numpy())
    dataset = Dataset("two", ("a", "b"), split, split, "")
    run = SimpleNamespace(
        device=torch.device("meta"), architecture=lambda ref: models.architecture(ref, dataset), seed=0
    )
    starts = {name: initial_model(cast(Any, run), name, 0).linbp_start for name in ("densenet161", "mobilenetv2")}
    assert starts == {"densenet161": "features.denseblock4", "mobilenetv2": "features.17"}
    assert models.ZOO["densenet161"].linbp_start == "features.transition3"


def test_chance_is_the_best_constant_answer() -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    logits = torch.tensor([0.6, 0.3, 0.1]).log().expand(10, 3)
    assert entropy(labels) == pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-6)
    assert entropy(torch.zeros(5, dtype=torch.int64)) == 0
