"""Which rules compose, that order means nothing, and why the others do not."""

from collections.abc import Callable
from functools import partial
from itertools import permutations

import pytest
import torch
from torch import Tensor, nn

from modules.linbp import linbp
from suite.attacks import Autograd, differentiator, frozen
from suite.attacks.losses import cross_entropy
from suite.errors import SuiteError
from suite.gradients import GradientRule, bp, changing, compose, leaky, sgm, softplus

Differentiate = Callable[[nn.Module, Tensor], Tensor]
ABOUT_RECTIFIERS: list[GradientRule] = [
    partial(linbp, start="layer2"),
    partial(leaky, slope=0.2),
    partial(softplus, beta=5, start=1),
]


@pytest.mark.parametrize("rule", ABOUT_RECTIFIERS)
def test_a_rule_about_rectifiers_and_one_about_branches(
    residual: nn.Module, images: Tensor, gradient: Differentiate, rule: GradientRule
) -> None:
    skipping = partial(sgm, lam=0.5)
    both = [compose(*order)(residual) for order in permutations((rule, skipping))]
    expected = gradient(sgm(rule(residual), 0.5), images)
    for model in both:
        assert torch.equal(model(images), residual(images))
        assert torch.equal(gradient(model, images), expected)
    assert not torch.allclose(expected, gradient(rule(residual), images))
    assert not torch.allclose(expected, gradient(skipping(residual), images))
    assert torch.equal(gradient(compose(rule, partial(sgm, lam=1))(residual), images), gradient(rule(residual), images))


def test_a_single_rule_is_itself(residual: nn.Module, images: Tensor, gradient: Differentiate) -> None:
    found = gradient(compose(partial(sgm, lam=0.5))(residual), images)
    assert torch.equal(found, gradient(sgm(residual, 0.5), images))


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ((partial(linbp, start="all"), partial(leaky, slope=0.1)),
         r"linbp\(start=all\) and leaky\(slope=0.1\) both change the derivative of rectifiers \(choose one"),
        ((partial(softplus, beta=1), partial(softplus, beta=2)), "softplus.* and softplus.* both change the deriv"),
        ((partial(sgm, lam=0.5), partial(sgm, lam=0.2)), "both change the gradient of residual branches"),
        ((bp, partial(sgm, lam=0.2)), r"bp is backpropagation and adds nothing to a composition \(leave it out"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused_at_once(rules: tuple[GradientRule, ...], why: str) -> None:
    with pytest.raises(SuiteError, match=why):
        compose(*rules)


def test_what_only_a_model_tells_is_refused_with_it(residual: nn.Module) -> None:
    guo = partial(linbp, start="all", variant="guo")
    with pytest.raises(SuiteError, match=r"linbp\(start=all,variant=guo\) and sgm.* both change the gradient of resid"):
        compose(guo, partial(sgm, lam=0.5))(residual)
    with pytest.raises(SuiteError, match=r"linbp\(start=none\) is backpropagation"):
        compose(partial(linbp, start="none"), partial(sgm, lam=0.5))(residual)


def test_a_rule_that_says_nothing_of_itself_is_not_composed(residual: nn.Module, images: Tensor) -> None:
    class Wrapped(nn.Module):
        def __init__(self, model: nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Tensor) -> Tensor:
            return self.model(x)

    with pytest.raises(SuiteError, match=r"Wrapped does not say what it changes .*suite.gradients.changing"):
        compose(Wrapped, partial(sgm, lam=0.5))(residual)


def test_a_strangers_rule_composes_once_it_says_what_it_changes(residual: nn.Module, images: Tensor) -> None:
    @changing("rectifiers")
    def mine(model: nn.Module) -> nn.Module:
        return leaky(model, 0.5)

    assert torch.equal(compose(mine, partial(sgm, lam=0.5))(residual)(images), residual(images))
    with pytest.raises(SuiteError, match="mine and leaky"):
        compose(mine, partial(leaky, slope=0.1))


def test_the_engine_of_linbp_works_under_sgm(residual: nn.Module, images: Tensor) -> None:
    """A factor in the tail is a constant: one matrix still, equal to autograd."""
    model, labels = compose(partial(linbp, start="layer2"), partial(sgm, lam=0.5))(residual), torch.arange(3)
    with frozen(residual):
        engine, fact = differentiator(model, images.detach())
        assert fact == "jacobian"
        (logits, ours), (expected, exact) = (
            differentiate(images, lambda z: cross_entropy(z, labels)) for differentiate in (engine, Autograd(model))
        )
    assert torch.equal(logits, expected)
    assert torch.allclose(ours, exact, rtol=1e-9, atol=1e-12 * float(exact.abs().max()))
