"""FAB towards a class: the nearest adversarial sample, by steps along the decision boundary's linear model.

Croce and Hein, Minimally distorted Adversarial Examples with a Fast Adaptive Boundary Attack (ICML 2020), Algorithm 1,
with one target class in place of all: a backward pass a step instead of one a class.
"""

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor

from suite.attacks.arguments import check_batch, check_choice, check_classes, check_count, check_positive, check_shape
from suite.attacks.ball import BallNorm, each, lengths
from suite.attacks.differentiate import Differentiator
from suite.attacks.hyperplane import to_hyperplane
from suite.attacks.waiting import window_on

LARGEST_BIAS = 0.1  # alpha_max: how much of a step may start at the image instead of at the iterate
OVERSHOOT = 1.05  # eta: how far beyond the linear model's boundary a step ends
SHORTEST = 1e-8  # of a move, where moves are compared
WAY_BACK = 0.9  # beta: an adversarial iterate goes back to this share of its distance from the image


def fab(
    differentiate: Differentiator,
    predict: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    targets: Tensor,
    eps: float,
    steps: int,
    *,
    norm: BallNorm = "linf",
    window: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Distances (N,) of the nearest misclassified samples that were met, infinite where none was, and those (N, ...).

    Any wrong class counts, whatever the target. Where none was met, the image stands for it.

    Args:
        differentiate: logits and input gradient of the model (suite.attacks.Autograd).
        predict: its logits.
        images: (N, ...) pixels in [0, 1], classified correctly.
        labels: (N,).
        targets: (N,), other classes.
        eps: in the norm: a sample leaves as soon as it has an adversarial that near; 0 asks for the nearest.
        steps: N_iter >= 1.
        norm: `linf`, `l2` or `l1`.
        window: steps between two looks at who leaves; None: as the device has it. The result is the same.

    Raises SuiteError for values outside these ranges, and for classes that the model does not have.

    Cost: per step two forward passes and one backward pass over the samples that have not left.
    """
    check_positive("eps", eps, zero=True)
    check_count("steps", steps)
    check_choice("norm", norm, get_args(BallNorm))
    check_batch(images, labels)
    check_shape("targets", targets, labels.shape)
    nearest, distances = images.clone(), torch.full_like(images.flatten(1)[:, 0], torch.inf)
    rows, x = torch.arange(len(images), device=images.device), images
    window = window or window_on(images.device)
    for step in range(steps):
        base, y, target = images[rows], labels[rows], targets[rows]
        gap, normal = _linear_model(differentiate, x, y, target, check=step == 0)
        x = _step(x, base, gap, normal, norm)
        with torch.no_grad():
            wrong = predict(x).argmax(1) != y
        away, before = lengths(x - base, norm), distances[rows]
        nearer = wrong & (away < before) & (before > eps)  # who is near enough may wait here to leave
        nearest[rows] = torch.where(each(nearer, x), x, nearest[rows])
        distances[rows] = torch.where(nearer, away, before)
        x = torch.where(each(wrong, x), base + WAY_BACK * (x - base), x)
        if step % window == window - 1:
            stays = distances[rows] > eps
            rows, x = rows[stays], x[stays]
            if not len(rows):
                break
    return distances, nearest


def _linear_model(
    differentiate: Differentiator, x: Tensor, labels: Tensor, targets: Tensor, *, check: bool
) -> tuple[Tensor, Tensor]:
    """z_target - z_label at x, (B,), and its gradient (B, ...)."""

    def cotangent(logits: Tensor) -> Tensor:
        if check:
            check_classes(torch.cat([labels, targets]), logits.shape[1])
        ones = torch.ones_like(logits[:, :1])
        return torch.zeros_like(logits).scatter_add(1, targets[:, None], ones).scatter_add(1, labels[:, None], -ones)

    logits, gradient = differentiate(x, cotangent)
    return (logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None]))[:, 0], gradient


def _step(x: Tensor, images: Tensor, gap: Tensor, normal: Tensor, norm: BallNorm) -> Tensor:
    """Beyond the linear model's boundary, from a point between the iterate and the image."""
    here, there, w = x.flatten(1), images.flatten(1), normal.flatten(1)
    offset = (w * here).sum(1) - gap  # <w, z> = offset where the linear model has no gap
    moves, moves_of_images = (to_hyperplane(points, w, offset, norm).view_as(x) for points in (here, there))
    own, of_image = (lengths(move, norm).clamp(min=SHORTEST) for move in (moves, moves_of_images))
    bias = each((own / (own + of_image)).clamp(max=LARGEST_BIAS), x)
    return ((1 - bias) * (x + OVERSHOOT * moves) + bias * (images + OVERSHOOT * moves_of_images)).clamp(0, 1)
