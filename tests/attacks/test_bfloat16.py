"""An attack's surrogate in bfloat16: near the exact gradient, also where a model is sure; weights are left alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.linbp import linbp
from suite.attacks import Autograd, Settings, Trial, fast_engine, iterate
from suite.attacks.bfloat16 import InBfloat16, round_weights
from suite.attacks.differentiate import differentiator
from suite.attacks.fast import fold_batch_norm
from suite.attacks.losses import LOSSES, cross_entropy
from suite.errors import SuiteError
from suite.gradients import bp

ROUNDING = 2**-8  # relative error of one operation in bfloat16


def net() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(72, 5),
    )  # fmt: skip
    return layers.eval().requires_grad_(False)


def images(n: int = 8) -> Tensor:
    return torch.rand(n, 3, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("rule", [bp, lambda model: linbp(model, "all")], ids=["autograd", "jacobian"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_the_exact_one_but_for_rounding(rule: object, loss: str) -> None:
    model, x = net(), images()
    y = model(x).argmax(1)
    engine = fast_engine(model, rule, x, layout="contiguous", precision="bf16")  # type: ignore[arg-type]
    logits, gradient = engine.differentiate(x, lambda z: LOSSES[loss](z, y))
    _, expected = Autograd(rule(model))(x, lambda z: LOSSES[loss](z, y))  # type: ignore[operator]
    assert logits.dtype == gradient.dtype == engine.predict(x).dtype == torch.float32
    off = float((gradient - expected).norm() / expected.norm())
    # Some roundings in a row, and it is rounded at all. A rectifier's gate flips where rounding changes its input's
    # sign, in about that share of them, and an error of one in a share of the terms is the share's root in the norm.
    assert 1e-5 < off < (2 * ROUNDING**0.5 if rule is bp else 6 * ROUNDING)
    torch.testing.assert_close(logits, model(x), rtol=4 * ROUNDING, atol=4 * ROUNDING * float(model(x).abs().max()))
    assert 0.9 < float(engine.facts["sign_agreement"]) <= 1
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert engine.judge is model and engine.facts["precision"] == "bf16"


@pytest.mark.parametrize("rule", [bp, lambda model: linbp(model, "all")], ids=["autograd", "jacobian"])
def test_weights_that_are_rounded_once_give_the_bits_of_those_that_autocast_rounds(rule: Callable[..., Any]) -> None:
    model, x = net(), images()
    engine = fast_engine(model, rule, x, layout="contiguous", precision="bf16")
    folded = fold_batch_norm(model, x[:2])
    by_autocast = InBfloat16(differentiator(rule(folded), x[:2])[0])
    for ours, theirs in zip(engine.differentiate(x, torch.ones_like), by_autocast(x, torch.ones_like), strict=True):
        assert torch.equal(ours, theirs)
    round_weights(folded, x[:2])
    assert {parameter.dtype for parameter in folded.parameters()} == {torch.bfloat16}


class Own(nn.Module):
    """A model that uses a weight otherwise than autocast does: `how` says what with."""

    def __init__(self, how: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.how, self.body, self.head = how, nn.Conv2d(3, 4, 3), nn.Linear(64, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.body(x).relu().flatten(1)
        if self.how == "normalised":
            return F.linear(z, F.normalize(self.head.weight))
        with torch.autocast("cpu", enabled=False):
            return self.head(z.float())  # type: ignore[no-any-return]


@pytest.mark.parametrize("how", ["normalised", "float32"])
def test_weights_that_a_model_uses_otherwise_are_left_alone(how: str) -> None:
    model, x = Own(how).eval().requires_grad_(False), images()
    engine = fast_engine(model, bp, x, layout="contiguous", precision="bf16")
    expected = InBfloat16(Autograd(fold_batch_norm(model, x[:2])))(x, torch.ones_like)
    for ours, theirs in zip(engine.differentiate(x, torch.ones_like), expected, strict=True):
        assert torch.equal(ours, theirs)


def test_float64_stays_float64() -> None:
    model = net().double()
    round_weights(model, images().double()[:2])
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float64}


@pytest.mark.parametrize("rule", [bp, lambda model: linbp(model, "all")], ids=["autograd", "jacobian"])
def test_with_a_compiled_step_each_has_a_model_of_its_own(rule: Callable[..., Any]) -> None:
    """Weights are rounded and layers kept once in each."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1, groups=8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 5)
    )
    model, x = layers.eval().requires_grad_(False), images(16)
    plain = fast_engine(model, rule, x, layout="contiguous", precision="bf16")
    engine = fast_engine(model, rule, x, layout="contiguous", precision="bf16", trial=lambda ask: Trial(1.0, 0.5))
    assert engine.facts["compiled"] == "no: 0.50x as fast"
    for ours, theirs in zip(
        engine.differentiate(x, torch.ones_like), plain.differentiate(x, torch.ones_like), strict=True
    ):
        assert torch.equal(ours, theirs)


class Watched(nn.Conv2d):
    """A layer that notes in which precision it computes."""

    seen: list[torch.dtype]

    def forward(self, x: Tensor) -> Tensor:
        result = super().forward(x)
        self.seen.append(result.dtype)
        return result


def test_a_depthwise_layer_with_a_stride_is_differentiated_in_float32() -> None:
    """Its gradient in bfloat16 is far slower on a CPU."""
    torch.manual_seed(0)
    Watched.seen = []
    layers = nn.Sequential(nn.Conv2d(3, 8, 1), Watched(8, 8, 3, 2, 1, groups=8), nn.Flatten(), nn.Linear(72, 5))
    engine = fast_engine(layers.eval().requires_grad_(False), bp, images(), layout="contiguous", precision="bf16")
    Watched.seen.clear()
    logits, gradient = engine.differentiate(images(), torch.ones_like)
    assert Watched.seen == [torch.float32] and logits.dtype == gradient.dtype == torch.float32


def test_a_model_that_is_sure_still_has_a_gradient() -> None:
    """1 - p_y = 4.5e-5 at logits 10 apart: below bfloat16's resolution at 1, and far above float32's."""
    linear = nn.Linear(2, 2, bias=False).requires_grad_(False)
    linear.weight.copy_(torch.tensor([[10.0, 0.0], [0.0, 10.0]]))
    x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    _, gradient = InBfloat16(Autograd(linear))(x, lambda z: cross_entropy(z, y))
    miss = 1 / (1 + torch.tensor(10.0).exp())
    torch.testing.assert_close(gradient, 10 * miss * torch.tensor([[-1.0, 1.0]]), rtol=2 * ROUNDING, atol=0)


def test_success_is_that_of_the_model_itself() -> None:
    model, x = net(), images(32)
    engine = fast_engine(model, bp, x, layout="contiguous", precision="bf16")
    y = model(x).argmax(1)
    settings = Settings(6, 0.01, loss="nll_logits")
    found = iterate(engine.differentiate, engine.predict, x, y, (0.05,), settings, judge=engine.judge, readings=(3, 6))
    truth = model(found.adversarials[0]).argmax(1)
    assert torch.equal(found.prediction[0], truth) and torch.equal(found.fooled[0, :, -1], truth != y)


def test_another_precision_is_refused() -> None:
    with pytest.raises(SuiteError, match="fp8"):
        fast_engine(net(), bp, images(), layout="contiguous", precision="fp8")
