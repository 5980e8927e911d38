"""The small vision transformer: every rule for attention, tokens, blocks and rectifiers finds something to change."""

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.errors import SuiteError
from suite.gradients import compose, pna, sgm, silu, tgr, vdc
from suite.gradients.rule import GradientRule
from suite.models.vision_transformer import vit

RULES: dict[str, GradientRule] = {
    "pna": pna,
    "tgr": tgr,
    "vdc": vdc,
    "sgm": lambda model: sgm(model, 0.5),
    "linbp": lambda model: linbp(model, -1),
    "pna+sgm": compose(pna, lambda model: sgm(model, 0.5)),
}


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return vit(1, 8, 10, patch=4, width=32, depth=2).eval().requires_grad_(False)


def gradient(model: nn.Module) -> tuple[Tensor, Tensor]:
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits: Tensor = model(x)
    return logits.detach(), torch.autograd.grad(logits[:, 3].sum(), x)[0]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_changes_the_gradient_and_not_the_logits(name: str, network: nn.Module) -> None:
    logits, plain = gradient(network)
    same, changed = gradient(RULES[name](network))
    assert torch.equal(same, logits)
    assert bool(changed.isfinite().all()) and float(plain.abs().min()) > 0
    assert float((changed - plain).norm() / plain.norm()) > 0.01


def test_the_rule_for_relu_says_what_is_there(network: nn.Module) -> None:
    with pytest.raises(SuiteError, match="silu replaces the derivative of ReLU, and the model calls gelu"):
        gradient(silu(network, start="all"))
