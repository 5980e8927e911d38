"""Robust loss and accuracy of a model in training."""

import torch
from torch import Tensor, nn

from suite.attacks.adversary import Adversary
from suite.attacks.arguments import check_batch, check_count, check_positive
from suite.attacks.differentiate import frozen
from suite.attacks.walk import Norm, Settings
from suite.training import MANY_STEPS, ONE_STEP, Evaluation, as_pixels, evaluate

REACH = 2.5  # length of all steps of PGD together, in units of eps: Rice et al. 2020's 10 x 2/255 of 8/255


def robustness(
    model: nn.Module, images: Tensor, labels: Tensor, adversary: Adversary, batch_size: int = 250
) -> Evaluation:
    """Cross-entropy and accuracy in eval mode on the adversary's samples; no weight gets a gradient.

    Args:
        model: what is judged; the adversary has its own, the same under a gradient rule perhaps.
        images: (N, C, H, W), uint8 or float pixels in [0, 1].
        labels: (N,) int64.
        batch_size: samples attacked at once, >= 1.

    Raises SuiteError for no images, and where shapes or types are others.
    """
    check_count("batch_size", batch_size)
    check_batch(images, labels, eight_bit=True)
    with frozen(model, adversary.model):
        parts = torch.arange(len(labels), device=labels.device).split(batch_size)
        attacked = torch.cat([adversary(as_pixels(images[ids]), labels[ids]) for ids in parts])
    return evaluate(model, attacked, labels)


def one_and_many(
    model: nn.Module, images: Tensor, labels: Tensor, eps: float, norm: Norm = "linf", steps: int = 10
) -> dict[str, float]:
    """Accuracy under one step of length eps from the image, and under PGD from a random start, on the same samples.

    Meant for the `watch` of a training that `suite.training.Collapse` shall end.

    Args:
        eps: radius of the ball > 0, that of the training.
        steps: of PGD >= 1, each 2.5 eps / steps long.
    """
    check_positive("eps", eps)
    check_count("steps", steps)
    once = Adversary(model, eps, Settings(1, eps, norm), start="image")
    often = Adversary(model, eps, Settings(steps, REACH * eps / steps, norm))
    return {
        ONE_STEP: robustness(model, images, labels, once).accuracy,
        MANY_STEPS: robustness(model, images, labels, often).accuracy,
    }
