"""sgm against explicit Jacobians of branches and shortcuts (Wu et al. 2020)."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import jacrev
from torchvision import models

from suite.errors import SuiteError
from suite.gradients import sgm
from suite.gradients.residual import BLOCKS, Branch, branches
from suite.models import ZOO
from suite.models.cifar_resnet import Block

Differentiate = Callable[[nn.Module, Tensor], Tensor]


def jacobian(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """d f(z) / dz of one sample as a matrix."""
    out = function(z[None])
    found: Tensor = jacrev(lambda point: function(point[None])[0])(z)
    return found.reshape(out.numel(), z.numel())


def branch(block: Block, z: Tensor) -> Tensor:
    return block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(z)))))


def shortcut(block: Block, z: Tensor) -> Tensor:
    added: Tensor = block(z * 1)
    if block.stride == 1:
        return z
    assert block.padding
    padded = torch.zeros_like(added)
    padded[:, block.padding : -block.padding] = z[:, :, ::2, ::2]
    return padded


@pytest.mark.parametrize("lam", [0.2, 1])
def test_gradient_is_the_product_of_shortcut_plus_lam_branch(
    residual: nn.Module, images: Tensor, gradient: Differentiate, lam: float
) -> None:
    """g -> (ds/dz)^T g + lam (df/dz)^T g behind the mask of the rectifier after the addition, block by block."""
    cotangent = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    blocks = [*residual.layer1, *residual.layer2]
    found = gradient(sgm(residual, lam), images)
    for image, ours in zip(images.detach(), found, strict=True):
        inputs = [residual.stem(image[None])[0].detach()]
        for block in blocks:
            inputs.append(block(inputs[-1][None])[0].detach())
        g = cotangent @ jacobian(lambda z: residual.head(z.mean((2, 3))), inputs[-1])
        for block, z, out in zip(reversed(blocks), reversed(inputs[:-1]), reversed(inputs[1:]), strict=True):
            g = g * (out.flatten() > 0)
            through_shortcut = g @ jacobian(lambda z, block=block: shortcut(block, z), z)
            g = through_shortcut + lam * (g @ jacobian(lambda z, block=block: branch(block, z), z))
        assert torch.allclose((g @ jacobian(residual.stem, image)).view_as(image), ours, rtol=1e-10, atol=1e-13)


def test_one_is_backpropagation_and_the_forward_pass_is_the_same(
    residual: nn.Module, images: Tensor, gradient: Differentiate
) -> None:
    assert torch.equal(gradient(sgm(residual, 1), images), gradient(residual, images))
    assert torch.equal(sgm(residual, 0.3)(images), residual(images))
    assert not torch.allclose(gradient(sgm(residual, 0.3), images), gradient(residual, images), rtol=0.01)


def test_the_factor_of_one_block_is_affine(residual: nn.Module, images: Tensor, gradient: Differentiate) -> None:
    """With a single block, the gradient is (1 - lam) times the shortcut's plus lam times the whole."""
    one = nn.Sequential(residual.stem, residual.layer1, nn.Flatten())
    low, middle, high = (gradient(sgm(one, lam), images) for lam in (0.25, 0.5, 1))
    assert torch.allclose(middle, low + (high - low) / 3, rtol=1e-12)


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (lambda: ZOO["resnet20"].build(3, 32, 10), 9),
        (lambda: ZOO["resnet50"].build(3, 32, 10), 16),
        (lambda: models.resnet18(), 8),
        (lambda: ZOO["mobilenetv2"].build(3, 32, 10), 10),  # of 17 blocks, those of stride 1 that keep their width
        (lambda: ZOO["efficientnet-lite0"].build(3, 32, 10), 9),  # all but the first of each stage
        (lambda: ZOO["efficientnet-lite1"].build(3, 32, 10), 14),
        (lambda: models.mobilenet_v3_small(), 6),
        (lambda: ZOO["preactresnet18"].build(3, 32, 10), 8),
        (lambda: ZOO["wrn34"].build(3, 32, 10, width=1), 15),
    ],
)
def test_what_is_recognised(build: Callable[[], nn.Module], count: int) -> None:
    model = build().eval()
    found = branches(model)
    assert len(found) == count
    for path, branch in found.items():
        for name in (branch.first, branch.last):
            assert name.startswith(f"{path}.")
            model.get_submodule(name)
    size = 64 if "torchvision" in type(model).__module__ and not path.startswith("features") else 32
    x = torch.rand(2, 3, size, size, requires_grad=True)
    assert torch.equal(sgm(model, 0.5)(x), model(x))


def test_a_branch_gets_what_only_the_branch_takes() -> None:
    """By hooks: in every kind of block, zeroing the gradient where the branch begins leaves the shortcut's alone."""
    torch.manual_seed(0)
    for name, arguments in (
        ("resnet20", {}),
        ("preactresnet18", {}),
        ("wrn34", {"width": 1}),
        ("mobilenetv2", {}),
        ("efficientnet-lite0", {}),
    ):
        model = ZOO[name].build(3, 32, 10, **arguments).double().eval()
        for path, found in list(branches(model).items())[:6]:
            block = model.get_submodule(path)
            conv = next(module for module in block.modules() if isinstance(module, nn.Conv2d))
            z = torch.randn(2, conv.in_channels, 8, 8, dtype=torch.float64, requires_grad=True)
            full, lamed = (torch.autograd.grad(m(z * 1).sum(), z)[0] for m in (block, sgm(block, 1e-300)))
            first = model.get_submodule(found.first)
            handle = first.register_forward_pre_hook(lambda module, inputs: (inputs[0].detach(),))
            (alone,) = torch.autograd.grad(block(z * 1).sum(), z)
            handle.remove()
            assert torch.allclose(lamed, alone, rtol=1e-12) and not torch.allclose(full, alone)


def test_your_own_block_takes_one_line(monkeypatch: pytest.MonkeyPatch, images: Tensor) -> None:
    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Conv2d(2, 2, 1).double()

        def forward(self, x: Tensor) -> Tensor:
            return x + self.inner(x)

    mine = nn.Sequential(Mine())
    with pytest.raises(SuiteError, match=r"the model has no residual block that is recognised \(recognised are "):
        sgm(mine, 0.5)
    monkeypatch.setitem(BLOCKS, f"{Mine.__module__}.{Mine.__qualname__}", lambda block: Branch("inner", "inner"))
    (found,) = torch.autograd.grad(sgm(mine, 0.5)(images).sum(), images)
    expected = 1 + 0.5 * mine[0].inner.weight.sum((0, 2, 3)).view(1, 2, 1, 1)
    assert torch.allclose(found, expected.expand_as(found), rtol=1e-12)


def test_the_error_names_what_is_recognised() -> None:
    with torch.device("meta"):
        vgg = ZOO["vgg16"].build(3, 32, 10)
    with pytest.raises(
        SuiteError, match=r"the model has no .*cifar_resnet.Block, .*resnet.BasicBlock.*BLOCKS takes more"
    ):
        sgm(vgg, 0.5)


@pytest.mark.parametrize("lam", [0, -0.5, 1.01, float("nan"), True, "half"])
def test_a_factor_out_of_range_is_refused(residual: nn.Module, lam: float) -> None:
    with pytest.raises(SuiteError, match=r"lam=.* of sgm \(give a number in \(0, 1\]"):
        sgm(residual, lam)


def test_around_the_model(residual: nn.Module, images: Tensor) -> None:
    """Double backward, functional transforms and the compiler."""
    model = sgm(residual, 0.5)
    (first,) = torch.autograd.grad(model(images).sum(), images, create_graph=True)
    assert torch.autograd.grad(first.square().sum(), residual.head.weight)[0].abs().max() > 0
    per_sample = torch.func.vmap(torch.func.grad(lambda p: model(p[None]).sum()))(images.detach())
    assert torch.allclose(per_sample, first, rtol=1e-10)
    _, tangent = torch.func.jvp(model, (images.detach(),), (torch.ones_like(images),))
    assert torch.allclose(tangent.sum(), first.sum(), rtol=1e-10)
    torch.compiler.reset()
    (ours,) = torch.autograd.grad(torch.compile(model, backend="aot_eager", fullgraph=True)(images).sum(), images)
    assert torch.allclose(ours, first, rtol=1e-10)
