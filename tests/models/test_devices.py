"""Forward passes and attacks on a GPU that is not there: a tensor that was left on the CPU is an error here, too.

Fake tensors have shapes and devices and no values. Backward passes need a driver, so a stand-in differentiates.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from modules.linbp import linbp
from suite.attacks import GradientRule, Settings, iterate
from suite.attacks.losses import Cotangent
from suite.data import Dataset
from suite.gradients import bp
from suite.models.build import untrained

CUDA = torch.device("cuda", 0)
NETS = {
    "digits-cnn": (1, 8, 8), "digits-resnet": (1, 8, 8), "mnist-cnn(width=8)": (1, 28, 28), "lenet5": (1, 28, 28),
    "mlp": (1, 28, 28), "two-layer(width=8)": (1, 8, 8), "cifar-cnn(width=4)": (3, 32, 32),
    "vgg8(width=8)": (3, 32, 32), "vit(width=32,depth=2)": (3, 32, 32), "resnet20": (3, 32, 32),
    "wrn34(width=1)": (3, 32, 32),
}  # fmt: skip


class StandIn:
    """Logits of a model, and something like a gradient that depends on them."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __call__(self, x: Tensor, cotangent: Cotangent) -> tuple[Tensor, Tensor]:
        logits = self.model(x)
        return logits, x * cotangent(logits).sum()


def on_cuda(model: nn.Module, fakes: FakeTensorMode) -> nn.Module:
    """As `model.to` does, which fake tensors refuse: parameters and buffers move, other tensors stay behind."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            fake = fakes.from_tensor(parameter.detach()).to(CUDA)
            module._parameters[name] = nn.Parameter(fake, requires_grad=False)
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = fakes.from_tensor(buffer).to(CUDA)
    return model.eval()


def attacked(
    model: nn.Module, shape: tuple[int, int, int], rule: GradientRule = bp, *, early_stop: bool = False
) -> Tensor:
    with FakeTensorMode(allow_non_fake_inputs=True) as fakes, torch.no_grad():
        net = on_cuda(model, fakes)
        x, y = torch.rand(4, *shape, device=CUDA), torch.zeros(4, dtype=torch.int64, device=CUDA)
        settings = Settings(2, 0.02, early_stop=early_stop)
        return iterate(StandIn(rule(net)), net, x, y, (0.01, 0.1), settings, judge=net, readings=(1,)).adversarials


@pytest.mark.parametrize("ref", NETS)
def test_nothing_of_a_net_or_its_attack_is_left_behind(ref: str, noise: Callable[..., Dataset]) -> None:
    """`iterate` also takes the walk without a look at values there, which fake tensors do not have."""
    shape = NETS[ref]
    model = untrained(ref, noise(shape), "cpu")
    assert attacked(model, shape).device == CUDA
    if not ref.startswith("vit"):  # it has no rectifiers
        linear = attacked(untrained(ref, noise(shape), "cpu"), shape, lambda net: linbp(net, "all"), early_stop=True)
        assert linear.device == CUDA


def test_what_is_left_behind_is_seen() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.shift = nn.Linear(64, 10), torch.zeros(10)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.linear(x.flatten(1)) + self.shift
            return logits

    with pytest.raises(RuntimeError, match="two devices"):
        attacked(Forgetful(), (1, 8, 8))
