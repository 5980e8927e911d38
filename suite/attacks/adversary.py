"""PGD on the batches of a training, for adversarial training: nothing is read back, all draws are torch's own."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from suite.attacks.arguments import check_batch, check_choice, check_positive
from suite.attacks.differentiate import Autograd, constant_weights
from suite.attacks.losses import Cotangent, against, kl_from
from suite.attacks.walk import Settings, step_in_ball
from suite.errors import SuiteError
from suite.training.mode import in_mode

Start = Literal["image", "uniform", "radial", "near"]
"""Where PGD begins: at the image; uniform in the ball; in l2 at a uniform direction and length, as Rice et al. 2020
do (in l_inf uniform); 0.001 x standard normal noise from the image, as TRADES and MART do."""

NEAR = 0.001


@dataclass(frozen=True, eq=False)
class Adversary:
    """Turns a batch into adversarial samples: (pixels (B, C, H, W), labels (B,)) -> pixels (suite.training.fit).

    Every sample walks all steps. FGSM is one step from the image. `param.grad` is not touched, nor, in eval mode, are
    batch statistics.

    Args:
        model: pixels to logits; under the gradient rule that shall craft.
        eps: radius of the ball > 0, in the settings' norm.
        settings: steps, step size, norm, loss, bounds; `early_stop` and `unit` mean nothing here.
        start: where the steps begin.
        mode: "eval", or "train" for the function that the training step is about to change: batch norm by the batch,
            whose running statistics move with every step of the attack, as in Rice et al. 2020's loop; dropout on.
        against: the settings' loss with the labels, or the divergence from the prediction on the clean image
            (TRADES), which is zero at the image: `start` must be another place.

    Raises SuiteError for values outside these ranges, and when called for a batch that is empty or of another kind.
    """

    model: nn.Module
    eps: float
    settings: Settings
    start: Start = "uniform"
    mode: Literal["eval", "train"] = "eval"
    against: Literal["labels", "clean"] = "labels"

    def __post_init__(self) -> None:
        check_positive("eps", self.eps)
        check_choice("start", self.start, get_args(Start))
        check_choice("mode", self.mode, ("eval", "train"))
        check_choice("against", self.against, ("labels", "clean"))
        if self.against == "clean" and self.start == "image":
            raise SuiteError("start='image' with against='clean'", "the divergence is flat there; give another start")

    def __call__(self, pixels: Tensor, labels: Tensor) -> Tensor:
        check_batch(pixels, labels)
        radius = pixels.new_full((), self.eps)
        with in_mode(self.model, training=self.mode == "train"), constant_weights(self.model):
            cotangent = self._cotangent(pixels, labels)
            x = (pixels + self._offset(pixels)).clamp(*self.settings.bounds) if self.start != "image" else pixels
            differentiate = Autograd(self.model)
            for _ in range(self.settings.steps):
                _, gradient = differentiate(x, cotangent)
                x = step_in_ball(x, pixels, gradient, radius, self.settings)
        return x

    def _cotangent(self, pixels: Tensor, labels: Tensor) -> Cotangent:
        if self.against == "clean":
            with torch.no_grad():
                return kl_from(self.model(pixels))
        on_cpu = labels.device.type == "cpu"  # elsewhere looking at labels would wait for the device at every batch
        return against(self.settings.loss, labels, check=on_cpu)

    def _offset(self, pixels: Tensor) -> Tensor:
        if self.start == "near":
            return NEAR * torch.randn_like(pixels)
        if self.start == "radial" and self.settings.norm == "l2":
            direction = torch.randn_like(pixels)
            lengths = self.eps * torch.rand(len(pixels), device=pixels.device) / direction.flatten(1).norm(dim=1)
            offset: Tensor = direction * lengths.view(-1, *[1] * (pixels.ndim - 1))
            return offset
        return self.eps * unit_ball(pixels, self.settings.norm)


def unit_ball(like: Tensor, norm: str) -> Tensor:
    """Uniform draws from the unit ball of a sample's space, of the shape (B, ...) and on the device of `like`."""
    if norm == "linf":
        return torch.empty_like(like).uniform_(-1, 1)
    direction = torch.randn_like(like)
    count = like[0].numel()
    lengths = torch.rand(len(like), device=like.device).pow(1 / count) / direction.flatten(1).norm(dim=1)
    draws: Tensor = direction * lengths.view(-1, *[1] * (like.ndim - 1))
    return draws
