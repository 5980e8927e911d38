"""PGD on the batches of a training, for adversarial training: nothing is read back, all draws are torch's own."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.attacks.differentiate import Autograd
from suite.attacks.iterate import Settings, step_in_ball
from suite.attacks.losses import LOSSES


@dataclass(frozen=True, eq=False)
class Adversary:
    """Turns a batch into adversarial samples: (pixels (B, C, H, W), labels (B,)) -> pixels (suite.training.fit).

    Every sample walks all steps. FGSM is one step from the clean image. `param.grad` is not touched.

    Args:
        model: pixels to logits; under the gradient rule that shall craft, in the mode it is in when called.
        eps: radius of the ball > 0, in the settings' norm.
        settings: steps, step size, norm, loss, bounds; `early_stop` and `unit` mean nothing here.
        random_start: begin at a uniform draw from the ball, from torch's generator of the pixels' device.
    """

    model: nn.Module
    eps: float
    settings: Settings
    random_start: bool = True

    def __call__(self, pixels: Tensor, labels: Tensor) -> Tensor:
        radius = pixels.new_full((), self.eps)
        x = pixels
        if self.random_start:
            x = (pixels + self.eps * unit_ball(pixels, self.settings.norm)).clamp(*self.settings.bounds)
        differentiate = Autograd(self.model)
        for _ in range(self.settings.steps):
            _, gradient = differentiate(x, lambda logits: LOSSES[self.settings.loss](logits, labels))
            x = step_in_ball(x, pixels, gradient, radius, self.settings)
        return x


def unit_ball(like: Tensor, norm: str) -> Tensor:
    """Uniform draws from the unit ball of a sample's space, of the shape (B, ...) and on the device of `like`."""
    if norm == "linf":
        return torch.empty_like(like).uniform_(-1, 1)
    direction = torch.randn_like(like)
    count = like[0].numel()
    lengths = torch.rand(len(like), device=like.device).pow(1 / count) / direction.flatten(1).norm(dim=1)
    draws: Tensor = direction * lengths.view(-1, *[1] * (like.ndim - 1))
    return draws
