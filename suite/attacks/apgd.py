"""APGD on the cross-entropy: PGD that finds its step size (Croce and Hein, ICML 2020, Algorithm 1), in the sup-norm."""

from math import ceil

import torch
from torch import Tensor
from torch.nn import functional as F

from suite.attacks.arguments import check_batch, check_count, check_positive, check_shape
from suite.attacks.differentiate import Differentiator
from suite.attacks.losses import against

MOMENTUM = 0.75  # alpha
ENOUGH = 0.75  # rho: the share of steps between checkpoints that must raise the loss, lest the step is halved


def apgd(
    differentiate: Differentiator, images: Tensor, labels: Tensor, eps: float, steps: int, start: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Which samples some iterate fools, (N,) booleans, and each sample's iterate of the largest loss, (N, ...).

    Args:
        differentiate: logits and input gradient of the model (suite.attacks.Autograd).
        images: (N, ...) pixels in [0, 1], the centres of the balls.
        labels: (N,).
        eps: radius in the sup-norm, > 0.
        steps: N_iter >= 1.
        start: (N, ...) first iterates within the ball; None: the images.

    Raises SuiteError for values outside these ranges, and for labels that are not the model's classes.

    Cost: steps + 1 forward and backward passes over all samples.
    """
    check_positive("eps", eps)
    check_count("steps", steps)
    check_batch(images, labels)
    if start is not None:
        check_shape("start", start, images.shape)
    low, high = (images - eps).clamp(min=0), (images + eps).clamp(max=1)

    def measure(x: Tensor, *, check: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        logits, gradient = differentiate(x, against("ce", labels, check=check))
        return F.cross_entropy(logits, labels, reduction="none"), gradient, logits.argmax(1) != labels

    def ball(x: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(x, low), high)

    x = previous = images if start is None else start
    loss, gradient, fooled = measure(x, check=True)
    best, best_loss, best_gradient = x, loss, gradient
    size = torch.full_like(loss, 2 * eps)
    rises = torch.zeros_like(loss)
    seen_size, seen_best, since = size, best_loss, 0
    milestones = checkpoints(steps)
    for step in range(steps):  # from x^(step) to x^(step + 1)
        halve = torch.zeros_like(fooled)
        if step in milestones[1:]:  # conditions 1 and 2 look at x^(0) ... x^(step)
            halve = (rises < ENOUGH * (step - since)) | ((size == seen_size) & (best_loss == seen_best))
            seen_size, seen_best, since = size, best_loss, step
            rises = torch.zeros_like(loss)
        z = ball(x + _each(size, x) * gradient.sign())
        moved = z if step == 0 else ball(x + MOMENTUM * (z - x) + (1 - MOMENTUM) * (x - previous))
        previous, x = x, moved
        earlier = loss
        loss, gradient, hit = measure(x)
        fooled = fooled | hit
        rises = rises + (loss > earlier)
        better = _each(loss > best_loss, x)
        best, best_gradient = torch.where(better, x, best), torch.where(better, gradient, best_gradient)
        best_loss = torch.maximum(best_loss, loss)
        size = torch.where(halve, size / 2, size)  # and those samples go on from their best iterate
        x, gradient = torch.where(_each(halve, x), best, x), torch.where(_each(halve, x), best_gradient, gradient)
        loss = torch.where(halve, best_loss, loss)
    return fooled, best


def checkpoints(steps: int) -> tuple[int, ...]:
    """w_j = ceil(p_j N_iter), p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06), up to N_iter."""
    shares = [0.0, 0.22]
    while shares[-1] <= 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return tuple(sorted({ceil(round(share * steps, 9)) for share in shares if share <= 1}))


def _each(values: Tensor, like: Tensor) -> Tensor:
    """(N,) values as one per sample of (N, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))
