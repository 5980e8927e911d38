"""softplus: sigmoid derivatives in closed form, its limits, and what it refuses."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import softplus

Differentiate = Callable[[nn.Module, Tensor], Tensor]
POINTS = torch.tensor([-300.0, -2.0, -0.1, 0.0, 0.1, 2.0, 5.9, 6.0, 6.1, 300.0], dtype=torch.float64)


class Elementwise(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x * 1)


def derivative(function: Callable[[Tensor], Tensor], beta: float, points: Tensor = POINTS) -> Tensor:
    x = points.clone().requires_grad_()
    model = softplus(Elementwise(function), beta)
    assert torch.equal(model(x), function(points.clone()))
    (found,) = torch.autograd.grad(model(x).sum(), x)
    return found


@pytest.mark.parametrize("beta", [0.01, 1, 10, 1000])
def test_derivatives_in_closed_form(beta: float) -> None:
    at = lambda corner: torch.sigmoid(beta * (POINTS - corner))  # noqa: E731
    for relu in (F.relu, nn.ReLU(inplace=True), lambda x: x.clamp(min=0), lambda x: x.clamp_min_(0)):
        assert torch.allclose(derivative(relu, beta), at(0), rtol=1e-12, atol=0)
    for relu6 in (F.relu6, nn.ReLU6(inplace=True), lambda x: x.clamp(0, 6)):
        assert torch.allclose(derivative(relu6, beta), at(0) - at(6), rtol=1e-12, atol=1e-15)
    assert torch.allclose(derivative(nn.Hardtanh(-2, 3), beta), at(-2) - at(3), rtol=1e-12, atol=1e-15)
    assert torch.allclose(derivative(nn.LeakyReLU(0.2), beta), 0.2 + 0.8 * at(0), rtol=1e-12)
    assert torch.allclose(derivative(lambda x: F.leaky_relu_(x, 0.2), beta), 0.2 + 0.8 * at(0), rtol=1e-12)


def test_it_is_the_derivative_of_softplus() -> None:
    x = POINTS.clone().requires_grad_()
    (theirs,) = torch.autograd.grad(F.softplus(x, beta=3, threshold=50).sum(), x)
    assert torch.allclose(derivative(F.relu, 3), theirs, rtol=1e-12)


def test_single_precision_stays_finite_at_every_size() -> None:
    points = torch.tensor([-1e30, -1e4, -50, 0, 50, 1e4, 1e30])
    for beta in (1e-3, 1.0, 1e4):
        for function in (F.relu, F.relu6):
            found = derivative(function, beta, points)
            assert bool(found.isfinite().all()) and float(found.min()) >= 0 and float(found.max()) <= 1


def test_a_sharp_corner_is_backpropagation(residual: nn.Module, images: Tensor, gradient: Differentiate) -> None:
    found, plain = gradient(softplus(residual, 1e9), images), gradient(residual, images)
    assert torch.allclose(found, plain, rtol=1e-6, atol=1e-6 * float(plain.abs().max()))
    mild = gradient(softplus(residual, 3), images)
    assert not torch.allclose(mild, plain, rtol=0.01)


def test_a_dull_corner_is_linbp_halved_at_every_rectifier(gradient: Differentiate) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(True), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3)).double()
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(gradient(softplus(net, 1e-12), x), gradient(linbp(net, "all"), x) / 4, rtol=1e-9)
    assert torch.allclose(gradient(softplus(net, 1e-12, start=1), x), gradient(linbp(net, 1), x) / 2, rtol=1e-9)


@pytest.mark.parametrize("function", [F.gelu, F.silu, F.elu, F.mish, nn.Hardswish(), F.softplus])
def test_smooth_rectifiers_are_refused_from_the_start_on(function: Callable[[Tensor], Tensor]) -> None:
    net = nn.Sequential(Elementwise(function), nn.ReLU())
    with pytest.raises(SuiteError, match=r"piecewise linear rectifiers, and the model calls \w+ \(it knows ReLU"):
        softplus(net, 1)(POINTS)
    assert torch.equal(softplus(net, 1, start="1")(POINTS), net(POINTS))  # one before the start is its own affair


@pytest.mark.parametrize("beta", [0, -1, float("inf"), float("nan"), True, "sharp"])
def test_a_beta_out_of_range_is_refused(residual: nn.Module, beta: float) -> None:
    with pytest.raises(SuiteError, match=r"beta=.* of softplus \(give a positive number"):
        softplus(residual, beta)


def test_double_backward_is_the_smooth_functions_second_derivative() -> None:
    x = POINTS.clone().requires_grad_()
    (first,) = torch.autograd.grad(softplus(Elementwise(F.relu), 3)(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    s = torch.sigmoid(3 * POINTS)
    assert torch.allclose(second, 3 * s * (1 - s), atol=1e-12)


def test_the_compiler_and_functional_transforms_see_the_same_derivative() -> None:
    torch.manual_seed(0)
    torch.compiler.reset()
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(True), nn.Linear(6, 6), nn.ReLU6(), nn.Linear(6, 3)).double()
    model, x = softplus(net, 2), torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    (ours,) = torch.autograd.grad(compiled(x).sum(), x)
    (eager,) = torch.autograd.grad(model(x).sum(), x)
    assert torch.allclose(ours, eager, rtol=1e-12)
    jacobian = torch.stack([torch.autograd.functional.jacobian(model, point) for point in x])
    assert torch.allclose(torch.func.vmap(torch.func.jacrev(model))(x), jacobian)
    assert torch.allclose(torch.func.vmap(torch.func.jacfwd(model))(x), jacobian)


def test_the_rectifiers_input_may_be_overwritten_behind_it() -> None:
    """As in a residual sum in place, `z += branch(relu(z))`."""

    class Residual(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            z = x * 1
            z += 2 * F.relu(z)
            return z

    x = torch.tensor([-0.3, 0.7], dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(softplus(Residual(), beta=2)(x).sum(), x)
    assert torch.allclose(found, 1 + 2 * torch.sigmoid(2 * x.detach()))
