"""eps_star of each data set, to the letter of its definition: no expectation is taken.

eps_star = sup {eps: least adversarial training loss at eps <= clean test loss of the clean model}. The least loss rises
with eps, from the clean training loss to the mean square of y, where theta = 0. So the set is empty where the training
loss is above the test loss already, and everything where the clean model tests no better than theta = 0.
"""

from dataclasses import dataclass, fields
from math import inf

import torch
from torch import Tensor

from modules.phase_transition.adversarial_risk import collapse_strength, population_risk
from modules.phase_transition.data_sets import DataSets
from modules.phase_transition.linear.minimum import clean_estimate, minimise

STEPS = 40  # of Newton's method; it takes 3 to 6, and as many again where a bisection comes in between
CLOSE = 1e-4  # relative error of eps_star
SHARPEST, LOOSEST = 1e-9, 1e-4  # relative gap of a least loss


@dataclass(frozen=True)
class Crossing:
    """Of R data sets (R,): eps_star, -inf where no eps is in the set and inf where all are; and clean losses.

    extrapolated: Algorithm A.1's from the clean model and one of a vanishing eps, a straight line through the least
    losses there: Delta over the loss's slope at 0; inf where that is 0, as for n <= k. delta: clean test minus clean
    training loss of the clean model. gap: relative, by which the least loss at eps_star may be too large; 0 where
    eps_star is infinite.
    """

    eps_star: Tensor
    extrapolated: Tensor
    delta: Tensor
    gap: Tensor


def crossing(data: DataSets, sigma: float) -> Crossing:
    """Newton's method in eps from the slope at 0, kept inside a bracket, for all data sets at once."""
    clean = clean_estimate(data)[:, None]
    residual = (clean @ data.X.mT - data.y[:, None]).abs()
    norm = torch.linalg.vector_norm(clean, dim=-1)
    test = population_risk(data.distance2(clean), norm, sigma)
    train = residual.square().mean(-1)
    none, all_ = train > test, data.y.square().mean(-1, keepdim=True) <= test
    found = (~none & ~all_)[:, 0]
    eps, gap = torch.where(none, -inf, inf)[:, 0].to(test.dtype), torch.zeros_like(test[:, 0])
    slope = 2 * norm * residual.mean(-1)
    interpolates = data.X.shape[-2] <= data.X.shape[-1]  # residuals are rounding then
    first = torch.full_like(slope, inf) if interpolates else torch.where(slope > 0, (test - train) / slope, inf)
    if bool(found.any()):
        chosen = DataSets(*(getattr(data, field.name)[found] for field in fields(DataSets)))
        eps[found], gap[found] = _solve(chosen, test[found], (test - train)[found], first[found])
    return Crossing(eps, first[:, 0], (test - train)[:, 0], gap)


def _solve(data: DataSets, test: Tensor, delta: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """Where the least loss reaches `test` (R, 1), from a first guess; and the gap of that loss."""
    below, above = torch.zeros_like(test), collapse_strength(data.X, data.y)[:, None]
    tolerance = (CLOSE * delta / test).clamp(SHARPEST, LOOSEST)
    eps = torch.where((eps > 0) & (eps < above), eps, above / 2)
    for _ in range(STEPS):
        least = minimise(data, eps, tolerance)
        over = least.risk - test
        below, above = torch.where(over <= 0, eps, below), torch.where(over > 0, eps, above)
        newton = eps - over / least.slope
        following = torch.where((newton > below) & (newton < above), newton, (below + above) / 2)
        moved, eps = (following - eps).abs() / eps, following
        if not bool((moved > CLOSE).any()):
            break
    return eps[:, 0], least.gap[:, 0]
