"""The difference of logits ratio: its formula, number by number, its derivative, and what does not change it."""

import pytest
import torch
from torch import Tensor

from suite.attacks.objectives import Objective, cross_entropy_of, dlr_towards
from suite.errors import SuiteError


def fixture() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 6, dtype=torch.float64, generator=generator)
    labels = torch.arange(40) % 6
    return logits, labels, (labels + 1 + torch.arange(40) % 5) % 6, torch.arange(40)


def test_the_formulas_number_by_number() -> None:
    logits, labels, targets, rows = fixture()
    towards = dlr_towards(labels, targets)(logits, rows)[0]
    for row in range(len(logits)):
        z, y, t = logits[row].tolist(), int(labels[row]), int(targets[row])
        first, _, third, fourth = sorted(z, reverse=True)[:4]
        assert float(towards[row]) == pytest.approx(-(z[y] - z[t]) / (first - (third + fourth) / 2), rel=1e-9)


def objectives() -> dict[str, Objective]:
    _, labels, targets, _ = fixture()
    return {"ce": cross_entropy_of(labels), "towards": dlr_towards(labels, targets)}


@pytest.mark.parametrize("name", ["ce", "towards"])
def test_the_derivative_is_autograds(name: str) -> None:
    logits, _, _, rows = fixture()
    chosen = torch.tensor([3, 7, 8, 30])  # rows of the batch that are left
    leaf = logits[chosen].clone().requires_grad_()
    values, derivative = objectives()[name](leaf, rows[chosen])
    (expected,) = torch.autograd.grad(values.sum(), leaf)
    torch.testing.assert_close(derivative.detach(), expected)
    torch.testing.assert_close(values.detach(), objectives()[name](logits, rows)[0][chosen])


def test_scale_and_shift_of_the_logits_change_nothing() -> None:
    logits, _, _, rows = fixture()
    objective = objectives()["towards"]
    torch.testing.assert_close(objective(1e5 * logits + 3, rows)[0], objective(logits, rows)[0], rtol=1e-6, atol=1e-9)


def test_it_is_positive_exactly_where_the_target_is_likelier_than_the_label() -> None:
    logits, labels, targets, rows = fixture()
    at = torch.arange(40)
    assert torch.equal(dlr_towards(labels, targets)(logits, rows)[0] > 0, logits[at, targets] > logits[at, labels])


def test_too_few_classes_are_refused() -> None:
    labels, rows = torch.zeros(2, dtype=torch.int64), torch.arange(2)
    with pytest.raises(SuiteError, match=r"asks for 4 classes, and the model has 3 \(use"):
        dlr_towards(labels, labels + 1)(torch.rand(2, 3), rows)
