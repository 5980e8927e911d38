"""guided and deconv: closed forms in float64, and another library's."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.gradients import deconv, guided

Differentiate = Callable[[nn.Module, Tensor], Tensor]
Rule = Callable[..., nn.Module]


def mlp(*, inplace: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [each for n, m in pairwise((5, 7, 6, 3)) for each in (nn.Linear(n, m), nn.ReLU(inplace))]
    return nn.Sequential(*layers[:-1]).double()


def closed_form(net: nn.Sequential, x: Tensor, own_gate: bool, start: int) -> Tensor:
    """W1^T D1 W2^T D2 W3^T 1, where D takes the positive part from the start on, and masks or not."""
    layers = [each for each in net if isinstance(each, nn.Linear)]
    inputs = [x.detach()]
    for layer in layers[:-1]:
        inputs.append(layer(inputs[-1].relu() if len(inputs) > 1 else inputs[-1]).detach())
    g = torch.ones(len(x), 3, dtype=torch.float64)
    for index in reversed(range(len(layers))):
        g = g @ layers[index].weight.detach()
        if index and index > start:
            g = g.clamp(min=0) * ((inputs[index] > 0) if own_gate else 1)
        elif index:
            g = g * (inputs[index] > 0)
    return g


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("rule", [guided, deconv])
def test_a_chain_by_matrix_products(rule: Rule, inplace: bool, start: int) -> None:
    net = mlp(inplace=inplace)
    x = torch.randn(8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    model = rule(net, start)
    assert torch.equal(model(x), net(x))
    (found,) = torch.autograd.grad(model(x).sum(), x)
    assert torch.allclose(found, closed_form(net, x, rule is guided, start), rtol=1e-12, atol=1e-15)
    for index in range(len(x)):
        (alone,) = torch.autograd.grad(model(x[index : index + 1]).sum(), x)
        assert torch.allclose(alone[index], found[index], rtol=1e-12)


def test_other_rectifiers_keep_their_own_derivative() -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.gelu(2 * x)

    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    (own,) = torch.autograd.grad(Net()(x).sum(), x)
    for sign in (1.0, -1.0):
        (found,) = torch.autograd.grad(sign * guided(Net())(x).sum(), x)
        assert torch.equal(found, own if sign > 0 else torch.zeros_like(own))
        (found,) = torch.autograd.grad(sign * deconv(Net())(x).sum(), x)
        assert torch.equal(found, torch.full_like(own, 2 if sign > 0 else 0))


@pytest.mark.parametrize("name", ["guided", "deconv"])
def test_zennit_agrees(name: str, residual: nn.Module, images: Tensor) -> None:
    core = pytest.importorskip("zennit.core", reason="pip install zennit")
    from zennit.composites import NameMapComposite
    from zennit.rules import ReLUDeconvNet, ReLUGuidedBackprop

    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    net = net.double()
    theirs = {"guided": ReLUGuidedBackprop, "deconv": ReLUDeconvNet}[name]
    with NameMapComposite([(["1", "3"], theirs())]).context(net) as modified:
        (expected,) = torch.autograd.grad(modified(images).sum(), images)
    (found,) = torch.autograd.grad({"guided": guided, "deconv": deconv}[name](net)(images).sum(), images)
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-15) and core is not None


@pytest.mark.parametrize("rule", [guided, deconv])
def test_around_the_model(rule: Rule, residual: nn.Module, images: Tensor) -> None:
    model = rule(residual, "layer1")
    (first,) = torch.autograd.grad(model(images).sum(), images, create_graph=True)
    assert torch.autograd.grad(first.square().sum(), residual.head.weight)[0].abs().max() > 0
    mapped = torch.func.vmap(torch.func.grad(lambda p: model(p[None]).sum()))(images.detach())
    assert torch.allclose(mapped, first, rtol=1e-10)
