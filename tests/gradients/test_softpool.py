"""softpool against explicit windows, its two limits, and every way to pool."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import compose, silu, softpool

Pool = Callable[[Tensor], Tensor]
POOLS: dict[str, Pool] = {
    "2": nn.MaxPool2d(2),
    "3, stride 2, padding 1": nn.MaxPool2d(3, 2, 1),
    "ceil": nn.MaxPool2d(3, 2, ceil_mode=True),
    "rectangle": nn.MaxPool2d((3, 2), (2, 1), (1, 0)),
    "dilation": nn.MaxPool2d(2, 1, dilation=2),
    "indices": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
    "torch's": lambda x: torch.max_pool2d(x, [2, 2]),
    "1d": lambda x: F.max_pool1d(x[:, :, 0], 3, 2, 1),
    "adaptive": nn.AdaptiveMaxPool2d(2),
    "unbatched": lambda x: torch.stack([F.max_pool2d(each, 2) for each in x]),
}


def points() -> Tensor:
    x = torch.randn(3, 2, 8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return (3 * x).requires_grad_()


class Net(nn.Module):
    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x)


def window_sum(pool: Pool, x: Tensor, t: float) -> Tensor:
    """Of exp(t x) over every output's window; which inputs are in it, the pool says: its output rises with them."""
    out, total = pool(x.detach()), torch.zeros((), dtype=x.dtype)
    for place in range(x[0].numel()):
        bumped = x.detach().clone()
        bumped.flatten(1)[:, place] += 1e6
        term = (pool(bumped) != out) * (t * x.detach().flatten(1)[:, place]).exp().view(-1, *[1] * (out.dim() - 1))
        total = total + term
    return total


@pytest.mark.parametrize("name", POOLS)
def test_against_explicit_windows(name: str) -> None:
    net, x, t = Net(POOLS[name]), points(), 0.7
    total = window_sum(net, x, t)
    expected = torch.zeros_like(x).flatten(1)
    for place in range(x[0].numel()):
        bumped = x.detach().clone()
        bumped.flatten(1)[:, place] += 1e6
        own = (t * x.detach().flatten(1)[:, place]).exp().view(-1, *[1] * (total.dim() - 1))
        expected[:, place] = ((net(bumped) != net(x.detach())) * own / total).flatten(1).sum(1)
    model = softpool(net, t)
    assert torch.equal(model(x), net(x))
    (found,) = torch.autograd.grad(model(x).sum(), x)
    assert torch.allclose(found, expected.view_as(x), rtol=1e-10)
    (alone,) = torch.autograd.grad(model(x[1:2]).sum(), x)
    assert torch.allclose(alone[1], found[1], rtol=1e-12)


def test_the_limits_are_max_and_average_pooling() -> None:
    x = points()
    for temperature, limit in ((1e9, F.max_pool2d), (1e-12, F.avg_pool2d)):
        (found,) = torch.autograd.grad(softpool(Net(nn.MaxPool2d(2)), temperature)(x).sum(), x)
        (expected,) = torch.autograd.grad(limit(x, 2).sum(), x)
        assert torch.allclose(found, expected, rtol=1e-9)


def test_large_values_do_not_overflow() -> None:
    x = (1e4 * points().detach()).float().requires_grad_()
    (found,) = torch.autograd.grad(softpool(Net(nn.MaxPool2d(3, 2, 1)), 10)(x).sum(), x)
    (expected,) = torch.autograd.grad(F.max_pool2d(x, 3, 2, 1).sum(), x)
    assert torch.equal(found, expected)


def test_what_it_refuses() -> None:
    with pytest.raises(SuiteError, match=r"the model has no max-pools \(it has 1 calls of rectifiers"):
        softpool(nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU(), nn.AvgPool2d(2)).double(), 1)(points())
    with pytest.raises(SuiteError, match="one or two dimensions, and the model calls"):
        softpool(nn.MaxPool3d(2), 1)(points())
    with pytest.raises(SuiteError, match=r"takes \(8, 6\) to \(3, 3\), by windows of several sizes"):
        softpool(nn.AdaptiveMaxPool2d(3), 1)(points())
    for temperature in (0, -1, float("nan"), True, "hot"):
        with pytest.raises(SuiteError, match=r"temperature=.* of softpool"):
            softpool(nn.MaxPool2d(2), temperature)


def test_bpa_is_silu_and_softpool() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 4))
    net, x = net.double(), points()
    both = compose(silu, partial(softpool, temperature=10))(net)
    (found,) = torch.autograd.grad(both(x).sum(), x)
    z = net[0](x)
    windows = F.relu(z).detach().unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    weights = torch.softmax(10 * windows, -1)
    g = (weights * net[4].weight.sum(0).view(3, 4, 3, 1)).view(3, 3, 4, 3, 2, 2).transpose(3, 4).reshape_as(z)
    s = torch.sigmoid(z.detach())
    (expected,) = torch.autograd.grad(z, x, g.detach() * s * (1 + z.detach() * (1 - s)))
    assert torch.allclose(found, expected, rtol=1e-10)


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # vmap over a window's backward pass
def test_around_the_model() -> None:
    net, x = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2)).double(), points()
    model = softpool(net, 2)
    (first,) = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
    assert torch.autograd.grad(first.square().sum(), net[0].weight)[0].abs().max() > 0
    mapped = torch.func.vmap(torch.func.grad(lambda p: model(p[None]).square().sum()))(x.detach())
    assert torch.allclose(mapped, first, rtol=1e-10)
    (both,) = torch.autograd.grad(softpool(linbp(net, "all"), 2)(x).sum(), x)
    (other,) = torch.autograd.grad(linbp(model, "all")(x).sum(), x)
    assert torch.equal(both, other)
