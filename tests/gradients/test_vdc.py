"""vdc against two backward passes with explicit hooks on a small transformer's maps and branches."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.models.vision_transformer import VisionTransformer

from suite.errors import SuiteError
from suite.gradients import compose, leaky, pna, sgm, vdc
from suite.gradients.residual import BLOCKS, Branch
from tests.gradients.test_attention import Attending, einsum
from tests.gradients.test_tgr import FORMS

FORM = "fused"


class Block(nn.Module):
    """Tokens (B, T, 6): attention of one head and an MLP, each behind a norm and beside a shortcut."""

    def __init__(self, attend: Callable[[Tensor, Tensor, Tensor], Tensor], width: int = 6) -> None:
        super().__init__()
        self.norm1, self.norm2, self.after = nn.LayerNorm(width), nn.LayerNorm(width), nn.Identity()
        self.attention = Attending(attend, width)
        self.mlp = nn.Sequential(nn.Linear(width, 8), nn.GELU(), nn.Linear(8, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.after(self.attention(self.norm1(x)))
        return x + self.mlp(self.norm2(x))


BLOCKS[f"{Block.__module__}.{Block.__qualname__}"] = lambda block: (Branch("norm1", "after"), Branch("norm2", "mlp"))


class Net(nn.Module):
    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(x).square().mean(1))


def net(name: str = FORM, count: int = 3) -> Net:
    torch.manual_seed(0)
    return Net(*(Block(FORMS[name]) for _ in range(count))).double().eval()


def tokens() -> Tensor:
    return torch.randn(3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


def by_hand(model: Net, x: Tensor, attention: float, mlp: float, weight: float, decay: float) -> Tensor:
    """Of the sum of the logits: maps and branches are kept, and get hooks for a second pass."""
    maps, branches = [], []
    for block in model.blocks:
        inner, seen = block.attention, block.norm1(x)
        maps.append(torch.softmax(inner.q(seen) @ inner.k(seen).mT / 6**0.5, -1))
        middle = x + seen + maps[-1] @ inner.v(seen)
        branches.append(middle.view_as(middle))
        x = middle + block.mlp(block.norm2(branches[-1]))
    logits = model.head(x.square().mean(1))
    *plain, last = torch.autograd.grad(logits.sum(), [*maps, *branches, x], retain_graph=True)
    first = x
    for kept, found, factor, total in (
        (maps, plain[:3], attention, torch.zeros(())),
        (branches, plain[3:], mlp, weight * decay * last),
    ):
        for k, (place, gradient) in enumerate(zip(reversed(kept), reversed(found), strict=True)):
            place.register_hook(lambda h, factor=factor, total=total: factor * h + total)  # type: ignore[misc]
            total = total + weight * decay**k * gradient
    return first, logits


def gradient_by_hand(model: Net, x: Tensor, **settings: float) -> Tensor:
    leaf = x.detach().requires_grad_()
    _, logits = by_hand(model, leaf, **settings)
    return torch.autograd.grad(logits.sum(), leaf)[0]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(
    "settings", [{}, {"attention": 0.7, "mlp": 0.9, "weight": 0.3, "decay": 0.8}], ids=["published", "others"]
)
def test_two_passes_by_hand(name: str, settings: dict[str, float]) -> None:
    model, x = net(name), tokens()
    changed = vdc(model, **settings)
    assert torch.equal(changed(x), model(x))
    (found,) = torch.autograd.grad(changed(x).sum(), x)
    asked = {"attention": 0.25, "mlp": 0.5, "weight": 0.1, "decay": 0.5} | settings
    assert torch.allclose(found, gradient_by_hand(model, x, **asked), rtol=1e-9, atol=1e-12)
    (alone,) = torch.autograd.grad(changed(x[1:2]).sum(), x)
    assert torch.allclose(alone[1], found[1], rtol=1e-9)
    (plain,) = torch.autograd.grad(model(x).sum(), x)
    assert not torch.allclose(found, plain, rtol=0.01)


def test_without_weight_and_with_factors_of_one_it_is_backpropagation() -> None:
    model, x = net(), tokens()
    changed = vdc(model, attention=1, mlp=1, weight=0)
    for _ in range(2):
        found, plain = (torch.autograd.grad(each(x).sum(), x)[0] for each in (changed, model))
        assert torch.allclose(found, plain, rtol=1e-9, atol=1e-12)
    out = changed(x).sum()  # twice through one graph
    first, second = (torch.autograd.grad(out, x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)
    with torch.no_grad():
        assert torch.equal(changed(x), model(x))


def test_weights_get_theirs_and_torchvisions_vit_is_recognised() -> None:
    torch.manual_seed(0)
    model = VisionTransformer(8, 4, 3, 2, 8, 16, num_classes=5).double().eval()
    nn.init.normal_(model.heads[0].weight)  # zeros at first
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    changed = vdc(model)
    assert torch.equal(changed(x), model(x))
    changed(x).sum().backward()
    found = [parameter.grad for parameter in model.parameters()]
    assert all(each is not None and bool(each.isfinite().all()) for each in found)
    model.zero_grad()
    model(x).sum().backward()
    early = model.conv_proj.weight.grad
    assert early is not None and not torch.allclose(early, found[1], rtol=0.01)


def test_with_rules_about_rectifiers_and_not_with_those_about_the_same() -> None:
    model, x = net(), tokens()
    both = compose(partial(leaky, slope=0.3), vdc)(model)
    found, alone = (torch.autograd.grad(each(x).sum(), x)[0] for each in (both, vdc(model)))
    assert torch.equal(both(x), model(x)) and not torch.allclose(found, alone, rtol=1e-3)
    (other,) = torch.autograd.grad(compose(vdc, partial(leaky, slope=0.3))(model)(x).sum(), x)
    assert torch.allclose(other, found, rtol=1e-9)
    with pytest.raises(SuiteError, match="both change the gradient of attention maps"):
        compose(pna, vdc)
    with pytest.raises(SuiteError, match="both change the gradient of residual branches"):
        compose(vdc, partial(sgm, lam=0.5))


class Checkpointed(Net):
    reentrant = False

    def forward(self, x: Tensor) -> Tensor:
        return self.head(checkpoint(self.blocks, x, use_reentrant=self.reentrant).square().mean(1))


def test_what_it_refuses(residual: nn.Module) -> None:
    with pytest.raises(SuiteError, match="residual blocks has two branches, as a transformer block has"):
        vdc(residual)
    with pytest.raises(SuiteError, match="the model attends by einsum"):
        vdc(Net(Block(einsum)))(torch.rand(2, 5, 6, requires_grad=True))
    for wrong in ({"attention": 0}, {"mlp": 1.5}, {"decay": float("nan")}, {"weight": -1}, {"weight": True}):
        with pytest.raises(SuiteError, match=r"=.* of vdc \(give a number"):
            vdc(net(), **wrong)
    x = tokens()
    with pytest.raises(SuiteError, match="cannot be differentiated twice"):
        torch.autograd.grad(vdc(net())(x).sum(), x, create_graph=True)
    with pytest.raises(SuiteError, match="'blocks' is called alone"):
        vdc(net()).blocks(x)


class Merging(nn.Module):
    """Two tokens become one."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, ::2] + x[:, 1::2]


def test_blocks_of_several_shapes_are_refused() -> None:
    model = Net(Block(FORMS[FORM]), Merging(), Block(FORMS[FORM])).double()
    x = torch.rand(2, 4, 6, dtype=torch.float64, requires_grad=True)
    with pytest.raises(SuiteError, match="blocks of one shape, and here they are 2x2, 4x4"):
        vdc(model)(x)


def test_gradient_checkpointing_changes_nothing_or_is_refused_by_name() -> None:
    model, x = net(), tokens()
    kept = Checkpointed(*model.blocks).double().eval()
    kept.head = model.head
    found, expected = (torch.autograd.grad(vdc(each)(x).sum(), x)[0] for each in (kept, model))
    assert torch.allclose(found, expected, rtol=1e-9)
    kept.reentrant = True  # runs a part again as a graph of its own
    with pytest.raises(SuiteError, match="leave gradient checkpointing out"):
        vdc(kept)(x).sum().backward()
