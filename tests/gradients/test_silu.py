"""silu: SiLU's derivative as autograd has it, and what it refuses."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.errors import SuiteError
from suite.gradients import silu


class Net(nn.Module):
    def __init__(self, function: object = F.relu) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x * 1)


@pytest.mark.parametrize("function", [F.relu, nn.ReLU(inplace=True), lambda x: x.clamp(min=0), lambda x: x * (x > 0)])
def test_it_is_the_derivative_of_silu(function: object) -> None:
    x = torch.tensor([-1e30, -300.0, -2.0, -0.0, 0.0, 0.3, 5.0, 1e30], dtype=torch.float64, requires_grad=True)
    net = Net(function)
    assert torch.equal(silu(net)(x), net(x))
    (found,) = torch.autograd.grad(silu(net)(x).sum(), x)
    (expected,) = torch.autograd.grad(F.silu(x).sum(), x)
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-300)


def test_a_chain_from_its_start_on(residual: nn.Module, images: Tensor) -> None:
    """As a net whose later rectifiers are SiLUs in the derivative alone: by hand on the first block."""
    net = nn.Sequential(residual.stem, nn.Conv2d(4, 2, 3).double(), nn.ReLU(), nn.Flatten())
    z = net[1](net[0](images))
    derivative = torch.autograd.functional.jvp(F.silu, z.detach(), torch.ones_like(z))[1]
    (expected,) = torch.autograd.grad(z, images, derivative)
    (found,) = torch.autograd.grad(silu(net, "2")(images).sum(), images)
    assert torch.allclose(found, expected, rtol=1e-12)
    (alone,) = torch.autograd.grad(silu(net, "2")(images[1:2]).sum(), images)
    assert torch.allclose(alone[1], found[1], rtol=1e-10)


@pytest.mark.parametrize("function", [F.relu6, F.leaky_relu, F.gelu, nn.PReLU().double()])
def test_it_is_about_relu(function: object) -> None:
    x = torch.ones(3, dtype=torch.float64)
    with pytest.raises(SuiteError, match="silu replaces the derivative of ReLU, and the model calls"):
        silu(nn.Sequential(Net(function), nn.ReLU()))(x)
    assert torch.equal(silu(nn.Sequential(Net(), Net(function), Net()), "2")(x), Net(function)(x))


def test_around_the_model(residual: nn.Module, images: Tensor) -> None:
    model = silu(residual, "layer2")
    (first,) = torch.autograd.grad(model(images).sum(), images, create_graph=True)
    assert torch.autograd.grad(first.square().sum(), images)[0].abs().max() > 0
    mapped = torch.func.vmap(torch.func.grad(lambda p: model(p[None]).sum()))(images.detach())
    assert torch.allclose(mapped, first, rtol=1e-10)


def test_forward_mode_and_the_compiler_see_the_same_derivative() -> None:
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(4, 6), nn.ReLU(True), nn.Linear(6, 3)).double(), torch.randn(5, 4).double()
    model = silu(net)
    jacobian = torch.stack([torch.autograd.functional.jacobian(model, point) for point in x])
    assert torch.allclose(torch.func.vmap(torch.func.jacfwd(model))(x), jacobian)
    torch.compiler.reset()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    (found,) = torch.autograd.grad(compiled(x.requires_grad_()).sum(), x)
    assert torch.allclose(found, jacobian.sum(1), rtol=1e-12)
