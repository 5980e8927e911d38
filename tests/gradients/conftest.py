"""Small nets in double precision."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from suite.models.cifar_resnet import Block


class Residual(nn.Module):
    """A stem, three CIFAR residual blocks, the second of which halves the image and doubles the channels, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU())
        self.layer1 = nn.Sequential(Block(4, 4, 1))
        self.layer2 = nn.Sequential(Block(4, 8, 2), Block(8, 8, 1))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer2(self.layer1(self.stem(x))).mean((2, 3)))


@pytest.fixture
def residual() -> Residual:
    torch.manual_seed(0)
    model = Residual().double()
    model(torch.rand(16, 2, 6, 6, dtype=torch.float64))  # batch norms that have seen data
    return model.eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


@pytest.fixture
def gradient() -> Callable[[nn.Module, Tensor], Tensor]:
    """The input gradient for a fixed cotangent."""

    def differentiate(model: nn.Module, x: Tensor) -> Tensor:
        out = model(x)
        cotangent = torch.randn(out.shape[1:], dtype=x.dtype, generator=torch.Generator().manual_seed(2))
        (found,) = torch.autograd.grad(out, x, cotangent.expand_as(out))
        return found

    return differentiate
