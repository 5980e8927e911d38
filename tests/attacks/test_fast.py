"""Batch norms folded into what precedes them: equal up to rounding, or refused; the original is never touched."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks import fold_batch_norm
from suite.errors import SuiteError

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Preactivation(nn.Module):
    """A residual block of norm, rectifier, conv, twice; the stem's output is normed, and also carried on as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.norm1, self.conv1 = nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        h = self.conv1(F.relu(self.norm1(x)))
        return self.head((x + self.conv2(F.relu(self.norm2(h)))).mean((2, 3)))


class Shared(nn.Module):
    """One convolution called twice, with a norm of its own behind each call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.norm1, self.norm2, self.head = nn.BatchNorm2d(1), nn.BatchNorm2d(1), nn.Linear(36, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm2(self.conv(F.relu(self.norm1(self.conv(x))))).flatten(1))


class TwoNorms(nn.Module):
    """Two norms of one convolution's output."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.a, self.b = nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.BatchNorm2d(5)
        self.head = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x)
        return self.head((F.relu(self.a(h)) - F.relu(self.b(h))).mean((2, 3)))


def plain() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(True), nn.Conv2d(6, 8, 3), nn.BatchNorm2d(8),
        nn.ReLU(True), nn.Flatten(), nn.Linear(32, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4),
    )  # fmt: skip


def norm_behind_an_in_place_rectifier() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(True), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(96, 4)
    )  # fmt: skip


def without_scale() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6, affine=False), nn.ReLU(), nn.Flatten(), nn.Linear(96, 8),
        nn.BatchNorm1d(8, affine=False), nn.ReLU(), nn.Linear(8, 4),
    )  # fmt: skip


def batch_statistics() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6, track_running_stats=False), nn.Flatten(), nn.Linear(96, 4)
    )  # fmt: skip


def norm_first() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4))


def lived_in(model: nn.Module) -> nn.Module:
    """Statistics and scales as after training: a fold that forgets one of them shows."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, NORMS) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(0, 0.5, generator=generator)
            module.running_var.uniform_(0.3, 2, generator=generator)
        if isinstance(module, NORMS) and module.affine:
            nn.init.uniform_(module.weight, -1.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, generator=generator)
    return model.eval()


def images(n: int = 5, seed: int = 1) -> Tensor:
    return torch.rand(n, 1, 6, 6, generator=torch.Generator().manual_seed(seed))


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, NORMS) for module in model.modules())


def made(kind: object) -> nn.Module:
    torch.manual_seed(0)
    return lived_in(kind())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "left"),
    [(plain, 0), (norm_first, 1), (batch_statistics, 1), (without_scale, 2), (Shared, 2), (TwoNorms, 2)],
)
def test_equals_the_original_up_to_rounding(kind: object, left: int) -> None:
    """Also on images other than the probe; `left` norms cannot be folded, or need not be."""
    model = made(kind)
    folded = fold_batch_norm(model, images(2))
    assert norms(folded) == left
    for x in (images(5, 1), 3 * images(5, 2) - 1):
        expected = model(x).detach()
        torch.testing.assert_close(folded(x).detach(), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_input_gradients_are_the_original_ones() -> None:
    model = made(plain).double()
    folded = fold_batch_norm(model, images(2).double())
    gradients = []
    for net in (model, folded):
        x = images().double().requires_grad_()
        gradients.append(torch.autograd.grad(net(x).square().sum(), x)[0])
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("kind", "left"), [(Preactivation, 1), (norm_behind_an_in_place_rectifier, 1)])
def test_a_norm_that_only_seems_foldable_is_left_and_the_others_are_folded(kind: object, left: int) -> None:
    """PreActResNet-18 and a WideResNet of width 1 in the zoo are such models: `--fast` must run on them."""
    model = made(kind)
    folded = fold_batch_norm(model, images(2))
    assert norms(folded) == left
    torch.testing.assert_close(folded(images()), model(images()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [plain, Preactivation, Shared])
def test_the_original_is_untouched(kind: object) -> None:
    model = made(kind).train()
    next(model.children()).eval()
    before, modes = copy.deepcopy(model.state_dict()), [module.training for module in model.modules()]
    children = list(model.named_modules())
    try:
        fold_batch_norm(model, images(2))
    except SuiteError:
        assert kind is Preactivation
    assert list(model.named_modules()) == children
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_copy_keeps_the_module_paths_and_no_hooks() -> None:
    model = made(plain)
    folded = fold_batch_norm(model, images(2))
    assert [path for path, _ in folded.named_modules()] == [path for path, _ in model.named_modules()]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in folded.modules())
    assert folded is not model and not {id(p) for p in folded.parameters()} & {id(p) for p in model.parameters()}


def test_a_small_second_use_of_the_output_is_noticed() -> None:
    """The carried output counts for little: a check of logits within 1e-3 must not let a wrong fold pass."""

    class Leaky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.Linear(5, 4)

        def forward(self, x: Tensor) -> Tensor:
            h = self.conv(x)
            return self.head((self.norm(h) + 1e-4 * h).mean((2, 3)))

    model = made(Leaky).double()
    try:
        folded = fold_batch_norm(model, images(2).double())
    except SuiteError:
        return
    torch.testing.assert_close(folded(images().double()), model(images().double()), rtol=1e-8, atol=1e-8)
