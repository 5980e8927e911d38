"""Whether an attack on a model can be believed, tried on a few images: what masks a gradient shows itself here."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.attacks.differentiate import Autograd
from suite.attacks.iterate import iterate
from suite.attacks.walk import Norm, Settings

STEPS = 40  # of the attack without a bound
STEP = 0.1  # of the range of a pixel


@dataclass(frozen=True)
class OutputProbe:
    """What is odd about a model's outputs.

    Args:
        probabilities: all of them are >= 0 and sum to 1: the loss then takes the softmax of a softmax.
        stochastic: share of the images, in [0, 1], whose logits differ between two calls.
    """

    probabilities: bool
    stochastic: float


@dataclass(frozen=True)
class UnboundedProbe:
    """What an attack that may change any pixel to anything does; one that follows a gradient fools every image.

    Args:
        fooled: images that it fools, of `images`.
        not_risen: images whose loss is no larger at the end than at the start.
        images: how many were tried.
    """

    fooled: int
    not_risen: int
    images: int


@torch.no_grad()
def probe_outputs(model: nn.Module, images: Tensor) -> OutputProbe:
    """Calls the model twice on images (N, C, H, W)."""
    first, second = model(images), model(images)
    sums = first.double().sum(1)
    probabilities = bool((first >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-4)
    return OutputProbe(probabilities, float((first != second).any(1).double().mean()))


def probe_unbounded(
    attacked: nn.Module, model: nn.Module, images: Tensor, labels: Tensor, *, norm: Norm = "linf", loss: str = "ce"
) -> UnboundedProbe:
    """I-FGSM with large steps in a ball that holds every image, from images (N, C, H, W) of labels (N,).

    Args:
        attacked: the model under the gradient rule that the attack follows.
        model: the true one, which says what is fooled; its cross-entropy is the loss that must rise.
        norm: of a step; in l2 as long as a step of the sup-norm that changes every pixel.
        loss: that the attack climbs, see `Settings`.
    """
    radius = 1.0 if norm == "linf" else float(images[0].numel()) ** 0.5
    settings = Settings(STEPS, STEP * radius, norm, loss)
    end = iterate(Autograd(attacked), model, images, labels, (radius,), settings, judge=model)
    with torch.no_grad():
        before, after = (
            F.cross_entropy(model(x).double(), labels, reduction="none") for x in (images, end.adversarials[0])
        )
    return UnboundedProbe(int(end.fooled[0].any(-1).sum()), int((~(after > before)).sum()), len(images))
