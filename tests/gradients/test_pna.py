"""pna: a constant attention map, against explicit products, however the model attends."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import VisionTransformer

from suite.errors import SuiteError
from suite.gradients import compose, gated, pna, tgr
from tests.gradients.test_attention import BY_HAND, Attending, MultiHead

FUSED = {"fused": F.scaled_dot_product_attention}


def tokens() -> Tensor:
    return torch.randn(3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


@pytest.mark.parametrize("name", [*BY_HAND, *FUSED])
def test_the_map_is_a_constant(name: str) -> None:
    """g + W_v^T A^T g, with A the map of the forward pass; queries and keys learn nothing."""
    torch.manual_seed(0)
    net, x = Attending({**BY_HAND, **FUSED}[name]).double(), tokens()
    model = pna(nn.Sequential(net))
    assert torch.equal(model(x), net(x))
    g = torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).expand(3, 5, 6)
    (found,) = torch.autograd.grad(model(x), x, g)
    attention = torch.softmax(net.q(x) @ net.k(x).mT / 6**0.5, -1).detach()
    assert torch.allclose(found, g + attention.mT @ g @ net.v.weight.detach(), rtol=1e-10)
    (alone,) = torch.autograd.grad(model(x[1:2]), x, g[1:2])
    assert torch.allclose(alone[1], found[1], rtol=1e-10)
    learned = torch.autograd.grad(model(x).sum(), [net.q.weight, net.k.weight, net.v.weight], allow_unused=True)
    assert learned[0] is None and learned[1] is None and learned[2] is not None


@pytest.mark.parametrize("weights", [False, True])
def test_torchs_module(weights: bool) -> None:
    torch.manual_seed(0)
    net, x = MultiHead(weights).double().eval(), tokens()
    module, model = net.attention, pna(net)
    assert torch.equal(model(x), net(x))
    (found,) = torch.autograd.grad(model(x).sum(), x)
    q, k, _ = F.linear(x, module.in_proj_weight, module.in_proj_bias).detach().chunk(3, -1)
    heads = [torch.softmax(a @ b.mT / 3**0.5, -1) for a, b in zip(q.split(3, -1), k.split(3, -1), strict=True)]
    g = torch.ones_like(x) @ module.out_proj.weight.detach()
    back = torch.cat([head.mT @ part for head, part in zip(heads, g.split(3, -1), strict=True)], -1)
    assert torch.allclose(found, 1 + back @ module.in_proj_weight[12:].detach(), rtol=1e-10)


def test_a_bias_within_the_softmax_is_constant_too() -> None:
    bias = nn.Parameter(torch.zeros(5, 5, dtype=torch.float64))
    net, x = Attending(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=bias)).double(), tokens()
    assert torch.autograd.grad(pna(net)(x).sum(), [bias, x], allow_unused=True)[0] is None


def test_a_model_that_does_not_attend_is_refused(residual: nn.Module, images: Tensor) -> None:
    with pytest.raises(SuiteError, match=r"the model has no attention \(it has 7 calls of rectifiers"):
        pna(residual)(images)
    with pytest.raises(SuiteError, match="the model has no attention"):
        pna(nn.Sequential(nn.Linear(6, 3), nn.Softmax(-1)).double())(tokens())


def test_around_the_model() -> None:
    torch.manual_seed(0)
    hand = Attending(BY_HAND["softmax and matmul"])  # torch's fused one is differentiable once
    net, x = nn.Sequential(hand, nn.Linear(6, 6), nn.ReLU()).double(), tokens()
    model = pna(net)
    (first,) = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
    assert torch.autograd.grad(first.square().sum(), x)[0].abs().max() > 0
    half = partial(gated, gate="half")
    (found,) = torch.autograd.grad(compose(pna, half)(net)(x).sum(), x)
    (expected,) = torch.autograd.grad(gated(model, "half")(x).sum(), x)
    assert torch.equal(found, expected)


def test_rules_about_attention_on_torchvisions_vit() -> None:
    torch.manual_seed(0)
    vit = VisionTransformer(8, 4, 2, 2, 8, 16, num_classes=3).eval()
    nn.init.normal_(vit.heads.head.weight)  # torchvision begins with zeros
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    gradients = []
    for model in (vit, pna(vit), tgr(vit)):
        assert torch.equal(model(x), vit(x))
        gradients.append(torch.autograd.grad(model(x).sum(), x)[0])
    assert len({str(each) for each in gradients}) == 3
