"""FAB: exact distances on linear models, samples that leave, and rows that do not depend on their batch."""

import pytest
import torch
from torch import Tensor, nn

from suite.attacks import Autograd, fab
from suite.attacks.ball import BallNorm, lengths
from suite.attacks.hyperplane import to_hyperplane
from suite.errors import SuiteError


def linear(count: int = 30) -> tuple[nn.Module, Tensor, Tensor]:
    """Two classes, so that the target's boundary is the only one; the labels are what the model says."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).double().requires_grad_(False)
    x = torch.rand(count, 3, 2, 2, dtype=torch.float64)
    return model, x, model(x).argmax(1)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_on_a_linear_model_it_finds_the_distance_of_the_boundary(norm: BallNorm) -> None:
    model, x, y = linear()
    weight, bias = model.get_parameter("1.weight"), model.get_parameter("1.bias")
    normal, offset = weight[1 - y] - weight[y], bias[y] - bias[1 - y]
    moves = to_hyperplane(x.flatten(1), normal, offset, norm)
    least = lengths(moves, norm)
    reached = ((normal * (x.flatten(1) + moves)).sum(1) - offset).abs() < 1e-9  # of the others the box has no boundary
    assert int(reached.sum()) > 20
    distances, nearest = fab(Autograd(model), model, x, y, 1 - y, 0, 60, norm=norm)
    assert bool((distances[reached] >= least[reached] * (1 - 1e-9)).all())
    torch.testing.assert_close(distances[reached], least[reached], rtol=0.01, atol=0)
    torch.testing.assert_close(lengths(nearest - x, norm)[reached], distances[reached])
    assert torch.equal(model(nearest).argmax(1) != y, distances.isfinite())
    assert 0 <= float(nearest.min()) <= float(nearest.max()) <= 1


def curved(count: int = 20) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(1)
    layers = (nn.Flatten(), nn.Linear(12, 30), nn.ReLU(), nn.Linear(30, 5))
    model = nn.Sequential(*layers).double().requires_grad_(False)
    x = torch.rand(count, 3, 2, 2, dtype=torch.float64)
    return model, x, model(x).argmax(1)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_row_does_not_depend_on_its_batch(norm: BallNorm) -> None:
    model, x, y = curved()
    targets = (y + 1) % 5
    distances, nearest = fab(Autograd(model), model, x, y, targets, 0.05, 20, norm=norm)
    assert bool(distances.isfinite().any())
    for row in range(0, 20, 7):
        one = slice(row, row + 1)
        alone, at = fab(Autograd(model), model, x[one], y[one], targets[one], 0.05, 20, norm=norm)
        torch.testing.assert_close(alone[0], distances[row])
        torch.testing.assert_close(at[0], nearest[row])


def test_who_is_near_enough_leaves() -> None:
    model, x, y = curved()
    asked: list[int] = []

    def predict(z: Tensor) -> Tensor:
        asked.append(len(z))
        out: Tensor = model(z)
        return out

    distances, _ = fab(Autograd(model), predict, x, y, (y + 1) % 5, 10.0, 30)
    assert bool(distances.isfinite().any()) and asked[0] == 20
    assert asked == sorted(asked, reverse=True) and asked[-1] < 20


def test_what_it_refuses() -> None:
    model, x, y = curved()
    for wrong, message in (
        ({"eps": -1.0}, "^eps=-1.0 "),
        ({"steps": 0}, "^steps=0 "),
        ({"targets": y[:3]}, "^targets of shape"),
        ({"targets": y + 20}, "for a model of 5 classes"),
        ({"norm": "l0"}, "^norm='l0' "),
    ):
        given = {"images": x, "labels": y, "targets": y, "eps": 0.1, "steps": 3} | wrong
        with pytest.raises(SuiteError, match=message):
            fab(Autograd(model), model, **given)  # type: ignore[arg-type]
