"""match: every rectifier passes back the length of the true gradient, sample by sample."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import GradientRule, compose, guided, leaky, match, softplus

Differentiate = Callable[[nn.Module, Tensor], Tensor]
ORDERS = {"l1": 1.0, "l2": 2.0, "linf": float("inf")}


def mlp(*, inplace: bool) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Linear(5, 7), nn.ReLU(inplace), nn.Linear(7, 6), nn.ReLU(inplace), nn.Linear(6, 3)]
    return nn.Sequential(*layers).double()


def chain(net: nn.Sequential, x: Tensor, slope: Callable[[Tensor], Tensor], order: float) -> Tensor:
    """The same by matrix products: at each rectifier g goes to slope(z) g, at the length of 1[z > 0] g."""
    first = net[0](x).detach()
    second = net[2](first.clamp(min=0)).detach()
    g = torch.ones(len(x), 3, dtype=torch.float64) @ net[4].weight.detach()
    for z, layer in ((second, net[2]), (first, net[0])):
        ruled, true = slope(z) * g, (z > 0) * g
        g = ruled * true.norm(order, 1, keepdim=True) / ruled.norm(order, 1, keepdim=True) @ layer.weight.detach()
    return g


RULES: list[tuple[GradientRule, Callable[[Tensor], Tensor]]] = [
    (partial(linbp, start="all"), torch.ones_like),
    (partial(softplus, beta=0.5), lambda z: torch.sigmoid(0.5 * z)),
    (partial(leaky, slope=0.3), lambda z: torch.where(z > 0, 1.0, 0.3)),
]


@pytest.mark.parametrize("norm", ORDERS)
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("rule", range(len(RULES)))
def test_a_chain_by_matrix_products(rule: int, inplace: bool, norm: str) -> None:
    made, slope = RULES[rule]
    net = mlp(inplace=inplace)
    x = torch.randn(8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    for order in ((made, partial(match, norm=norm)), (partial(match, norm=norm), made)):
        model = compose(*order)(net)
        assert torch.equal(model(x), net(x))
        (found,) = torch.autograd.grad(model(x).sum(), x)
        assert torch.allclose(found, chain(net, x, slope, ORDERS[norm]), rtol=1e-12)
        (alone,) = torch.autograd.grad(model(x[2:3]).sum(), x)
        assert torch.allclose(alone[2], found[2], rtol=1e-12)


def test_before_the_start_it_changes_nothing(residual: nn.Module, images: Tensor, gradient: Differentiate) -> None:
    late = compose(partial(linbp, start=-1), match)(residual)
    assert not torch.allclose(gradient(late, images), gradient(linbp(residual, -1), images), rtol=0.01)
    same = compose(partial(leaky, slope=0), match)(residual)  # the true gradient at its own length
    assert torch.allclose(gradient(same, images), gradient(residual, images), rtol=1e-10)
    positive = compose(guided, match)(residual)  # not linear in the gradient
    assert gradient(positive, images).isfinite().all()


def test_nothing_to_modify_is_refused(residual: nn.Module, images: Tensor) -> None:
    with pytest.raises(SuiteError, match=r"there is none to rescale \(write a sum such as"):
        match(residual)(images)
    with pytest.raises(SuiteError, match="there is none to rescale"):
        match(linbp(residual, "all"))(images)
    assert torch.equal(linbp(match(residual), "all")(images), residual(images))
    with pytest.raises(SuiteError, match="norm=l3 of match"):
        match(residual, "l3")
    with pytest.raises(SuiteError, match="both change the length"):
        compose(match, match)
    (first,) = torch.autograd.grad(linbp(match(residual), 0)(images).sum(), images)
    with pytest.raises(SuiteError, match="cannot be differentiated twice"):
        torch.autograd.grad(linbp(match(residual), 0)(images).sum(), images, create_graph=True)
    assert first.isfinite().all()
