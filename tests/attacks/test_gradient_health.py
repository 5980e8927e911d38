"""Gradients that an attack cannot follow are counted image by image, on models that hide them and an honest one."""

import torch
from torch import Tensor, nn

from suite.attacks import GradientHealth, gradient_health
from suite.attacks.losses import against

IMAGES, LABELS = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3
CROSS_ENTROPY = against("ce", LABELS, check=True)


class Masked(nn.Module):
    """A linear model behind a function of the pixels."""

    def __init__(self, mask: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mask, self.linear = mask, nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.mask(x.flatten(1)))
        return logits


class Rounded(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (4 * x).round() / 4


class RootOfNothing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x.detach()).abs().sqrt() + x  # the root's slope at 0 is infinite


def test_an_honest_model() -> None:
    assert gradient_health(Masked(nn.Identity()), IMAGES, CROSS_ENTROPY) == GradientHealth(zero=0, not_finite=0)


def test_rounded_pixels_have_no_gradient() -> None:
    assert gradient_health(Masked(Rounded()), IMAGES, CROSS_ENTROPY) == GradientHealth(zero=1, not_finite=0)


def test_a_root_at_zero_has_an_infinite_one() -> None:
    assert gradient_health(Masked(RootOfNothing()), IMAGES, CROSS_ENTROPY).not_finite == 1


def test_a_confident_model_hides_the_gradient_of_those_that_it_gets_right() -> None:
    """Logits 1e4 times as large saturate the softmax in float32: no gradient where the largest one is the label's."""
    model = Masked(nn.Identity())
    with torch.no_grad():
        model.linear.weight *= 1e4
        right = model(IMAGES).argmax(1) == LABELS
    assert 0 < right.sum() < len(LABELS)
    assert gradient_health(model, IMAGES, CROSS_ENTROPY).zero == right.double().mean()
    assert gradient_health(model, IMAGES, against("stable_ce", LABELS, check=True)).zero == 0
    assert gradient_health(model, IMAGES, against("nll_logits", LABELS, check=True)).zero == 0
