"""What Theorem 3.1 assumes of a loss on the ball, as far as sampled points of it show."""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.pgd_dynamics.draws import directions
from modules.pgd_dynamics.theory import Objective

SAMPLED = 96  # directions in which the ball is looked at


@dataclass(frozen=True)
class Assumed:
    """What Theorem 3.1 assumes of a loss on the ball, one value a network (S,), seen at sampled points of it.

    slope: script L, the infimum of |dl/df| (Sec. 5.2; 2 |y - f| for the quadratic loss, where the paper drops the 2).
    holds: dl/df is nowhere 0 and does not change its sign. gradient: B_l, the infimum of |df|. steepest: the
    supremum of |dL|. spread: the largest angle between df at two points of the sphere, in Lemma 4.5.
    """

    slope: Tensor
    holds: Tensor
    gradient: Tensor
    steepest: Tensor
    spread: Tensor

    def lemma_4_5(self, eta: float) -> Tensor:
        """Eq. 6: spread + arccos sqrt(((L B_l)^2 - eta) / (L B_l)^2) <= pi / 4, and eta < min(1, L B_l)."""
        product = self.slope * self.gradient
        share = (1 - eta / product.square()).clamp(min=0)
        return (self.spread + share.sqrt().arccos() <= torch.pi / 4) & (product > eta) & (eta < 1) & self.holds


def assumed(objective: Objective, eps: float, seed: int = 0) -> Assumed:
    """Looks at the centre and at SAMPLED directions of the sphere and half-way there, the same for all networks."""
    d = objective.net.shape[2]
    sphere = eps * directions(seed, "sampled", SAMPLED, d).to(objective.x.device)[None]
    points = torch.cat([torch.zeros_like(sphere[:, :1]), sphere / 2, sphere], 1)
    f, df = objective.net.value_and_gradient(objective.x + points)
    first = objective.loss.first(f, objective.y)
    length = torch.linalg.vector_norm(df, dim=-1)
    unit = (df / length[..., None])[:, -SAMPLED:]
    spread = (unit @ unit.mT).amin((1, 2)).clamp(-1, 1).arccos()
    # A loss without a value (NaN) meets no label: its trajectories are recorded as what they are.
    same = ~(first == 0).any(1) & ~((first > 0).any(1) & (first < 0).any(1))
    return Assumed(first.abs().amin(1), same, length.amin(1), (first.abs() * length).amax(1), spread)
