"""gated and linbp(stop=): every gate against explicit masks in float64, sample by sample."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import compose, gated, rectifier_calls, sgm
from suite.gradients.keyed import keys, uniform

Differentiate = Callable[[nn.Module, Tensor], Tensor]


class Masked(nn.Module):
    """Two convolutions whose rectifiers are products with masks of our own: autograd's word on what a gate does."""

    def __init__(self, net: nn.Sequential, gates: Callable[[Tensor, int], Tensor]) -> None:
        super().__init__()
        self.net, self.gates = net, gates

    def forward(self, x: Tensor) -> Tensor:
        for module in self.net:
            if isinstance(module, nn.ReLU):
                index = getattr(self, "index", 0)
                self.index = index + 1
                z = x
                x = z * self.gates((z > 0).double(), index).detach()
                x = x + (z.relu() - x).detach()
            else:
                x = module(x)
        del self.index
        return x


def convolutions() -> nn.Sequential:
    torch.manual_seed(0)
    last = [nn.Conv2d(4, 3, 3, padding=1), nn.Flatten(), nn.Linear(75, 4)]
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), *last[:1], nn.ReLU(inplace=True), *last[1:]).double()


def points(count: int = 4) -> Tensor:
    return torch.randn(count, 2, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()


def shuffled(m: Tensor, x: Tensor, index: int) -> Tensor:
    order = uniform(keys(x, 0), m[0, 0].numel(), index).argsort(1)
    rows = [[channel.flatten()[own] for channel in sample] for sample, own in zip(m, order, strict=True)]
    return torch.stack([torch.stack(row) for row in rows]).view_as(m)


def others(m: Tensor, x: Tensor) -> Tensor:
    order = keys(x, 0).argsort().tolist()
    partner = {mine: order[(place + 1) % len(order)] for place, mine in enumerate(order)}
    return torch.stack([m[partner[mine]] for mine in range(len(m))])


EXPECTED: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "linear": lambda m, x, index: torch.ones_like(m),
    "half": lambda m, x, index: (1 + m) / 2,
    "rate": lambda m, x, index: m.mean((2, 3), keepdim=True).expand_as(m),
    "permuted": lambda m, x, index: others(m, x),
    "shuffled": shuffled,
    "random": lambda m, x, index: (uniform(keys(x, 0), m[0].numel(), index) < 0.3).double().view(m.shape),
}


@pytest.mark.parametrize("gate", EXPECTED)
def test_against_explicit_masks(gate: str, gradient: Differentiate) -> None:
    net, x = convolutions(), points()
    p = 0.3 if gate == "random" else None
    model = gated(net, gate, p=p)
    assert torch.equal(model(x), net(x))
    explicit = Masked(net, lambda m, index: EXPECTED[gate](m, x, index))
    assert torch.allclose(gradient(model, x), gradient(explicit, x), rtol=1e-12, atol=1e-14)
    assert not torch.allclose(gradient(model, x), gradient(net, x), rtol=0.01)
    only_first = Masked(net, lambda m, index: EXPECTED[gate](m, x, index) if index == 0 else m)
    for place in ((0, 1), ("1", "3"), ("all", -1), (-2, "2")):
        found = gradient(gated(net, gate, place[0], place[1], p=p), x)
        assert torch.allclose(found, gradient(only_first, x), rtol=1e-12, atol=1e-14), place


@pytest.mark.parametrize("gate", ["linear", "half", "rate", "shuffled", "random"])
def test_a_sample_does_not_see_its_batch(gate: str, gradient: Differentiate) -> None:
    model, x = gated(convolutions(), gate, p=0.5 if gate == "random" else None), points()
    whole = gradient(model, x)
    for index in range(len(x)):
        assert torch.allclose(gradient(model, x[index : index + 1]), whole[index : index + 1], rtol=1e-10)


def test_permuted_takes_the_gates_of_another_sample_whatever_the_order(gradient: Differentiate) -> None:
    model, x = gated(convolutions(), "permuted"), points()
    order = torch.tensor([2, 0, 3, 1])
    assert torch.allclose(gradient(model, x[order]), gradient(model, x)[order], rtol=1e-10)
    twice = gradient(model, torch.cat([x, x[:2]]))
    assert torch.allclose(twice[4:], twice[:2], rtol=1e-10)  # equal samples share a partner, and are not their own
    assert torch.allclose(twice[:4], gradient(model, x), rtol=1e-10)
    for lonely in (x[:1], x[:1].expand(3, -1, -1, -1)):
        with pytest.raises(SuiteError, match="takes another sample's gates, and the batch has no other"):
            model(lonely)


def test_seeds_draw_anew_and_the_same_seed_the_same(gradient: Differentiate) -> None:
    net, x = convolutions(), points()
    for gate, p in (("shuffled", None), ("random", 0.5)):
        one, again, other = (gradient(gated(net, gate, p=p, seed=seed), x) for seed in (1, 1, 2))
        assert torch.equal(one, again) and not torch.allclose(one, other, rtol=0.01)


def test_draws_are_uniform_and_a_gate_is_shuffled_not_redrawn() -> None:
    drawn = uniform(keys(torch.rand(200, 3), 0), 100, 0)
    assert float(drawn.min()) >= 0 and float(drawn.max()) < 1
    assert abs(float(drawn.mean()) - 0.5) < 5 * (1 / 12 / 20_000) ** 0.5  # five standard errors
    assert abs(float(torch.corrcoef(drawn[:2])[0, 1])) < 0.5
    m = (torch.rand(2, 3, 4, 4) > 0.5).double()
    assert torch.equal(shuffled(m, torch.rand(2, 5), 0).sum((2, 3)), m.sum((2, 3)))


@pytest.mark.parametrize("function", [F.relu, F.relu6, lambda x: x.clamp(min=0), lambda x: F.leaky_relu(x, 0.2)])
def test_the_gate_is_autograds_on_the_corners_too(function: Callable[[Tensor], Tensor]) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return function(x * 1)

    x = torch.tensor([[-1.0, -0.0, 0.0, 3.0, 6.0, 7.0, torch.inf]], dtype=torch.float64, requires_grad=True)
    own, half = (torch.autograd.grad(model(x).sum(), x)[0] for model in (Net(), gated(Net(), "half")))
    low = 0.2 if float(own[0, 0]) else 0.0
    assert torch.allclose(half, low + (1 - low) * (1 + (own - low) / (1 - low)) / 2)


@pytest.mark.parametrize("start", ["layer1", 2])
def test_linbp_up_to_a_stop(residual: nn.Module, images: Tensor, gradient: Differentiate, start: str | int) -> None:
    """layer1 is calls 1 and 2: linear there, and what is before and behind as in backpropagation."""
    stop = "layer2" if start == "layer1" else 3
    first = next(call.index for call in rectifier_calls(residual, images) if call.path.startswith("layer1"))
    expected = gradient(gated(residual, "linear", first if start == "layer1" else 2, 3), images)
    found = gradient(linbp(residual, start, stop=stop), images)
    assert torch.equal(found, expected)
    assert not torch.allclose(found, gradient(linbp(residual, start), images), rtol=0.01)
    assert torch.equal(linbp(residual, start, stop=stop)(images), residual(images))
    behind = linbp(linbp(residual, start, stop=stop), stop)  # what is left out, added
    assert torch.equal(gradient(behind, images), gradient(linbp(residual, start), images))


def test_a_stop_under_checkpoints(gradient: Differentiate) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.checkpointed = convolutions(), False

        def forward(self, x: Tensor) -> Tensor:
            x = self.net[1](self.net[0](x))
            behind = lambda z: self.net[3](self.net[2](z))  # noqa: E731
            return self.net[4](checkpoint(behind, x, use_reentrant=False) if self.checkpointed else behind(x))

    net, x = Net(), points()
    for place in ((0, 1), ("net.1", "net.3"), (1, 2)):
        net.checkpointed = False
        expected = gradient(linbp(net, place[0], stop=place[1]), x)
        net.checkpointed = True
        assert torch.allclose(gradient(linbp(net, place[0], stop=place[1]), x), expected, rtol=1e-12), place


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"stop": "layer9"}, "no module 'layer9'"),
        ({"start": "layer2", "stop": "layer1"}, r"no rectifier lies between start='layer2' and stop='layer1'"),
        ({"start": 2, "stop": 2}, "no rectifier lies between start=2 and stop=2"),
        ({"start": 2, "stop": 9}, "stop=9 is out of range: the model calls 7 rectifiers"),
        ({"start": 0, "stop": -9}, "stop=-9 is out of range"),
        ({"stop": True}, "stop=True names no place"),
        ({"variant": "guo", "stop": 3}, "stop is an argument of linbp"),
    ],
)
def test_stops_that_make_no_sense(residual: nn.Module, images: Tensor, arguments: dict[str, str], why: str) -> None:
    with pytest.raises(SuiteError, match=why):
        linbp(residual, **{"start": "all", **arguments})(images)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"gate": "open"}, "gate=open of gated"),
        ({"gate": "random"}, "p=None of gated"),
        ({"gate": "random", "p": 1.5}, "p=1.5 of gated"),
        ({"gate": "half", "p": 0.5}, "not of gate=half"),
        ({"gate": "half", "seed": 0.5}, "seed=0.5 of gated"),
    ],
)
def test_gates_that_make_no_sense(residual: nn.Module, arguments: dict[str, str], why: str) -> None:
    with pytest.raises(SuiteError, match=why):
        gated(residual, **arguments)


def test_gates_of_nothing_are_refused() -> None:
    flat = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    for gate in ("rate", "shuffled"):
        with pytest.raises(SuiteError, match=rf"gate={gate} is about the positions of a channel"):
            gated(flat, gate)(torch.rand(2, 3))
    with pytest.raises(SuiteError, match="the model calls gelu"):
        gated(nn.Sequential(nn.Linear(3, 3), nn.GELU()), "half")(torch.rand(2, 3))


def test_around_the_model(gradient: Differentiate) -> None:
    """Double backward, and functional transforms where no draws are made."""
    net, x = convolutions(), points()
    for gate in ("rate", "shuffled", "permuted"):
        (first,) = torch.autograd.grad(gated(net, gate)(x).sum(), x, create_graph=True)
        assert torch.autograd.grad(first.square().sum(), net[0].weight)[0].abs().max() > 0
    model = gated(net, "rate")
    (whole,) = torch.autograd.grad(model(x).sum(), x)
    mapped = torch.func.vmap(torch.func.grad(lambda p: model(p[None]).sum()))(x.detach())
    assert torch.allclose(mapped, whole, rtol=1e-10)


def test_a_gate_and_a_branch_factor(residual: nn.Module, images: Tensor, gradient: Differentiate) -> None:
    both = compose(partial(gated, gate="half", start="layer2"), partial(sgm, lam=0.5))(residual)
    assert torch.equal(gradient(both, images), gradient(sgm(gated(residual, "half", "layer2"), 0.5), images))
