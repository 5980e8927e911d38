"""An attack's surrogate in bfloat16: near the exact gradient, also where a model is sure; weights are left alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import Autograd, Settings, fast_engine, iterate
from suite.attacks.bfloat16 import InBfloat16, round_weights, rounded_weights
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
    round_weights(folded)
    assert {parameter.dtype for parameter in folded.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("rule", [bp, lambda model: linbp(model, "all")], ids=["itself", "view"])
def test_a_block_with_rounded_weights_gives_the_same_bits_and_leaves_none(rule: Callable[..., Any]) -> None:
    """In training too, where an adversary differentiates many times between two changes of the weights."""
    model, x = net().train(), images()
    attacked, before = rule(model), [*model.parameters()]
    with torch.autocast("cpu", torch.bfloat16):
        expected = Autograd(attacked)(x, torch.ones_like)
        with rounded_weights(attacked):
            found = Autograd(attacked)(x, torch.ones_like)
            assert model[0].weight.dtype == torch.bfloat16 and model[1].weight.dtype == torch.float32
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))
    assert all(ours is theirs for ours, theirs in zip(model.parameters(), before, strict=True))
    with rounded_weights(model):
        assert model[0].weight.dtype == torch.float32  # no autocast: nothing to do


def test_a_depthwise_layer_with_a_stride_is_differentiated_in_float32() -> None:
    """In bfloat16 its gradient takes 150 times as long on a CPU."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, 2, 1, groups=8), nn.Flatten(), nn.Linear(72, 5))
    seen: list[torch.dtype] = []
    layers[1].register_forward_hook(lambda module, args, result: seen.append(result.dtype))
    model = layers.eval().requires_grad_(False)
    engine = fast_engine(model, bp, images(), layout="contiguous", precision="bf16")
    seen.clear()
    logits, gradient = engine.differentiate(images(), torch.ones_like)
    assert seen == [torch.float32] and logits.dtype == gradient.dtype == torch.float32


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
