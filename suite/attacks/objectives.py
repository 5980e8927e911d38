"""What APGD climbs: a loss of each sample together with its derivative by the logits, in closed form.

The targeted difference of logits ratio (Croce and Hein, ICML 2020, Eq. 7) does not change when logits are scaled or
shifted, so that a confident model cannot flatten it; with pi the order of the logits z, largest first,

    -(z_y - z_t) / (z_pi1 - (z_pi3 + z_pi4) / 2)
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from suite.attacks.losses import LOSSES
from suite.errors import SuiteError

CLASSES = 4  # that the targeted ratio asks for

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(logits (B, C), rows (B,): which samples of the batch that it was made for) -> losses (B,), derivatives (B, C)."""


def cross_entropy_of(labels: Tensor) -> Objective:
    """-log p_y for labels (N,)."""

    def objective(logits: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        y = labels[rows]
        return F.cross_entropy(logits, y, reduction="none"), LOSSES["ce"](logits, y)

    return objective


def dlr_towards(labels: Tensor, targets: Tensor) -> Objective:
    """The targeted ratio for labels (N,) and targets (N,); SuiteError, once it is called, for under 4 classes."""

    def objective(logits: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        check_enough(logits)
        order = logits.topk(CLASSES, dim=1).indices
        return _ratio(logits, (targets[rows], labels[rows]), (order[:, 0], order[:, 2:4]))

    return objective


def check_enough(logits: Tensor) -> None:
    """Raises SuiteError for logits (B, classes) of fewer classes than the ratio asks for."""
    if logits.shape[1] < CLASSES:
        what = f"the difference of logits ratio asks for {CLASSES} classes, and the model has {logits.shape[1]}"
        raise SuiteError(what, "use an attack on the cross-entropy, such as pgd")


def _ratio(logits: Tensor, above: tuple[Tensor, Tensor], below: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(z_a - z_b) / (z_c - mean of z_d) and its derivative; a, b, c are (B,), d is (B, k)."""
    numerator, by_numerator = _difference(logits, above[0], above[1][:, None])
    denominator, by_denominator = _difference(logits, *below)
    denominator = denominator + 1e-12  # four equal logits
    values = numerator / denominator
    return values, (by_numerator - values[:, None] * by_denominator) / denominator[:, None]


def _difference(logits: Tensor, first: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """z_first - mean of z_others, and its derivative (B, C)."""
    values = logits.gather(1, first[:, None])[:, 0] - logits.gather(1, others).mean(1)
    shares = torch.full_like(others, -1, dtype=logits.dtype) / others.shape[1]
    derivative = torch.zeros_like(logits).scatter_add_(1, others, shares)
    return values, derivative.scatter_add_(1, first[:, None], torch.ones_like(shares[:, :1]))
