"""What the loop gets of a model: bit-exact by default, measured where not, and the true model as the judge."""

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import Autograd, Engine, Settings, exact_engine, fast_engine, fast_layout, frozen, iterate
from suite.attacks.engine import LAYOUTS
from suite.attacks.losses import cross_entropy
from suite.errors import SuiteError
from suite.gradients import bp


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """A small conv-bn net with statistics of its own."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8),
        nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(72, 5),
    )  # fmt: skip
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def x() -> Tensor:
    return torch.rand(8, 3, 6, 6, generator=torch.Generator().manual_seed(1))


def whole(model: nn.Module) -> nn.Module:
    return linbp(model, "all")


RULES = {"bp": bp, "linbp": whole}


@pytest.mark.parametrize("rule", RULES)
def test_exact_engine_is_the_model_bit_for_bit(model: nn.Module, x: Tensor, rule: str) -> None:
    engine = exact_engine(model, RULES[rule], x)
    y = model(x).argmax(1)
    logits, gradient = engine.differentiate(x, lambda z: cross_entropy(z, y))
    _, expected = Autograd(RULES[rule](model))(x, lambda z: cross_entropy(z, y))
    assert torch.equal(logits, model(x)) and torch.equal(engine.predict(x), model(x))
    assert engine.judge is None  # predict is the true model
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_facts_name_the_engine_and_the_reason(model: nn.Module, x: Tensor) -> None:
    assert exact_engine(model, bp, x).facts == {"engine": "autograd"}
    assert exact_engine(model, whole, x).facts == {"engine": "jacobian"}
    assert exact_engine(model, whole, x, "autograd").facts == {"engine": "autograd"}
    twice = exact_engine(model, lambda net: linbp(linbp(net, "all"), "all"), x).facts["engine"]
    assert str(twice).startswith("autograd: ") and "composed" in str(twice)
    assert exact_engine(model, bp, x, "jacobian").facts == {"engine": "autograd"}
    with pytest.raises(SuiteError, match="composed"):
        exact_engine(model, lambda net: linbp(linbp(net, "all"), "all"), x, "jacobian")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fast_engine_agrees_up_to_rounding_and_says_how_far(
    model: nn.Module, x: Tensor, rule: str, layout: str
) -> None:
    engine = fast_engine(model, RULES[rule], x, layout=layout)
    y = model(x).argmax(1)
    logits, gradient = engine.differentiate(x, lambda z: cross_entropy(z, y))
    _, expected = Autograd(RULES[rule](model))(x, lambda z: cross_entropy(z, y))
    torch.testing.assert_close(logits, model(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(engine.predict(x), model(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    agreement = engine.facts["sign_agreement"]
    assert isinstance(agreement, float) and 0.999 <= agreement <= 1
    assert engine.facts["layout"] == layout
    assert engine.facts["engine"] == ("autograd" if rule == "bp" else "jacobian")
    assert engine.judge is model


def test_sign_agreement_falls_where_the_fast_gradient_is_another(model: nn.Module, x: Tensor) -> None:
    """The recorded number can be low: here the rule differs between the original and the folded copy."""

    def fickle(net: nn.Module) -> nn.Module:
        return net if net is model else linbp(net, "all")

    agreement = fast_engine(model, fickle, x, layout="contiguous").facts["sign_agreement"]
    assert isinstance(agreement, float) and 0.5 < agreement < 0.98


def test_the_original_is_untouched(model: nn.Module, x: Tensor) -> None:
    before = {key: value.clone() for key, value in model.state_dict().items()}
    strides = [parameter.stride() for parameter in model.parameters()]
    fast_engine(model, whole, x, layout="channels_last")
    assert fast_layout(model, whole, x) in LAYOUTS
    assert [parameter.stride() for parameter in model.parameters()] == strides
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_without_a_layout_one_is_chosen(model: nn.Module, x: Tensor) -> None:
    assert fast_engine(model, bp, x).facts["layout"] in LAYOUTS


def test_success_is_that_of_the_true_model(model: nn.Module, x: Tensor) -> None:
    """A fast engine whose predictions are wrong everywhere changes no success that the study reads."""
    y = model(x).argmax(1)
    with frozen(model):
        honest = fast_engine(model, whole, x, layout="contiguous")
    liar = Engine(
        lambda z, cotangent: (torch.roll(honest.predict(z), 1, 1), honest.differentiate(z, cotangent)[1]),
        lambda z: torch.roll(honest.predict(z), 1, 1), judge=honest.judge,
    )  # fmt: skip
    settings = Settings(6, 0.02, loss="nll_logits", early_stop=False)
    read = []
    for engine in (honest, liar):
        read.append(
            iterate(
                engine.differentiate, engine.predict, x, y, (0.03, 0.1), settings, judge=engine.judge, readings=(3, 6)
            )
        )
    for trajectory in read:
        for index in range(2):
            assert torch.equal(trajectory.prediction[index], model(trajectory.adversarials[index]).argmax(1))
    assert torch.equal(read[0].fooled[..., (3, 6)], read[1].fooled[..., (3, 6)])
    assert 0 < int(read[0].fooled[..., 6].sum()) < 16
