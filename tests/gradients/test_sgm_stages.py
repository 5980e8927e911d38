"""sgm stage by stage, without first blocks, and in dense layers, transformers and ConvNeXt."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.convnext import CNBlock
from torchvision.models.densenet import _DenseLayer
from torchvision.models.swin_transformer import SwinTransformerBlock
from torchvision.models.vision_transformer import EncoderBlock

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import sgm
from suite.gradients.residual import branches

Differentiate = Callable[[nn.Module, Tensor], Tensor]


def test_a_factor_for_each_stage(residual: nn.Module, images: Tensor, gradient: Differentiate) -> None:
    """layer1 has one block, layer2 two; stage by stage it is sgm of one stage of sgm of the other."""
    found = gradient(sgm(residual, "0.5:1/4"), images)
    assert not torch.allclose(found, gradient(sgm(residual, 0.5), images), rtol=0.01)
    one_by_one = sgm(sgm(residual, "0.5:1"), "1:0.25")
    assert torch.allclose(found, gradient(one_by_one, images), rtol=1e-12)
    assert torch.equal(gradient(sgm(residual, "0.5:0.5"), images), gradient(sgm(residual, 0.5), images))
    assert torch.equal(sgm(residual, "0.5:0.25")(images), residual(images))


def test_the_first_block_of_each_stage_may_keep_its_gradient(
    residual: nn.Module, images: Tensor, gradient: Differentiate
) -> None:
    """Of the three blocks only layer2.1 is decayed: affine in lam, with the same ends."""
    found = gradient(sgm(residual, 0.5, blocks="later"), images)
    shortened = nn.Sequential(residual.stem, residual.layer1, residual.layer2[0])
    z = shortened(images)
    tail = nn.Sequential(nn.Sequential(residual.layer2[1]))
    behind = lambda z: residual.head(sgm(tail, 0.5)(z).mean((2, 3)))  # noqa: E731
    cotangent = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).expand(3, 5)
    (expected,) = torch.autograd.grad(behind(z), images, cotangent)
    assert torch.allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("0.5:0.5:0.5",), r"has 3 factors \(the model has 2 stages: layer1, layer2"),
        (("0.5:2",), r"lam=2.0 of sgm \(give a number in \(0, 1\]"),
        (("0.5:half",), "'half' is not a number"),
        ((0.5, "some"), "blocks=some of sgm"),
    ],
)
def test_what_makes_no_sense(residual: nn.Module, arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(SuiteError, match=why):
        sgm(residual, *arguments)
    with pytest.raises(SuiteError, match="blocks=later leaves no block"):
        sgm(residual.layer1, 0.5, "later")


def vit() -> nn.Module:
    return EncoderBlock(2, 4, 8, 0.0, 0.0)


def swin() -> nn.Module:
    return SwinTransformerBlock(4, 2, [2, 2], [0, 0])


BLOCKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "vit": (vit, (2, 3, 4), 2),
    "swin": (swin, (2, 4, 4, 4), 2),
    "convnext": (lambda: CNBlock(4, 0.7, 0.0), (2, 4, 6, 6), 1),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_of_later_architectures(name: str) -> None:
    """Each branch by itself, g + lam f'^T g, one after the other: the factor is a polynomial of that degree."""
    make, shape, count = BLOCKS[name]
    torch.manual_seed(0)
    net = nn.Sequential(make()).double().eval()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert len(branches(net)) == count
    by_factor = {}
    for lam in (1e-300, 0.25, 0.5, 1.0):
        assert torch.equal(sgm(net, lam)(x), net(x))
        (by_factor[lam],) = torch.autograd.grad(sgm(net, lam)(x).square().sum(), x)
    (plain,) = torch.autograd.grad(net(x).square().sum(), x)
    assert torch.equal(by_factor[1.0], plain)
    assert torch.allclose(by_factor[1e-300], 2 * net(x), rtol=1e-12)  # the shortcut alone
    rest = {lam: found - by_factor[1e-300] for lam, found in by_factor.items()}
    if count == 1:
        assert torch.allclose(rest[0.5], rest[1.0] / 2, rtol=1e-10)
    else:  # a lam + b lam^2, from two of the three
        b = (rest[1.0] - 2 * rest[0.5]) * 2
        assert torch.allclose(rest[0.25], (rest[1.0] - b) / 4 + b / 16, rtol=1e-9, atol=1e-12)


def test_a_dense_layer_passes_less_to_what_it_takes() -> None:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = _DenseLayer(3, 2, 2, 0.0)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, self.layer(x)], 1)

    torch.manual_seed(0)
    net, x = Dense().double().eval(), torch.rand(2, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(sgm(net, 0.25)(x).sum(), x)
    (through,) = torch.autograd.grad(net.layer(x).sum(), x)
    assert torch.allclose(found, 1 + 0.25 * through, rtol=1e-12)
    with pytest.raises(SuiteError, match="variant=guo: the model has no residual block"):
        linbp(net, "all", variant="guo")
