"""leaky: the closed form between backpropagation and LinBP, forward bit for bit."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import gated, leaky, softplus

Differentiate = Callable[[nn.Module, Tensor], Tensor]
POINTS = [-7.0, -0.5, -0.0, 0.0, 0.5, 5.5, 6.0, 6.5, 40.0]


class Elementwise(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x * 1)


def derivative(function: Callable[[Tensor], Tensor], slope: float) -> Tensor:
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    model = leaky(Elementwise(function), slope)
    assert torch.equal(model(x), function(x.detach().clone()))
    (found,) = torch.autograd.grad(model(x).sum(), x)
    return found


def expected(active: list[int], slope: float) -> Tensor:
    return torch.tensor([1.0 if on else slope for on in active], dtype=torch.float64)


@pytest.mark.parametrize("slope", [0, 0.1, 0.5, 1])
def test_relu_and_relu6(slope: float) -> None:
    """1 where active; the slope elsewhere, above 6 too. A corner counts as autograd has it: not active."""
    for relu in (F.relu, nn.ReLU(), nn.ReLU(inplace=True), torch.relu_):
        assert torch.allclose(derivative(relu, slope), expected([0, 0, 0, 0, 1, 1, 1, 1, 1], slope), rtol=1e-15)
    for relu6 in (F.relu6, nn.ReLU6(), nn.ReLU6(inplace=True), lambda x: F.hardtanh_(x, 0, 6)):
        assert torch.allclose(derivative(relu6, slope), expected([0, 0, 0, 0, 1, 1, 0, 0, 0], slope), rtol=1e-15)


@pytest.mark.parametrize("function", [F.gelu, F.silu, F.elu, F.leaky_relu, nn.SiLU(inplace=True), nn.Hardswish()])
def test_any_rectifier_is_a_mean_of_its_derivative_and_one(function: Callable[[Tensor], Tensor]) -> None:
    own = derivative(function, 0)
    assert torch.allclose(derivative(function, 0.3), 0.7 * own + 0.3, rtol=1e-14)


class InPlaceBehind(nn.Module):
    """A rectifier whose result is overwritten: backpropagation allows it where the rectifier keeps its input."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x * 1).add_(1)


@pytest.mark.parametrize(
    "function", [lambda x: x.clamp(min=0), lambda x: x.clamp_min(0), lambda x: F.hardtanh(x, 0, 40)]
)
def test_what_is_done_in_place_behind_a_rectifier_that_keeps_its_input(function: Callable[[Tensor], Tensor]) -> None:
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    for rule in (partial(leaky, slope=0.5), partial(gated, gate="half")):
        (found,) = torch.autograd.grad(rule(InPlaceBehind(function))(x).sum(), x)
        assert torch.equal(found, torch.tensor([0.5, 1.0]))


@pytest.mark.parametrize(
    "function",
    [lambda x: F.prelu(x, weight=torch.tensor([0.25])), lambda x: x.clamp(torch.zeros(2), torch.full((2,), 6.0))],
    ids=["prelu by keyword", "clamp between tensors"],
)
def test_rectifiers_that_are_written_with_tensors(function: Callable[[Tensor], Tensor]) -> None:
    x = torch.tensor([[-1.0, 2.0]], requires_grad=True)
    (own,) = torch.autograd.grad(function(x).sum(), x)
    (found,) = torch.autograd.grad(leaky(Elementwise(function), 0.5)(x).sum(), x)
    assert torch.allclose(found, (own + 1) / 2)
    (smooth,) = torch.autograd.grad(softplus(Elementwise(function), 1e4)(x).sum(), x)
    assert torch.allclose(smooth, own)


@pytest.mark.parametrize("start", ["all", 1, -1, "layer2", "layer1.0.conv2"])
def test_the_ends_are_backpropagation_and_linbp(
    residual: nn.Module, images: Tensor, gradient: Differentiate, start: str | int
) -> None:
    plain, linear = gradient(residual, images), gradient(linbp(residual, start), images)
    assert torch.equal(gradient(leaky(residual, 0, start), images), plain)
    assert torch.equal(gradient(leaky(residual, 1, start), images), linear)
    between = gradient(leaky(residual, 0.5, start), images)
    assert not torch.allclose(between, plain) and not torch.allclose(between, linear)


def test_a_chain_by_matrix_products() -> None:
    """W1^T D1 W2^T D2 W3^T v with D = diag(1[z > 0] + slope 1[z <= 0]), and the weights' gradients with it."""
    torch.manual_seed(0)
    first, second, third = (nn.Linear(n, m, bias=False).double() for n, m in ((5, 7), (7, 6), (6, 3)))
    net, x, slope = nn.Sequential(first, nn.ReLU(True), second, nn.ReLU(True), third), torch.randn(1, 5).double(), 0.2
    x.requires_grad_()
    z1 = x.detach() @ first.weight.T
    z2 = z1.relu() @ second.weight.T
    d1, d2 = (torch.where(z > 0, 1, slope).double() for z in (z1, z2))
    ones = torch.ones(1, 3, dtype=torch.float64)
    at_two = (ones @ third.weight) * d2
    at_one = (at_two @ second.weight) * d1
    found = torch.autograd.grad(leaky(net, slope)(x), [x, second.weight, first.weight], ones)
    for ours, theirs in zip(found, (at_one @ first.weight, at_two.T @ z1.relu(), at_one.T @ x), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-13)


@pytest.mark.parametrize("slope", [-0.1, 1.5, float("nan"), True, "steep"])
def test_a_slope_out_of_range_is_refused(residual: nn.Module, slope: float) -> None:
    with pytest.raises(SuiteError, match=r"slope=.* of leaky \(give a number from 0 .* to 1"):
        leaky(residual, slope)


@pytest.mark.parametrize("start", [True, 1.5, None])
def test_a_start_that_is_no_place_is_refused(residual: nn.Module, start: str) -> None:
    with pytest.raises(SuiteError, match="names no place"):
        leaky(residual, 0.5, start)
    assert leaky(residual, 0.5, "none") is residual


def test_around_the_model() -> None:
    """Double backward, vmap, forward mode and the compiler see the same derivative."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(True), nn.Linear(6, 6), nn.GELU(), nn.Linear(6, 3)).double()
    model, x = leaky(net, 0.25), torch.randn(5, 4, dtype=torch.float64)
    jacobian = torch.stack([torch.autograd.functional.jacobian(model, point) for point in x])
    assert torch.allclose(torch.func.vmap(torch.func.jacrev(model))(x), jacobian)
    assert torch.allclose(torch.func.vmap(torch.func.jacfwd(model))(x), jacobian)
    torch.compiler.reset()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    x.requires_grad_()
    (ours,) = torch.autograd.grad(compiled(x).sum(), x)
    (eager,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    assert torch.allclose(ours, eager, rtol=1e-12)
    (second,) = torch.autograd.grad(eager.square().sum(), x)
    assert second.abs().max() > 0  # GELU's curvature
