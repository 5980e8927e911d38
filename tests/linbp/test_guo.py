"""Guo et al.'s variant against explicit Jacobians, sample by sample, and its invariants."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import jacrev
from torch.utils.checkpoint import checkpoint
from torchvision.models.resnet import BasicBlock, Bottleneck

from modules.linbp import guo, linbp
from modules.linbp.guo import Passage
from suite.errors import SuiteError
from suite.gradients import sgm
from suite.gradients.residual import BLOCKS as RECOGNISED
from suite.gradients.residual import Branch
from suite.models import ZOO
from suite.models.cifar_resnet import Block
from suite.models.preact_resnet import PreActBlock
from suite.models.wide_resnet import WideBlock

Function = Callable[[Tensor], Tensor]


def torchvision_block(kind: Any, channels_in: int, channels_out: int, stride: int) -> nn.Module:
    planes, down = channels_out // kind.expansion, None
    if stride != 1 or channels_in != channels_out:
        down = nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out))
    return kind(channels_in, planes, stride, down)


BLOCKS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "cifar": Block,
    "basic": lambda *sizes: torchvision_block(BasicBlock, *sizes),
    "bottleneck": lambda *sizes: torchvision_block(Bottleneck, *sizes),
    "preact": PreActBlock,
    "wide": WideBlock,
}


def segments(block: Any) -> tuple[list[Function], list[Function], Function | None, bool]:
    """What a block computes, for the explicit formula.

    The layers before the fork; the branch's, rectifiers between them; the shortcut from the fork (None: the identity);
    whether a rectifier follows the addition.
    """
    if isinstance(block, PreActBlock | WideBlock):
        projection = block.shortcut if isinstance(block, PreActBlock) else block.convShortcut
        rest = [lambda z: block.bn2(block.conv1(z)), block.conv2]
        return ([], [block.bn1, *rest], None, False) if projection is None else ([block.bn1], rest, projection, False)
    layers: list[Function] = [lambda z: block.bn1(block.conv1(z)), lambda z: block.bn2(block.conv2(z))]
    if isinstance(block, Bottleneck):
        layers.append(lambda z: block.bn3(block.conv3(z)))
    if isinstance(block, Block) and block.padding:
        return [], layers, lambda z: padded(block, z), True
    return [], layers, getattr(block, "downsample", None), True


def padded(block: Block, z: Tensor) -> Tensor:
    out = z[:, :, :: block.stride, :: block.stride]
    zeros = torch.zeros_like(out)[:, : block.padding]
    return torch.cat([zeros, out, zeros], 1)


class Net(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        make = BLOCKS[kind]
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.blocks = nn.Sequential(make(4, 4, 1), make(4, 8, 2), make(8, 8, 1))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(torch.relu(self.stem(x))).mean((2, 3)))


def made(kind: str) -> Net:
    torch.manual_seed(0)
    net = Net(kind).double()
    net(torch.rand(16, 2, 4, 4, dtype=torch.float64))  # batch norms that have seen data
    return net.eval()


def images(n: int = 3) -> Tensor:
    x = torch.rand(n, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return x.requires_grad_()


def cotangents(n: int = 3) -> Tensor:
    return torch.randn(n, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def gradient(model: nn.Module, x: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(model(x), x, cotangents(len(x)))
    return found


def jacobian(function: Function, z: Tensor) -> Tensor:
    """d f(z) / dz of one sample as a matrix."""
    size = function(z[None]).numel()
    found: Tensor = jacrev(lambda point: function(point[None])[0])(z)
    return found.reshape(size, z.numel())


def relu_then(function: Function) -> Function:
    return lambda z: function(torch.relu(z))


def block_backward(block: Any, z: Tensor, g: Tensor, lam: float | None) -> Tensor:
    """The gradient of one block's input by matrix products; lam None: true derivatives everywhere."""
    before, layers, shortcut, rectified = segments(block)
    if rectified:
        g = g * (block(z[None].clone())[0].flatten() > 0)
    fork = z
    for layer in before:  # preactivation with a projection: the fork is behind the first rectifier
        fork = torch.relu(layer(fork[None])[0])
    preactive = isinstance(block, PreActBlock | WideBlock) and not before
    linear, true, value = torch.eye(fork.numel(), dtype=z.dtype), torch.eye(fork.numel(), dtype=z.dtype), fork
    for index, layer in enumerate(layers):
        if index:  # a rectifier between two layers of the branch
            true = (value.flatten() > 0).double()[:, None] * true
            value = torch.relu(value)
        linear, true = (jacobian(layer, value) @ matrix for matrix in (linear, true))
        value = layer(value[None])[0]
    assert len(layers) == (3 if preactive or isinstance(block, Bottleneck) else 2)
    through_shortcut = g if shortcut is None else g @ jacobian(shortcut, fork)
    through_branch = b = g @ true
    if lam is not None:
        through_branch = lam * b.norm() / (g @ linear).norm() * (g @ linear)
    total = through_shortcut + through_branch
    for layer in before:
        total = total @ jacobian(lambda point, layer=layer: torch.relu(layer(point)), z)
    return total


def by_formula(net: Net, image: Tensor, cotangent: Tensor, first: int, lam: float) -> Tensor:
    stem: Function = lambda point: torch.relu(net.stem(point))  # noqa: E731
    inputs = [stem(image[None])[0]]
    for block in net.blocks:
        inputs.append(block(inputs[-1][None].clone())[0])
    g = cotangent @ jacobian(lambda z: net.head(z.mean((2, 3))), inputs[-1])
    for index in (2, 1, 0):
        g = block_backward(net.blocks[index], inputs[index], g, lam if index >= first else None)
    return (g @ jacobian(stem, image)).view_as(image)


@pytest.mark.parametrize("lam", [1, 0.3])
@pytest.mark.parametrize(("start", "first"), [("all", 0), ("blocks.1", 1), ("blocks.2", 2)])
@pytest.mark.parametrize("kind", BLOCKS)
@torch.no_grad()
def test_gradient_is_the_papers_formula(kind: str, start: str, first: int, lam: float) -> None:
    net, x = made(kind), images()
    with torch.enable_grad():
        model = linbp(net, start, variant="guo", lam=lam)
        assert torch.equal(model(x), net(x))
        ours = gradient(model, x)
    for image, cotangent, found in zip(x, cotangents(), ours, strict=True):
        assert torch.allclose(by_formula(net, image.detach(), cotangent, first, lam), found, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("kind", BLOCKS)
def test_samples_do_not_touch_each_other(kind: str) -> None:
    model, x = linbp(made(kind), "all", variant="guo"), images(4)
    whole = gradient(model, x)
    for index in range(4):
        alone = x.detach()[index : index + 1].requires_grad_()
        (found,) = torch.autograd.grad(model(alone), alone, cotangents(4)[index : index + 1])
        assert torch.allclose(found[0], whole[index], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("kind", BLOCKS)
def test_each_branch_passes_back_lam_times_the_true_length(kind: str) -> None:
    """The length of a single block's branch gradient, found as the difference from the shortcut's."""
    net = made(kind)
    block = nn.Sequential(net.blocks[0])
    z = torch.randn(3, 4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()

    def passed(model: nn.Module) -> Tensor:
        (found,) = torch.autograd.grad(model(z * 1).sum(), z)
        return found

    shortcut = passed(sgm(block, 1e-300))
    true = guo.lengths(passed(block) - shortcut)
    for lam in (1, 0.25):
        branch = passed(linbp(block, "all", variant="guo", lam=lam)) - shortcut
        assert torch.allclose(guo.lengths(branch), lam * true, rtol=1e-10)
    assert not torch.allclose(branch / 0.25, passed(block) - shortcut)  # as long, and in another direction


def test_without_masks_there_is_nothing_to_change() -> None:
    """Branches whose pre-activations are all positive are linear already: with lam = 1 it is backpropagation."""
    net = made("cifar")
    for block in net.blocks:
        block.bn1.bias.data.fill_(100)
    x = images()
    assert torch.allclose(gradient(linbp(net, "all", variant="guo"), x), gradient(net, x), rtol=1e-12)
    skipping = gradient(sgm(net, 0.5), x)
    assert torch.allclose(gradient(linbp(net, "all", variant="guo", lam=0.5), x), skipping, rtol=1e-12)


def test_it_is_homogeneous_in_the_cotangent() -> None:
    """Both lengths scale with g: so does the result, also by factors that single precision cannot square."""
    net, x = made("basic"), images()
    model = linbp(net, "all", variant="guo")
    (found,) = torch.autograd.grad(model(x), x, 1e-100 * cotangents())
    assert torch.allclose(found * 1e100, gradient(model, x), rtol=1e-12)
    net.float()
    single = x.detach().float().requires_grad_()
    small, whole = (
        torch.autograd.grad(model(single), single, scale * cotangents().float())[0] for scale in (1e-25, 1.0)
    )
    assert torch.allclose(small * 1e25, whole, rtol=1e-3, atol=1e-5 * float(whole.abs().max()))


def test_a_gradient_of_zero_stays_zero() -> None:
    zeros = guo.rescaled(torch.zeros(2, 3), torch.tensor([1.0, 0.0]), 1)
    assert torch.equal(zeros, torch.zeros(2, 3))
    net, x = made("basic"), images()
    (found,) = torch.autograd.grad(linbp(net, "all", variant="guo")(x), x, torch.zeros(3, 5, dtype=torch.float64))
    assert torch.equal(found, torch.zeros_like(x))


def test_weight_gradients_are_those_of_linear_branches() -> None:
    """Of the last block: behind the inner rectifier the true ones, before it those without its mask (Eq. 8)."""
    net, x = made("cifar"), images()
    model, last = linbp(net, "blocks.2", variant="guo"), net.blocks[2]
    weights = [last.conv2.weight, last.conv1.weight]
    ours = torch.autograd.grad(model(x), [x, *weights], cotangents())
    assert torch.equal(ours[0], gradient(model, x))
    z = net.blocks[:2](torch.relu(net.stem(x)))
    inner = last.bn1(last.conv1(z))
    inner = inner + (inner.relu() - inner).detach()
    out = net.head(torch.relu(last.bn2(last.conv2(inner)) + z).mean((2, 3)))
    for found, expected in zip(ours[1:], torch.autograd.grad(out, weights, cotangents()), strict=True):
        assert torch.allclose(found, expected, rtol=1e-10, atol=1e-14)


def test_frozen_inputs_leave_weight_gradients() -> None:
    net = made("cifar")
    model = linbp(net, "all", variant="guo")
    net.stem.requires_grad_(False)
    model(images().detach()).sum().backward()
    assert all(parameter.grad is not None for parameter in net.blocks.parameters())


def test_a_graph_may_be_used_again_and_is_freed_after() -> None:
    net, x = made("bottleneck"), images()
    model = linbp(net, "all", variant="guo")
    out = model(x)
    first = torch.autograd.grad(out, x, cotangents(), retain_graph=True)[0]
    other = torch.autograd.grad(out, x, torch.ones(3, 5, dtype=torch.float64), retain_graph=True)[0]
    assert torch.equal(torch.autograd.grad(out, x, cotangents())[0], first) and not torch.allclose(first, other)
    assert torch.equal(first, gradient(model, x))
    with pytest.raises(RuntimeError, match="second time"):
        out.sum().backward()


def test_nothing_of_a_graph_outlives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passages of a graph are let go with it, without the garbage collector's help."""
    alive: weakref.WeakSet[guo.Passage] = weakref.WeakSet()

    class Watched(guo.Passage):
        def __init__(self, lam: float) -> None:
            super().__init__(lam)
            alive.add(self)

    monkeypatch.setattr(guo, "Passage", Watched)
    model, x = linbp(made("cifar"), "all", variant="guo"), images()
    gc.disable()
    try:
        for use in (True, False):
            out = model(x)
            assert len(alive) == 3
            if use:
                out.sum().backward()
            del out
            assert len(alive) == 0
    finally:
        gc.enable()


def test_it_is_differentiable_once() -> None:
    x = images()
    with pytest.raises(SuiteError, match="cannot be differentiated twice"):
        torch.autograd.grad(linbp(made("cifar"), "all", variant="guo")(x).sum(), x, create_graph=True)


def test_a_backward_pass_from_within_a_branch_is_refused() -> None:
    net, x, kept = made("cifar"), images(), []
    net.blocks[1].conv2.register_forward_hook(lambda module, inputs, output: kept.append(output))
    linbp(net, "all", variant="guo")(x)
    with pytest.raises(SuiteError, match="began inside a residual branch"):
        kept[0].sum().backward()


def test_an_in_place_operation_may_follow_a_rectifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of the user's own, linear but for ReLU6 in its branch: l = W2 W1 g, b the same with the mask between."""

    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(5, 5), nn.Linear(5, 5)

        def forward(self, x: Tensor) -> Tensor:
            inner = nn.functional.relu6(self.first(x))
            inner += 1
            out = self.second(inner)
            out += x
            return out

    monkeypatch.setitem(RECOGNISED, f"{Mine.__module__}.{Mine.__qualname__}", lambda block: Branch("first", "second"))
    torch.manual_seed(0)
    mine, x, g = Mine().double(), torch.randn(3, 5, dtype=torch.float64, requires_grad=True), cotangents()
    model = linbp(nn.Sequential(mine), "all", variant="guo")
    assert torch.equal(model(x), mine(x))
    (found,) = torch.autograd.grad(model(x), x, g)
    first, second = mine.first.weight.detach(), mine.second.weight.detach()
    mask = (mine.first(x) > 0) & (mine.first(x) < 6)
    true, linear = (g @ second * mask) @ first, g @ second @ first
    assert torch.allclose(found, g + (true.norm(dim=1) / linear.norm(dim=1))[:, None] * linear, rtol=1e-12)


def test_a_compiled_model_runs_as_it_is() -> None:
    torch.compiler.reset()
    model, x = linbp(made("cifar"), "all", variant="guo"), images()
    assert torch.equal(gradient(torch.compile(model, backend="aot_eager"), x), gradient(model, x))


def test_checkpointed_blocks() -> None:
    class Checkpointed(Net):
        saving = False

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(self.stem(x))
            for block in self.blocks:
                x = checkpoint(block, x, use_reentrant=False) if self.saving else block(x)
            return self.head(x.mean((2, 3)))

    torch.manual_seed(0)
    net, x = Checkpointed("cifar").double().eval(), images()
    model = linbp(net, "blocks.1", variant="guo")
    expected = gradient(model, x)
    net.saving = True
    model = linbp(net, "blocks.1", variant="guo")
    assert torch.equal(gradient(model, x), expected)


@pytest.mark.parametrize(
    ("start", "blocks"),
    [("all", 9), (0, 9), (1, 9), (2, 8), ("layer2", 6), ("layer3.1", 2), (-2, 1), ("layer3.2.bn1", 0)],
)
def test_starts_choose_the_blocks_from_there_on(start: str | int, blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """ResNet-20: a stem rectifier, then two in each of 9 blocks; the second of these is behind the addition."""
    opened: list[float] = []
    monkeypatch.setattr(guo, "Passage", lambda lam: opened.append(lam) or Passage(lam))
    torch.manual_seed(0)
    model, x = linbp(ZOO["resnet20"].build(3, 32, 10).eval(), start, variant="guo", lam=0.5), torch.rand(1, 3, 32, 32)
    if blocks == 0:
        with pytest.raises(SuiteError, match=r"no rectifier in a residual branch follows start='layer3.2.bn1'"):
            model(x)
    else:
        model(x)
    assert opened == [0.5] * blocks


@pytest.mark.parametrize("name", ["resnet20", "resnet50", "preactresnet18", "wrn34", "mobilenetv2"])
def test_the_zoo_in_both_modes(name: str) -> None:
    torch.manual_seed(0)
    net = ZOO[name].build(3, 32, 10, **({"width": 1} if name == "wrn34" else {}))
    x = torch.rand(2, 3, 32, 32, requires_grad=True)
    start = "all" if name in ("wrn34", "mobilenetv2") else ZOO[name].linbp_start
    model = linbp(net, start, variant="guo")
    for training in (True, False):
        net.train(training)
        torch.manual_seed(1)
        ours = model(x)
        torch.manual_seed(1)
        assert torch.equal(ours, net(x))
    found, plain, linear = (torch.autograd.grad(m(x).sum(), x)[0] for m in (model, net, linbp(net, start)))
    assert bool(found.isfinite().all())
    for other in (plain, linear):
        assert float((found - other).norm() / other.norm()) > 0.05


def test_what_is_refused_says_what_would_be_right() -> None:
    net = made("cifar")
    with torch.device("meta"):
        vgg = ZOO["vgg16"].build(3, 32, 10)
    with pytest.raises(SuiteError, match=r"variant=gou of linbp \(did you mean guo"):
        linbp(net, "all", variant="gou")
    with pytest.raises(SuiteError, match=r"lam is an argument of linbp\(variant=guo\) \(write linbp\+sgm"):
        linbp(net, "all", lam=1)
    with pytest.raises(SuiteError, match=r"lam=2 of linbp"):
        linbp(net, "all", variant="guo", lam=2)
    with pytest.raises(SuiteError, match=r"no module 'block.1' \(did you mean blocks.1"):
        linbp(net, "block.1", variant="guo")
    with pytest.raises(
        SuiteError, match=r"guo: the model has no residual .*rule is variant=li; recognised .*BasicBlock"
    ):
        linbp(vgg, "all", variant="guo")
    with pytest.raises(SuiteError, match="no rectifier follows start='head'"):
        linbp(net, "head", variant="guo")(images())
