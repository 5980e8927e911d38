"""Where a model calls its rectifiers, and that the numbers are those that an integer start counts."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.gradients import RectifierCall, leaky, rectifier_calls
from suite.models import ZOO


class Every(nn.Module):
    """Functional, in-place, as a method, one module twice, a clamp that is one and one that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.part = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
        self.shared = nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(x))
        x = self.shared(self.part(x) + 1)
        x = self.shared(x - 1).clamp(0, 1).clamp(min=0)
        return F.gelu(F.dropout(x, training=self.training)).relu_()


EXPECTED = ("", "relu"), ("part.1", "relu"), ("shared", "hardtanh"), ("shared", "hardtanh"), ("", "clamp"), \
    ("", "gelu"), ("", "relu_")  # fmt: skip


def test_every_call_in_order_with_its_module() -> None:
    calls = rectifier_calls(Every(), torch.randn(3, 4))
    assert calls == tuple(RectifierCall(i, path, function) for i, (path, function) in enumerate(EXPECTED))


def test_nothing_is_disturbed() -> None:
    model, x = Every(), torch.randn(3, 4)
    before, draw = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()
    rectifier_calls(model, x)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), draw) and model.training


def test_a_model_under_a_rule_has_the_same_calls() -> None:
    model, x = Every(), torch.randn(3, 4)
    assert rectifier_calls(leaky(model, slope=0.5, start=2), x) == rectifier_calls(model, x)


def test_a_model_without_any() -> None:
    assert rectifier_calls(nn.Linear(4, 2), torch.randn(3, 4)) == ()


@pytest.mark.parametrize("name", ["resnet20", "digits-cnn"])
def test_the_indices_are_what_start_counts(name: str) -> None:
    """A rule that begins at call i changes the gradient as one that begins at that call's own place does."""
    torch.manual_seed(0)
    size = 8 if name == "digits-cnn" else 32
    model = ZOO[name].build(1 if name == "digits-cnn" else 3, size, 10).double().eval()
    x = torch.rand(1, 1 if name == "digits-cnn" else 3, size, size, dtype=torch.float64, requires_grad=True)
    calls = rectifier_calls(model, x)
    assert [call.index for call in calls] == list(range(len(calls)))

    def gradient(start: int | str) -> Tensor:
        (found,) = torch.autograd.grad(leaky(model, slope=1, start=start)(x).sum(), x)
        return found

    # The first call of a path is where a start at that module begins, unless it is a block that also calls parts.
    leaves = {path for path, module in model.named_modules() if not any(True for _ in module.children())}
    first = {call.path: call.index for call in reversed(calls) if call.path in leaves}
    for path, index in list(first.items())[:: max(1, len(first) // 3)]:
        assert torch.equal(gradient(path), gradient(index))
    assert torch.equal(gradient(len(calls) - 1), gradient(-1))
