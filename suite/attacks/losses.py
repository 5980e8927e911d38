"""Attack losses as cotangents: d loss / d logits in closed form, so that no loss graph is built or differentiated."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from suite.attacks.arguments import check_classes

Cotangent = Callable[[Tensor], Tensor]
"""Logits (B, C) -> d loss / d logits (B, C), the loss summed over the batch."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """softmax(z) - onehot(y): the gradient of -log p_y with respect to the logits z."""
    return torch.log_softmax(logits, dim=1).exp() - _onehot(logits, labels)


def nll_of_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """-onehot(y): the gradient of -z_y, which the released I-FGSM code of Li et al. ascends."""
    return -_onehot(logits, labels)


def stable_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """softmax over the wrong classes, -1 at y: cross-entropy's direction without its cancellation when p_y is near 1.

    softmax(z) - onehot(y) = (1 - p_y) (q - onehot(y)), q the softmax over the other classes; the positive factor
    does not matter to sign or normalised steps.
    """
    onehot = _onehot(logits, labels)
    return torch.softmax(logits.masked_fill(onehot.bool(), -torch.inf), dim=1) - onehot


def kl_from(clean: Tensor) -> Cotangent:
    """softmax(z') - softmax(z): the gradient of KL(softmax(z) || softmax(z')) with respect to the logits z'.

    `clean` (B, C) are the fixed logits z.
    """
    target = torch.softmax(clean, dim=1)
    return lambda logits: torch.softmax(logits, dim=1) - target


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ce": cross_entropy,
    "nll_logits": nll_of_logits,
    "stable_ce": stable_cross_entropy,
}


def against(loss: str, labels: Tensor, *, check: bool) -> Cotangent:
    """The named loss with these labels; with `check` they must be classes of the logits, which waits for the device."""

    def cotangent(logits: Tensor) -> Tensor:
        if check:
            check_classes(labels, logits.shape[1])
        return LOSSES[loss](logits, labels)

    return cotangent


def _onehot(logits: Tensor, labels: Tensor) -> Tensor:
    """Without a look at the labels, which would wait for the device: one that is no class gives zeros."""
    return (labels[:, None] == torch.arange(logits.shape[1], device=labels.device)).to(logits.dtype)
