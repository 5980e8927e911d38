"""Every way to write a rectifier: forward bit for bit, backward the identity, in place only where it was."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp

FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU6": nn.ReLU6(),
    "nn.LeakyReLU": nn.LeakyReLU(0.2),
    "nn.SiLU": nn.SiLU(),
    "nn.GELU": nn.GELU(),
    "nn.GELU tanh": nn.GELU("tanh"),
    "nn.Softplus": nn.Softplus(beta=3),
    "nn.Hardtanh": nn.Hardtanh(),
    "nn.ELU": nn.ELU(),
    "nn.SELU": nn.SELU(),
    "nn.CELU": nn.CELU(),
    "nn.Mish": nn.Mish(),
    "nn.Hardswish": nn.Hardswish(),
    "nn.Threshold": nn.Threshold(0, 0),
    "F.relu": F.relu,
    "F.relu6": F.relu6,
    "F.leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "F.silu": F.silu,
    "F.gelu": F.gelu,
    "F.softplus": F.softplus,
    "F.hardtanh": lambda x: F.hardtanh(x, -2, 2),
    "F.threshold": lambda x: F.threshold(x, 0, 0),
    "torch.relu": torch.relu,
    "Tensor.relu": lambda x: x.relu(),
    "torch.clamp": lambda x: torch.clamp(x, min=0),
    "torch.clip": lambda x: torch.clip(x, 0),
    "torch.clamp_min": lambda x: torch.clamp_min(x, 0),
    "Tensor.clamp": lambda x: x.clamp(0),
    "Tensor.clamp to 6": lambda x: x.clamp(min=0, max=6),
    "Tensor.clamp_min": lambda x: x.clamp_min(0.0),
}
IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU": nn.ReLU(inplace=True),
    "nn.ReLU6": nn.ReLU6(inplace=True),
    "nn.LeakyReLU": nn.LeakyReLU(0.2, inplace=True),
    "nn.SiLU": nn.SiLU(inplace=True),
    "nn.Hardtanh": nn.Hardtanh(inplace=True),
    "nn.Threshold": nn.Threshold(0, 0, inplace=True),
    "F.relu, by position": lambda x: F.relu(x, True),
    "F.leaky_relu, by position": lambda x: F.leaky_relu(x, 0.1, True),
    "F.relu_": F.relu_,
    "F.leaky_relu_": F.leaky_relu_,
    "F.hardtanh_": F.hardtanh_,
    "torch.relu_": torch.relu_,
    "Tensor.relu_": lambda x: x.relu_(),
    "torch.clamp_": lambda x: torch.clamp_(x, min=0),
    "Tensor.clamp_": lambda x: x.clamp_(min=0),
    "Tensor.clamp_min_": lambda x: x.clamp_min_(0),
}
OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "clamp of pixels": lambda x: x.clamp(0, 1),
    "clamp from below elsewhere": lambda x: x.clamp(min=0.5),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "abs": torch.abs,
}


class Net(nn.Module):
    """x -> f(2 x) + 1: the factor makes f's argument no leaf."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(2 * x) + 1


def points(dtype: torch.dtype) -> Tensor:
    ordinary = torch.linspace(-8, 8, 41, dtype=dtype)
    extremes = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, 1e-40, -1e-40, 1e30, -1e30], dtype=dtype)
    return torch.cat([ordinary, extremes])


def same(a: Tensor, b: Tensor) -> bool:
    """Equal bit for bit, NaN at the same places included."""
    return a.dtype == b.dtype and torch.equal(a.isnan(), b.isnan()) and torch.equal(a.nan_to_num(), b.nan_to_num())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", FORMS)
def test_forward_is_the_same_and_backward_the_identity(name: str, dtype: torch.dtype) -> None:
    net, x = Net(FORMS[name]), points(dtype)
    linear = linbp(net, "all")
    for training in (True, False):
        net.train(training)
        assert same(linear(x), net(x))
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(linear(x).sum(), x)
    assert torch.equal(gradient, torch.full_like(x, 2))


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_forms_overwrite_their_argument_and_nothing_else(name: str) -> None:
    class Kept(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.function = IN_PLACE[name]

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor, bool]:
            before = 2 * x
            after = self.function(before)
            return after, before, after.data_ptr() == before.data_ptr()

    net, x = Kept(), points(torch.float32)
    original = x.clone()
    (ours, ours_before, ours_aliased), (theirs, theirs_before, aliased) = linbp(net, "all")(x), net(x)
    assert same(ours, theirs) and same(ours_before, theirs_before) and ours_aliased and aliased
    assert same(x, original)
    x.requires_grad_()
    after, before, _ = linbp(net, "all")(x)
    (gradient,) = torch.autograd.grad(after.sum() + before.sum(), x)
    assert torch.equal(gradient, torch.full_like(x, 4))


def test_in_place_on_a_leaf_is_refused_as_ever() -> None:
    class Leaf(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.relu_(x)

    with pytest.raises(RuntimeError, match="leaf Variable"):
        linbp(Leaf(), "all")(torch.ones(3, requires_grad=True))


def test_forward_mode_through_an_in_place_form() -> None:
    net, x = Net(nn.ReLU(inplace=True)), points(torch.float64)[:41]
    value, tangent = torch.func.jvp(linbp(net, "all"), (x,), (torch.ones_like(x),))
    assert torch.equal(value, net(x)) and torch.equal(tangent, torch.full_like(x, 2))


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_rectifier_keeps_its_derivative(name: str) -> None:
    class Both(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return OTHERS[name](torch.relu(x + 10))

    x = torch.linspace(-5, 5, 21, requires_grad=True)
    (ours,) = torch.autograd.grad(linbp(Both(), "all")(x).sum(), x)
    (theirs,) = torch.autograd.grad(Both()(x).sum(), x)  # x + 10 > 0: the rectifier does nothing here
    assert torch.equal(ours, theirs)


def test_under_bf16_autocast() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(inplace=True), nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 4))
    linear, x = linbp(net, "all"), torch.randn(5, 8, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = linear(x), net(x)
    assert ours.dtype == torch.bfloat16 and torch.equal(ours, theirs)
    (gradient,) = torch.autograd.grad(ours.float().sum(), x)
    product = (net[4].weight.sum(0) @ net[2].weight @ net[0].weight).detach()
    # Three products in bf16 (8 bits): a relative error of a few times 2^-8.
    assert torch.allclose(gradient, product.expand(5, -1), atol=0.03 * float(product.abs().max()))


def test_one_shared_module_called_three_times_starts_at_its_first_call() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.relu(self.relu(x) - 1) - 1)

    x = torch.tensor([-1.0, 0.5, 1.5, 3.0], requires_grad=True)
    for start, expected in (("relu", [1, 1, 1, 1]), (1, [0, 1, 1, 1]), (2, [0, 0, 1, 1]), (-1, [0, 0, 1, 1])):
        (gradient,) = torch.autograd.grad(linbp(Shared(), start)(x).sum(), x)
        assert gradient.tolist() == expected
