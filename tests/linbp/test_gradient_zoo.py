"""LinBP on every model of the zoo: forward bit for bit, gradient that of the detach trick at the published position."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from modules.linbp import linbp
from suite.gradients import find_path
from suite.models import ZOO, Classifier

# Rectifier calls in one forward pass, and the first linear one, counted by hand from the architectures.
CALLS = {
    "vgg16": (15, 10),  # 13 + 2; the last 3 + 2
    "resnet50": (49, 40),  # 1 + 3 * 16; layer4 has 3 blocks of 3
    "densenet161": (161, 111),  # 1 + 2 * (6 + 12 + 36 + 24) + 3 + 1; before transition3: 1 + 2 * 54 + 2
    "mobilenetv2": (35, 32),  # 1 + 1 + 2 * 16 + 1; two of block 17 and the last
    "efficientnet-lite0": (33, 30),  # 1 + 1 + 2 * 15 + 1; two of the last block and the head's
    "efficientnet-lite1": (43, 40),  # five blocks more
    "efficientnet-lite2": (43, 40),
    "vit": (4, 3),  # the last block's
    "resnet20": (19, 13),  # 1 + 2 * 9; the last stage has 2 * 3
    "resnet32": (31, 21),
    "resnet44": (43, 29),
    "resnet56": (55, 37),
    "mlp": (3, 1),
    "lenet5": (4, 2),
}
SHAPES = {"digits-cnn": (1, 8), "lenet5": (1, 28), "mlp": (1, 28), "mnist-cnn": (1, 28), "two-layer": (1, 8)}


class DetachTrick(TorchFunctionMode):
    """The reference implementation's trick, in its corrected form: f(z) = z + stopgrad(f(z) - z) from a call on."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first, self.calls = first, 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function not in (F.relu, F.relu6, F.hardtanh, torch.relu, F.gelu):
            return function(*args, **kwargs)
        self.calls += 1
        if self.calls <= self.first:
            return function(*args, **kwargs)
        z = args[0]
        rectified = function(z.detach().clone(), *args[1:], **kwargs)
        return z + (rectified - z).detach()


def build(name: str, dtype: torch.dtype = torch.float32) -> tuple[Classifier, Tensor]:
    """The architecture with random weights and batch norms that have seen data, and a batch."""
    torch.manual_seed(0)
    entry = ZOO[name]
    channels, size = SHAPES.get(name, (3, 32))
    arguments = {"width": 1} if name == "wrn34" else {}
    network = entry.build(channels, size, 10, **arguments).to(dtype)
    model = Classifier(network, info=None, linbp_start=entry.linbp_start)  # type: ignore[arg-type]
    x = torch.rand(4, channels, size, size, dtype=dtype)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(x)
    return model.eval(), x[:2]


@pytest.mark.parametrize("name", ZOO)
def test_forward_is_identical_in_both_modes(name: str) -> None:
    model, x = build(name)
    linear = linbp(model)
    assert torch.equal(linear(x), model(x))
    state = {key: value.clone() for key, value in model.state_dict().items()}
    torch.manual_seed(3)
    ours = linear.train()(x)
    after = {key: value.clone() for key, value in model.state_dict().items()}
    model.load_state_dict(state)
    torch.manual_seed(3)
    assert torch.equal(ours, model(x))
    assert all(torch.equal(value, after[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", ZOO)
def test_gradient_is_that_of_the_detach_trick(name: str) -> None:
    model, x = build(name, torch.float64)
    with DetachTrick(10**9) as counter:
        model(x)
    first = first_linear_call(model, x)
    if name in CALLS:
        assert (counter.calls, first) == CALLS[name]
    x.requires_grad_()
    cotangent = torch.randn(2, 10, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    with DetachTrick(first):
        (expected,) = torch.autograd.grad(model(x), x, cotangent)
    (ours,) = torch.autograd.grad(linbp(model)(x), x, cotangent)
    (plain,) = torch.autograd.grad(model(x), x, cotangent)
    assert torch.allclose(ours, expected, rtol=1e-8, atol=1e-8 * float(expected.abs().max()))
    assert not torch.allclose(ours, plain, rtol=1e-3)


def first_linear_call(model: Classifier, x: Tensor) -> int:
    """The zoo's position as a rectifier call index, by counting calls until its module is entered."""
    start = model.linbp_start
    if isinstance(start, int):
        with DetachTrick(10**9) as counter:
            model(x)
        return range(counter.calls)[start]
    assert start is not None
    counts: list[int] = []
    counter = DetachTrick(10**9)
    module = model.get_submodule(find_path(model, start))
    handle = module.register_forward_pre_hook(lambda module, inputs: counts.append(counter.calls))
    with counter:
        model(x)
    handle.remove()
    return counts[0]
