"""The constant-tail engine: equal to autograd where it claims to be exact, and a reason where it is not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from modules.linbp.constant_tail import ConstantTail
from suite.attacks import Autograd, differentiator, frozen
from suite.attacks.losses import cross_entropy
from suite.errors import SuiteError
from suite.models import ZOO


class Residual(nn.Module):
    """A stem, a max-pool, three residual blocks with functional rectifiers, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.blocks = nn.ModuleList(Block() for _ in range(3))
        self.classifier = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.norm(self.stem(x))), 2)
        for block in self.blocks:
            x = block(x)
        return self.classifier(x.mean((2, 3)))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.b(F.relu(self.a(x))), inplace=True)


def pooled() -> nn.Module:
    """Two max-pools behind the first rectifier, in-place rectifiers."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 5),
    )  # fmt: skip


def images(seed: int = 1, n: int = 6, size: int = 8) -> Tensor:
    return torch.rand(n, 1, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def made(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return make().double().eval()


def reason(make: Callable[[], nn.Module], start: str | int) -> str:
    model = made(make)
    with frozen(model):
        _, fact = differentiator(linbp(model, start), images())
        with pytest.raises(SuiteError):
            differentiator(linbp(model, start), images(), "jacobian")
    return fact


@pytest.mark.parametrize(
    ("make", "start"),
    [
        (Residual, "blocks.1"),
        (Residual, "blocks.0"),
        (Residual, "all"),
        (Residual, 0),
        (pooled, "all"),
        (pooled, "4"),
        (pooled, -1),
        (pooled, 2),
    ],
)
def test_equals_autograd(make: Callable[[], nn.Module], start: str | int) -> None:
    """Also on inputs far from those the Jacobians came from; logits bit for bit."""
    model, labels = made(make), torch.arange(6) % 5
    linear = linbp(model, start)
    with frozen(model):
        engine, fact = differentiator(linear, images())
        assert fact == "jacobian" and isinstance(engine, ConstantTail)
        for x in (images(1), images(2), 50 * images(3) - 25):
            logits, gradient = engine(x, lambda z: cross_entropy(z, labels))
            exact_logits, exact = Autograd(linear)(x, lambda z: cross_entropy(z, labels))
            assert torch.equal(logits, exact_logits)
            assert torch.allclose(gradient, exact, rtol=1e-9, atol=1e-12 * float(exact.abs().max()))


def test_the_middle_of_the_tail_is_a_matrix_only_where_it_is_small() -> None:
    model = made(pooled)
    with frozen(model):
        engine, _ = differentiator(linbp(model, "4"), images())
    assert isinstance(engine, ConstantTail)
    shapes = [None if jacobian is None else tuple(jacobian.shape) for jacobian in engine.jacobians]
    assert shapes == [(128, 128), (5, 32)]  # 8 x 4 x 4 to 8 x 4 x 4, then 8 x 2 x 2 to 5 classes


def test_a_start_inside_a_residual_branch_has_another_path_round_it() -> None:
    assert "another path" in reason(Residual, "blocks.1.b")
    assert "another path" in reason(Residual, 3)


def test_a_gate_in_the_tail_is_noticed_by_the_numbers() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(64, 16), nn.Linear(16, 5)

        def forward(self, x: Tensor) -> Tensor:
            h = F.relu(self.first(x.flatten(1)))
            return self.second(h * torch.sigmoid(2 * h))  # h * sigmoid(h) would be a SiLU, which is linearised

    assert "not constant" in reason(Gated, "all")


def test_a_max_pool_in_a_branch_is_no_cut() -> None:
    class Branched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(8, 5)

        def forward(self, x: Tensor) -> Tensor:
            h = F.relu(self.first(x))
            both = torch.cat([F.max_pool2d(h, 2).mean((2, 3)), F.avg_pool2d(h, 2).mean((2, 3))], 1)
            return self.second(both)

    assert "another path" in reason(Branched, "all")


def test_a_matrix_of_very_many_logits_is_not_made() -> None:
    def many() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 2_900), nn.ReLU(), nn.Linear(2_900, 2_900))

    assert reason(many, "all") == "autograd: the tail's matrix would have 8410000 entries"


def test_train_mode_is_not_constant() -> None:
    linear = linbp(made(Residual).train(), "all")
    with pytest.raises(SuiteError, match="train mode"):
        differentiator(linear, images(), "jacobian")


def test_other_rules_have_no_engine_of_their_own() -> None:
    model = made(Residual)
    with frozen(model):
        for engine in ("auto", "jacobian", "autograd"):
            assert differentiator(model, images(), engine)[1] == "autograd"
        composed = linbp(linbp(model, "blocks.2"), "blocks.1")
        assert "composed" in differentiator(composed, images())[1]


def test_an_unknown_start_is_an_error_with_every_engine() -> None:
    model = made(Residual)
    with frozen(model), pytest.raises(SuiteError, match="out of range"):
        differentiator(linbp(model, 99), images(), "jacobian")


@pytest.mark.parametrize("name", ["resnet20", "vgg16", "mobilenetv2", "lenet5", "mlp", "digits-cnn"])
def test_the_zoo_in_single_precision(name: str) -> None:
    """Signs agree with autograd's but for gradients at the level of rounding."""
    torch.manual_seed(0)
    channels, size = {"lenet5": (1, 28), "mlp": (1, 28), "digits-cnn": (1, 8)}.get(name, (3, 32))
    model = ZOO[name].build(channels, size, 10).eval()
    linear = linbp(model, ZOO[name].linbp_start)
    x, labels = torch.rand(4, channels, size, size), torch.arange(4)
    with frozen(model):
        engine, fact = differentiator(linear, x)
        assert fact == "jacobian"
        _, ours = engine(x, lambda z: cross_entropy(z, labels))
        _, exact = Autograd(linear)(x, lambda z: cross_entropy(z, labels))
    assert float((ours - exact).norm() / exact.norm()) < 2e-5
    assert float((ours.sign() == exact.sign()).double().mean()) > 0.999


def test_a_tail_that_moves_the_batch_axis_is_noticed() -> None:
    """(B, T, d) -> (T, B, d), as in recurrent nets and transformers: a Jacobian of one sample does not describe it."""

    class TimeFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(8, 6), nn.Linear(6, 5)

        def forward(self, x: Tensor) -> Tensor:
            h = F.relu(self.first(x.flatten(1, 2).transpose(0, 1)))
            return self.second(h).mean(0)

    assert "autograd" in reason(TimeFirst, "all")


def test_an_operation_that_is_idle_on_the_probe_is_noticed_in_the_graph() -> None:
    class Clamped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(64, 16), nn.Linear(16, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(F.relu(self.first(x.flatten(1)))).clamp(-100, 100)

    assert "Clamp" in reason(Clamped, "all")


@pytest.mark.parametrize("name", ZOO)
def test_every_model_of_the_zoo_has_a_constant_tail_at_its_position(name: str) -> None:
    """But the transformer, whose tokens go round every perceptron and are normalised behind the last."""
    channels, size = {"lenet5": (1, 28), "mlp": (1, 28), "mnist-cnn": (1, 28), "digits-cnn": (1, 8)}.get(name, (3, 32))
    model = ZOO[name].build(channels, size, 10, **({"width": 1} if name == "wrn34" else {})).eval()
    with frozen(model):
        engine = differentiator(linbp(model, ZOO[name].linbp_start), torch.rand(2, channels, size, size))[1]
    assert engine.split(":")[0] == ("autograd" if name == "vit" else "jacobian")
