"""Adversarial fine-tuning of the clean estimate: Proposition 2's bound on its optimisation, and what it saves."""

from dataclasses import dataclass
from itertools import islice
from math import inf

import torch
from torch import Tensor

from modules.phase_transition.data_sets import DataSets
from modules.phase_transition.descent import descend
from modules.phase_transition.linear.minimum import Minimum

NEAR = 0.01  # a loss so much above the least one, relative, is near it


@dataclass(frozen=True)
class Training:
    """T steps of gradient descent, by data set and strength (R, E).

    excess: mean over theta^(0) ... theta^(T-1) of the adversarial training loss above the least one. bound: what
    Proposition 2 allows. steps: until the loss is near the least one; inf for more than T.
    """

    excess: Tensor
    bound: Tensor
    steps: Tensor


def train(
    data: DataSets, eps: Tensor, rate: float, steps: int, least: Minimum, start: Tensor | None = None
) -> Training:
    """Descends at strengths eps (E,) from `start` (R, E, k), such as the clean estimate, or from zero.

    The risk R is convex, so that R(theta) - R(best) <= g . (theta - best), g its gradient at theta. Summed over
    |theta^(t+1) - best|^2 = |theta^(t) - best|^2 - 2 rate g . (theta^(t) - best) + rate^2 |g|^2, the mean excess is at
    most (|theta^(0) - best|^2 - |theta^(T) - best|^2) / (2 rate T) + rate L^2 / 2, L the largest |g| on the way: the
    first and the last term of Proposition 2 at one learning rate, where the middle one vanishes.
    """
    total, lipschitz = torch.zeros_like(least.risk), torch.zeros_like(least.risk)
    near = torch.full_like(least.risk, inf)
    distances: list[Tensor] = []
    previous: Tensor | None = None
    for step, state in enumerate(islice(descend(data, eps, rate, start), steps + 1)):
        above = state.risk(eps) - least.risk
        near = torch.where(near.isinf() & (above <= NEAR * least.risk), float(step), near)
        total += above if step < steps else 0
        distances = [*distances[:1], (state.theta - least.theta).square().sum(-1)]
        if previous is not None:
            moved = torch.linalg.vector_norm(state.theta - previous, dim=-1)
            lipschitz = lipschitz.maximum(moved / rate)
        previous = state.theta
    bound = (distances[0] - distances[-1]) / (2 * rate * steps) + rate * lipschitz.square() / 2
    return Training(total / steps, bound, near)
