"""tgr against gradients that are taken apart and put together by hand."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops.misc import MLP

from suite.errors import SuiteError
from suite.gradients import tgr
from suite.gradients.attenuation import Spreads
from tests.gradients.test_attention import Attending, dropped, einsum, softmax_matmul

FORMS = {"fused": F.scaled_dot_product_attention, "by hand": softmax_matmul, "by hand, by bmm": dropped}


class Block(nn.Module):
    """Tokens (B, T, 6): one head of attention, an MLP, both with a shortcut, the mean of the tokens."""

    def __init__(self, attend: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.attention, self.mlp, self.head = (
            Attending(attend),
            MLP(6, [8, 6], activation_layer=nn.GELU),
            nn.Linear(6, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(x)
        return self.head((x + self.mlp(x)).square().mean(1))


def block(name: str) -> Block:
    torch.manual_seed(0)
    return Block(FORMS[name]).double().eval()


def tokens() -> Tensor:
    return torch.randn(3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


def without_extremes(g: Tensor, factor: float) -> Tensor:
    """One sample's (T, D): in each channel the largest and the smallest token are 0."""
    g = g.clone() * factor
    for channel in range(g.shape[1]):
        for place in (g[:, channel].argmax(), g[:, channel].argmin()):
            g[place, channel] = torch.nan
    return g.nan_to_num(0)


def without_cross(g: Tensor, factor: float) -> Tensor:
    """One sample's (T, S)."""
    kept = g.clone() * factor
    for place in (int(g.argmax()), int(g.argmin())):
        row, column = divmod(place, g.shape[1])
        kept[row, :] = 0
        kept[:, column] = 0
    return kept


def by_hand(net: Block, x: Tensor) -> Tensor:
    """Of one sample (T, 6) of the sum of the logits, backwards step by step."""
    attention = net.attention
    x = x.detach().requires_grad_()
    q, k, v = (layer(x).detach().requires_grad_() for layer in (attention.q, attention.k, attention.v))
    weights = torch.softmax(q @ k.mT / 6**0.5, -1)
    middle = (x + weights @ v).detach().requires_grad_()
    out = net.mlp(middle[None])[0]
    total = (middle + out).detach().requires_grad_()
    (g,) = torch.autograd.grad(net.head(total.square().mean(0)).sum(), total)
    (through_mlp,) = torch.autograd.grad(out, middle, without_extremes(g, 0.5))
    g = g + through_mlp
    back_map = without_cross(g @ v.detach().mT, 0.25)
    back_q, back_k = torch.autograd.grad(weights, [q, k], back_map)
    back = [without_extremes(each, 0.75) for each in (back_q, back_k, weights.detach().mT @ g)]
    layers = (attention.q, attention.k, attention.v)
    return (
        g + sum((each @ layer.weight for each, layer in zip(back, layers, strict=True)), torch.zeros_like(g)).detach()
    )


@pytest.mark.parametrize("name", FORMS)
def test_step_by_step_for_every_sample_by_itself(name: str) -> None:
    net, x = block(name), tokens()
    model = tgr(net)
    assert torch.equal(model(x), net(x))
    (found,) = torch.autograd.grad(model(x).sum(), x)
    assert torch.allclose(found, torch.stack([by_hand(net, each) for each in x]), rtol=1e-9, atol=1e-12)
    (alone,) = torch.autograd.grad(model(x[1:2]).sum(), x)
    assert torch.allclose(alone[1], found[1], rtol=1e-10)


class Deep(nn.Module):
    """Two such blocks."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.first, self.second = block(name), block(name)

    def body(self, net: Block, x: Tensor) -> Tensor:
        x = net.attention(x)
        return x + net.mlp(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.second.head(self.body(self.second, self.body(self.first, x)).square().mean(1))


def share(g: Tensor, behind: Tensor | None) -> Tensor | float:
    return 0.5 if behind is None else (0.5 + 0.01 * (1 - (g.var() / behind.var()).sqrt())).clamp(0, 1)


def tuned(g: Tensor, factor: float, behind: Tensor | None) -> Tensor:
    """One sample's (T, D): in each channel the largest and the smallest token keep a share."""
    scaled = g * factor
    kept = scaled.clone()
    for channel in range(g.shape[1]):
        for place in (int(g[:, channel].argmax()), int(g[:, channel].argmin())):
            kept[place, channel] *= share(scaled, behind)
    return kept


def tuned_cross(g: Tensor, factor: float, behind: Tensor | None) -> Tensor:
    """One sample's (T, S): rows and columns of the extremes keep a share, each by itself."""
    scaled = g * factor
    kept = scaled.clone()
    for place in (int(g.argmax()), int(g.argmin())):
        row, column = divmod(place, g.shape[1])
        kept[row, :] *= share(scaled, behind)
        kept[:, column] *= share(scaled, behind)
    return kept


def tuned_by_hand(net: Deep, x: Tensor) -> Tensor:
    """As `by_hand`, block after block from the last; each gradient that is passed on is the next one's yardstick."""
    kept = []
    for each in (net.first, net.second):
        x = x.detach().requires_grad_()
        attention = each.attention
        q, k, v = (layer(x).detach().requires_grad_() for layer in (attention.q, attention.k, attention.v))
        weights = torch.softmax(q @ k.mT / 6**0.5, -1)
        middle = (x + weights @ v).detach().requires_grad_()
        out = each.mlp(middle[None])[0]
        kept.append((attention, q, k, v, weights, middle, out))
        x = (middle + out).detach()
    x.requires_grad_()
    (g,) = torch.autograd.grad(net.second.head(x.square().mean(0)).sum(), x)
    behind: dict[str, Tensor] = {}
    for attention, q, k, v, weights, middle, out in reversed(kept):
        behind["mlp"] = tuned(g, 0.5, behind.get("mlp"))
        g = g + torch.autograd.grad(out, middle, behind["mlp"])[0]
        behind["map"] = tuned_cross(g @ v.detach().mT, 0.25, behind.get("map"))
        back = dict(zip("qk", torch.autograd.grad(weights, [q, k], behind["map"], retain_graph=True), strict=True))
        back["v"] = weights.detach().mT @ g
        for name, layer in (("q", attention.q), ("k", attention.k), ("v", attention.v)):
            behind[name] = tuned(back[name], 0.75, behind.get(name))
            g = g + (behind[name] @ layer.weight).detach()
    return g


@pytest.mark.parametrize("name", FORMS)
def test_adaptive_extremes_step_by_step_for_every_sample_by_itself(name: str) -> None:
    net, x = Deep(name).double().eval(), tokens()
    with torch.no_grad():  # blocks that differ, so that spreads do
        net.second.mlp[0].weight.mul_(3)
    model = tgr(net, extremes="adaptive")
    assert torch.equal(model(x), net(x))
    out = model(x).sum()
    first, again = (torch.autograd.grad(out, x, retain_graph=True)[0] for _ in range(2))
    assert torch.allclose(first, torch.stack([tuned_by_hand(net, each) for each in x]), rtol=1e-9, atol=1e-12)
    assert torch.equal(first, again)
    (alone,) = torch.autograd.grad(model(x[1:2]).sum(), x)
    assert torch.allclose(alone[1], first[1], rtol=1e-10)
    (zeroed,) = torch.autograd.grad(tgr(net)(x).sum(), x)
    assert not torch.allclose(first, zeroed, rtol=0.01)


def test_factors_and_mlps_may_be_chosen() -> None:
    net, x = block("fused"), tokens()
    plain = {name: torch.autograd.grad(tgr(net, **{name: 0.1})(x).sum(), x)[0] for name in ("attention", "qkv", "mlp")}
    assert len({str(each) for each in plain.values()}) == 3
    (left,) = torch.autograd.grad(tgr(net, mlp="none")(x).sum(), x)
    assert not torch.allclose(left, plain["mlp"], rtol=0.01)


def test_what_it_refuses(residual: nn.Module) -> None:
    with pytest.raises(SuiteError, match=r"no MLP of tokens that is recognised \(recognised are .*mlp=none"):
        tgr(residual)
    with pytest.raises(SuiteError, match="the model has no attention"):
        tgr(residual, mlp="none")(torch.rand(2, 2, 6, 6, dtype=torch.float64))
    with pytest.raises(SuiteError, match="the model attends by einsum"):
        tgr(nn.Sequential(Attending(einsum)), mlp="none")(torch.rand(2, 5, 6, requires_grad=True))
    for wrong in ({"attention": 0}, {"qkv": 1.5}, {"mlp": "some"}, {"mlp": float("nan")}, {"qkv": True}):
        with pytest.raises(SuiteError, match=r"=.* of tgr \(give a number in"):
            tgr(block("fused"), **wrong)
    with pytest.raises(SuiteError, match=r"extremes=adaptiv of tgr .did you mean adaptive"):
        tgr(block("fused"), extremes="adaptiv")


def test_adaptive_extremes_of_blocks_with_rows_of_their_own_are_refused() -> None:
    spreads = Spreads()
    here, behind = spreads.place(), spreads.place()
    behind.passed_on(torch.rand(2, 5, 6))  # two samples; a stage of windows has several rows a sample
    with pytest.raises(SuiteError, match="extremes=zero"):
        here.kept(torch.rand(8, 5, 6))
