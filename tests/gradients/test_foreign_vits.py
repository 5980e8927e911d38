"""Rules see attention, blocks and activations in transformers as timm and transformers write them: one function in four
spellings has one gradient under each rule, and not backpropagation's."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.gradients import linbp, pna, rectifier_calls, sgm, tgr, vdc
from suite.gradients.attention import attention_calls
from tests.gradients.foreign_vits import pair

RULES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "pna": pna,
    "tgr without MLPs": partial(tgr, mlp="none"),
    "tgr, adaptive": partial(tgr, mlp="none", extremes="adaptive"),
    "vdc": vdc,
    "sgm": partial(sgm, lam=0.3),
    "linbp": partial(linbp, start="all"),
}


@pytest.fixture(scope="module")
def spellings() -> dict[str, nn.Module]:
    (timm, transformers), (timm_by_hand, eager) = pair(True), pair(False)
    return {"timm, fused": timm, "timm, by hand": timm_by_hand, "transformers, sdpa": transformers, "eager": eager}


def images() -> Tensor:
    return torch.rand(3, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


def gradient(model: nn.Module, x: Tensor) -> Tensor:
    out = model(x)
    return torch.autograd.grad(out, x, torch.arange(1.0, 6.0, dtype=x.dtype).expand_as(out))[0]


def test_they_are_one_function_that_attends_twice(spellings: dict[str, nn.Module]) -> None:
    x = images()
    first, *others = spellings.values()
    for model in others:
        assert torch.allclose(model(x), first(x), rtol=1e-10)
        assert torch.allclose(gradient(model, x), gradient(first, x), rtol=1e-9)
    for model in spellings.values():
        assert len(attention_calls(model, x)) == 2
        assert [call.function for call in rectifier_calls(model, x)] == ["gelu", "gelu"]


@pytest.mark.parametrize("name", RULES)
def test_each_rule_gives_all_of_them_one_gradient(name: str, spellings: dict[str, nn.Module]) -> None:
    x, rule = images(), RULES[name]
    expected = gradient(rule(spellings["timm, by hand"]), x)
    assert not torch.allclose(expected, gradient(spellings["timm, by hand"], x), rtol=0.01)
    for spelling, model in spellings.items():
        assert torch.equal(rule(model)(x), model(x)), spelling
        assert torch.allclose(gradient(rule(model), x), expected, rtol=1e-8, atol=1e-14), spelling
        assert torch.allclose(gradient(rule(model), x[1:2]), expected[1:2], rtol=1e-8, atol=1e-14), spelling


def test_mlps_that_are_no_module_are_refused_by_name(spellings: dict[str, nn.Module]) -> None:
    assert not torch.allclose(
        gradient(tgr(spellings["timm, fused"]), images()), gradient(tgr(spellings["timm, fused"], mlp="none"), images())
    )
    with pytest.raises(SuiteError, match=r"the model has no MLP of tokens that is recognised.*mlp=none"):
        tgr(spellings["eager"])
