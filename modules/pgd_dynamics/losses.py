"""Losses l(f, y) of a scalar output, which the adversary raises, with two derivatives in f (Deng et al., Sec. 5.2)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from modules.pgd_dynamics.options import users_function

OfOutput = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """l, dl/df and d2l/df2, each an elementwise function of the output f and the label y, which broadcast."""

    name: str
    value: OfOutput
    first: OfOutput
    second: OfOutput


QUADRATIC = Loss(
    "quadratic",
    lambda f, y: (y - f).square(),
    lambda f, y: 2 * (f - y),
    lambda f, y: torch.full_like(f, 2.0),
)
"""(y - f)^2, the paper's main case (Eq. 2)."""

LOGISTIC = Loss(
    "logistic",
    lambda f, y: F.softplus(f, threshold=40) - y * f,
    lambda f, y: torch.sigmoid(f) - y,
    lambda f, y: torch.sigmoid(f) * torch.sigmoid(-f),
)
"""-y log p - (1 - y) log(1 - p) with p = 1 / (1 + e^-f) and y in {0, 1} (Sec. 5.2).

The paper bounds l'' by 1; it is at most 1/4.
"""


def user_loss(function: OfOutput, name: str = "user") -> Loss:
    """Any differentiable elementwise l(f, y), its derivatives by autograd."""

    def first(f: Tensor, y: Tensor, create_graph: bool = False) -> Tensor:
        with torch.enable_grad():
            f = f if create_graph else f.detach().requires_grad_()
            (slope,) = torch.autograd.grad(function(f, y).sum(), f, create_graph=create_graph)
        return slope

    def second(f: Tensor, y: Tensor) -> Tensor:
        with torch.enable_grad():
            f = f.detach().requires_grad_()
            slope = first(f, y, create_graph=True)
            if not slope.requires_grad:  # l is linear in f
                return torch.zeros_like(f)
            (curvature,) = torch.autograd.grad(slope.sum(), f)
        return curvature

    return Loss(name, function, first, second)


LOSSES = {loss.name: loss for loss in (QUADRATIC, LOGISTIC)}


def load_loss(text: str) -> Loss:
    """The loss that an option (`options.LossRef`) stands for. Raises SuiteError where a user's own cannot be loaded."""
    if text in LOSSES:
        return LOSSES[text]
    name, function = users_function(text)
    return user_loss(function, name)
