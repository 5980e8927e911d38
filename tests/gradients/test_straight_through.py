"""What every modified rectifier keeps: in place stays in place, and in-place operations may follow."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.gradients import GradientRule, leaky, softplus
from suite.gradients.straight_through import straight_through, weighted

RULES: dict[str, GradientRule] = {
    "linbp": partial(linbp, start="all"),
    "leaky": partial(leaky, slope=0.3),
    "softplus": partial(softplus, beta=2),
}


class Net(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(2 * x)


@pytest.mark.parametrize("rectifier", [nn.ReLU(inplace=True), nn.ReLU6(inplace=True), F.relu_, F.hardtanh_])
@pytest.mark.parametrize("rule", RULES)
def test_what_is_in_place_overwrites_its_argument(rule: str, rectifier: Callable[[Tensor], Tensor]) -> None:
    """A net that ignores the returned tensor, as in-place code may; value and derivative are those of the returned."""

    def ignoring(x: Tensor) -> Tensor:
        rectifier(x)
        return x

    x = torch.linspace(-5, 5, 11, dtype=torch.float64, requires_grad=True)
    (ignored, returned), plain = (RULES[rule](Net(f))(x) for f in (ignoring, rectifier)), Net(rectifier)(x)
    assert torch.equal(ignored, plain) and torch.equal(returned, plain)
    (one,), (other,) = (torch.autograd.grad(out.sum(), x) for out in (ignored, returned))
    assert torch.equal(one, other) and float(one.min()) > 0


@pytest.mark.parametrize("rule", RULES)
def test_an_in_place_operation_may_follow(rule: str) -> None:
    """Where it may in the plain model: ReLU6 needs its input for the derivative, not its result."""

    def added(x: Tensor) -> Tensor:
        y = F.relu6(x)
        y += x
        return y

    x = torch.linspace(-5, 5, 11, dtype=torch.float64, requires_grad=True)
    assert torch.equal(RULES[rule](Net(added))(x), Net(added)(x))
    alone, both = (torch.autograd.grad(RULES[rule](Net(f))(x).sum(), x)[0] for f in (F.relu6, added))
    assert torch.allclose(both, alone + 2, rtol=1e-14)


@pytest.mark.parametrize("rule", ["linbp", "softplus"])
def test_rules_that_do_without_the_result_allow_it_behind_relu_too(rule: str) -> None:
    x = torch.linspace(-5, 5, 11, requires_grad=True)
    (found,) = torch.autograd.grad(RULES[rule](Net(lambda z: F.relu(z).add_(1)))(x).sum(), x)
    (expected,) = torch.autograd.grad(RULES[rule](Net(F.relu))(x).sum(), x)
    assert torch.equal(found, expected)


def test_the_value_of_one_and_the_derivative_of_another() -> None:
    x = torch.tensor([1.0, 2.0, torch.inf], requires_grad=True)
    y = torch.tensor([torch.nan, -0.0, 7.0])
    for out, slope in ((straight_through(x, y), 1.0), (weighted(x, y, torch.full((3,), 0.5)), 0.5)):
        assert torch.equal(out.nan_to_num(3), y.nan_to_num(3)) and out[1].signbit()
        (found,) = torch.autograd.grad(out, x, torch.ones(3))
        assert found.tolist() == [slope] * 3
