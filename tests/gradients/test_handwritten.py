"""Rectifiers that a model writes by hand: treated as what they are, or refused by name."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import gated, leaky, rectifier_calls, softplus

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(2 * x)


def filled(x: Tensor) -> Tensor:
    x = x * 1
    x[x < 0] = 0
    return x


RELUS: dict[str, Function] = {
    "product": lambda x: x * (x > 0),
    "product from the left": lambda x: torch.gt(x, 0.0) * x,
    "product with numbers": lambda x: torch.mul((x > 0).to(x.dtype), x),
    "product, cast and detached": lambda x: x * (x.detach() >= 0).type_as(x).detach(),
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "where not": lambda x: torch.where(x <= 0, torch.zeros_like(x), x),
    "where inverted": lambda x: torch.where(~(x > 0), 0.0, x),
    "Tensor.where": lambda x: x.where(x > 0, torch.zeros((), dtype=x.dtype)),
    "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "max": lambda x: torch.max(torch.zeros((), dtype=x.dtype), x),
    "where by keywords": lambda x: torch.where(condition=x > 0, input=x, other=torch.zeros_like(x)),
    "Tensor.where by keywords": lambda x: x.where(condition=x > 0, other=torch.zeros_like(x)),
    "maximum by keywords": lambda x: torch.maximum(input=x, other=torch.zeros_like(x)),
    "product by a keyword": lambda x: torch.mul(x, other=x > 0),
    "heaviside": lambda x: x * torch.heaviside(x.detach(), torch.zeros((), dtype=x.dtype)),
    "a mask that was cloned": lambda x: x * (x > 0).to(x.dtype).contiguous().clone(),
    "clamp by a tensor": lambda x: x.clamp(min=torch.zeros((), dtype=x.dtype)),
}


def overwritten(x: Tensor) -> Tensor:
    x = x * 1
    x *= x > 0
    return x


MORE_REFUSED: dict[str, Function] = {
    "in place": overwritten,
    "masked_fill by keywords": lambda x: x.masked_fill(mask=x < 0, value=0),
    "index_put": lambda x: x.index_put((x < 0,), torch.zeros((), dtype=x.dtype)),
    "masked_scatter": lambda x: x.masked_scatter(x < 0, torch.zeros_like(x)),
    "two masks": lambda x: x * ((x > 0) & (x < 6)),
    "a leak": lambda x: 0.1 * (x * (x <= 0)),
    "addcmul": lambda x: torch.addcmul(torch.zeros_like(x), x, (x > 0).to(x.dtype)),
    "einsum": lambda x: torch.einsum("bc,bc->bc", x, (x > 0).to(x.dtype)),
    "lerp": lambda x: torch.lerp(torch.zeros_like(x), x, (x > 0).to(x.dtype)),
    "minimum": lambda x: x - torch.minimum(x, torch.zeros_like(x)),
    "min": lambda x: -torch.min(-x, torch.zeros((), dtype=x.dtype)),
    "clamp from above": lambda x: x - x.clamp(max=0),
    "clamp_max": lambda x: x - torch.clamp_max(x, 0),
}
REFUSED: dict[str, Function] = {
    "where": lambda x: torch.where(x > 0, x, 0.1 * x),
    "masked_fill": lambda x: x.masked_fill(x < 0, 0),
    "setitem": filled,
}
NONE: dict[str, Function] = {
    "a mask of another tensor": lambda x: x * (x.sin() > 0),
    "a clamp of pixels": lambda x: x.clamp(0, 1),
    "a minimum elsewhere": lambda x: torch.minimum(x, torch.ones_like(x)),
    "those above zero, picked": lambda x: x + x[x > 0].mean(),
    "a mask by itself": lambda x: x + (x > 0).to(x.dtype).mean(),
    "a threshold elsewhere": lambda x: x * (x > 0.5),
    "maximum of two": lambda x: torch.maximum(x, -x),
    "a mask of numbers that need no gradient": lambda x: torch.where(torch.arange(4) > 0, x, 0.5),
    "maximum along an axis": lambda x: x.max(1).values,
}


def points() -> Tensor:
    return torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


def derivative(model: nn.Module, x: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(model(x).sum(), x)
    return found


@pytest.mark.parametrize("name", RELUS)
def test_they_are_rectifiers_in_other_words(name: str) -> None:
    net, plain, x = Net(RELUS[name]), Net(F.relu), points()
    assert len(rectifier_calls(net, x)) == 1
    rules = (
        lambda model: linbp(model, "all"),
        lambda model: leaky(model, 0.3),
        lambda model: softplus(model, 2),
        lambda model: gated(model, "half"),
        lambda model: linbp(leaky(model, 0.3), "all"),
    )
    for rule in rules:
        assert torch.equal(rule(net)(x), net(x))
        assert torch.allclose(derivative(rule(net), x), derivative(rule(plain), x), rtol=1e-12)


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_one_is_refused_by_name_from_the_start_on(name: str) -> None:
    net, x = nn.Sequential(Net(F.relu), Net(REFUSED[name]), Net(F.relu)), points()
    with pytest.raises(SuiteError, match=rf"chooses by the sign of a tensor with {name}.*start behind it"):
        linbp(net, 0)(x)
    assert torch.equal(derivative(linbp(net, "2"), x), 2 * derivative(net[:2], x))  # the last one linear, times its 2


@pytest.mark.parametrize("name", MORE_REFUSED)
def test_other_ways_to_write_one_are_refused_too(name: str) -> None:
    net, x = nn.Sequential(Net(MORE_REFUSED[name]), Net(F.relu)), points()
    with pytest.raises(SuiteError, match=r"the model (chooses|takes) .* with \w+, perhaps a rectifier in other words"):
        linbp(net, 0)(x)
    linbp(net, "1")(x)  # a start behind it


@pytest.mark.parametrize("name", NONE)
def test_what_is_none_is_left_alone(name: str) -> None:
    net, x = nn.Sequential(Net(lambda x: F.relu(x + 100)), Net(NONE[name])), points()
    assert len(rectifier_calls(net, x)) == 1
    assert torch.equal(derivative(linbp(net, "all"), x), derivative(net, x))


def test_a_product_with_its_own_sigmoid_is_a_silu() -> None:
    net, x = Net(lambda x: x * torch.sigmoid(x)), points()
    assert torch.equal(derivative(linbp(net, "all"), x), torch.full_like(x, 2))
    assert torch.allclose(derivative(leaky(net, 0.3), x), derivative(leaky(Net(F.silu), 0.3), x), rtol=1e-12)
    with pytest.raises(SuiteError, match="piecewise linear rectifiers, and the model calls mul"):
        softplus(net, 1)(x)
    squeezed = Net(lambda x: x * torch.sigmoid(x.mean(1, keepdim=True)))
    assert rectifier_calls(squeezed, x) == ()


@pytest.mark.parametrize("channels", [1, 4])
def test_prelu_with_its_weight(channels: int) -> None:
    """The input's derivative is the rule's, the slope's its own."""
    module = nn.PReLU(channels).double()
    nn.init.uniform_(module.weight, 0.1, 0.5)
    net, x = Net(module), torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    slopes = module.weight.detach().view(-1, 1).expand(4, 5) if channels == 4 else module.weight.detach()
    own, gate = derivative(net, x) / 2, (x > 0).double()
    expected = {
        "linear": torch.ones_like(own),
        "leaky": 0.7 * own + 0.3,
        "softplus": slopes + (1 - slopes) * torch.sigmoid(3 * 2 * x.detach()),
        "half": slopes + (1 - slopes) * (1 + gate) / 2,
    }
    rules = {
        "linear": linbp(net, "all"),
        "leaky": leaky(net, 0.3),
        "softplus": softplus(net, 3),
        "half": gated(net, "half"),
    }
    (wanted,) = torch.autograd.grad(net(x).square().sum(), module.weight)
    for name, model in rules.items():
        assert torch.equal(model(x), net(x))
        assert torch.allclose(derivative(model, x), 2 * expected[name], rtol=1e-12), name
        assert torch.allclose(torch.autograd.grad(model(x).square().sum(), module.weight)[0], wanted, rtol=1e-12)
    assert [call.function for call in rectifier_calls(net, x)] == ["prelu"]


def test_functional_nets_start_at_an_index() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Parameter(torch.randn(5, 4)), nn.Parameter(torch.randn(3, 5))

        def forward(self, x: Tensor) -> Tensor:
            return F.linear(F.relu(F.linear(x, self.one)), self.two).relu()

    net, x = Functional(), torch.randn(2, 4, requires_grad=True)
    expected = (torch.where(net(x) > 0, 1.0, 0.0) @ net.two.detach()) @ net.one.detach()
    assert torch.allclose(derivative(linbp(net, 0, stop=1), x), expected, rtol=1e-5)
    with pytest.raises(SuiteError, match="no module 'one'"):
        linbp(net, "one")


def test_an_encoder_layer_of_torch_has_its_rectifier() -> None:
    """In eval mode and without gradients torch would take a fused path; under a rule it does not."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x, g = torch.randn(2, 5, 8), torch.randn(2, 5, 8)  # the sum of what a norm gives has no derivative
    assert [call.function for call in rectifier_calls(layer, x)] == ["relu"]
    x.requires_grad_()
    assert torch.equal(linbp(layer, -1)(x), layer(x))
    linear, plain = (torch.autograd.grad(model(x), x, g)[0] for model in (linbp(layer, -1), layer))
    assert not torch.allclose(linear, plain, rtol=0.01)
