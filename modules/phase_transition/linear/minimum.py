"""The minimum of the adversarial risk of many data sets at many attack strengths, with a certificate.

(|r| + c)^2 = min over 0 < w < 1 of r^2 / w + c^2 / (1 - w), at w = |r| / (|r| + c). With c = eps |theta| the risk is a
minimum over weighted ridge regressions; alternating between theta and w lowers it to the least value, since the bound
is convex in both together. How far it still is from there says the dual problem, whose value is a lower bound:
max over alpha of (alpha^T y)^2 / (n sum M_i^2), where M_i = max(|alpha_i|, c) and c >= 0 is the least with
eps sum_i M_i >= |X^T alpha|. (Fenchel's conjugate of (|r| + eps t)^2 in (r, t >= 0) is max(|alpha|, beta / eps)^2 / 4.)
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.phase_transition.adversarial_risk import collapse_strength, unchanged_strength
from modules.phase_transition.data_sets import DataSets

TINY = 1e-8  # least weight of a residual; those of residuals that vanish at the minimum go to zero with them


@dataclass(frozen=True)
class Minimum:
    """theta (R, E, k), risk and its derivative in eps, and the part of the risk by which it may be too large (R, E)."""

    theta: Tensor
    risk: Tensor
    slope: Tensor
    gap: Tensor


def minimise(
    data: DataSets, eps: Tensor, tolerance: Tensor | float = 1e-4, iterations: int = 300, every: int = 10
) -> Minimum:
    """The minimiser of the adversarial risk of each data set at strengths > 0: (E,) for all of them, or (R, E).

    Known exactly where it is 0 (eps >= collapse_strength) and, for n <= k, where it is the clean interpolator of
    least norm (eps <= unchanged_strength). Else taken when its relative gap is below the tolerance, looked at every so
    many iterations, or after the given number of them: the gap says which. Other data sets and strengths in the batch
    change nothing.
    """
    X, y = data.X[:, None], data.y[:, None]
    n, k = data.X.shape[-2:]
    kernel = X @ X.mT if n <= k else None
    strength = eps[..., None]
    zero = eps >= collapse_strength(data.X, data.y)[:, None]
    same = eps <= unchanged_strength(data.X, data.y)[:, None] if n <= k else torch.zeros_like(zero)
    weights = X.new_full((len(X), eps.shape[-1], n), 0.5)
    kept, gap = X.new_zeros(len(X), eps.shape[-1], k), X.new_zeros(len(X), eps.shape[-1])
    open_ = ~zero & ~same
    for iteration in range(1, iterations + 1):
        ridge = strength**2 * (1 / (1 - weights)).mean(-1, keepdim=True)
        theta = _weighted_ridge(X, y, kernel, weights, ridge)
        residual = theta @ data.X.mT - y
        attacked = residual.abs() + strength * torch.linalg.vector_norm(theta, dim=-1, keepdim=True)
        if iteration % every == 0 or iteration == iterations:
            left = 1 - _lower_bound(data, residual / weights, eps) / attacked.square().mean(-1)
            kept, gap = torch.where(open_[..., None], theta, kept), torch.where(open_, left, gap)
            open_ = open_ & ~(gap < tolerance)
            if not bool(open_.any()):
                break
        weights = (residual.abs() / attacked.clamp(min=1e-300)).clamp(TINY, 1 - TINY)
    if n <= k:
        kept = torch.where(same[..., None], clean_estimate(data)[:, None], kept)
    return _of(data, kept, eps, gap)


def clean_estimate(data: DataSets) -> Tensor:
    """The minimiser of the clean training loss (R, k): least squares, or the interpolator of least norm."""
    X, y = data.X, data.y
    if X.shape[-2] <= X.shape[-1]:
        return _combined(torch.linalg.solve(X @ X.mT, y), X)
    least_squares: Tensor = torch.linalg.solve(X.mT @ X, _combined(y, X))
    return least_squares


def _of(data: DataSets, theta: Tensor, eps: Tensor, gap: Tensor) -> Minimum:
    """Risk and, by the envelope theorem, its derivative in eps: 2 |theta| mean|r| + 2 eps |theta|^2."""
    residual = (theta @ data.X.mT - data.y[:, None]).abs()
    norm = torch.linalg.vector_norm(theta, dim=-1)
    risk = (residual + (eps * norm)[..., None]).square().mean(-1)
    return Minimum(theta, risk, 2 * norm * (residual.mean(-1) + eps * norm), gap)


def _weighted_ridge(X: Tensor, y: Tensor, kernel: Tensor | None, weights: Tensor, ridge: Tensor) -> Tensor:
    """argmin of mean r^2 / w + ridge |theta|^2 (R, E, k); over n unknowns where there are not more than k."""
    n = X.shape[-2]
    if kernel is not None:
        matrix = kernel + torch.diag_embed(n * ridge * weights)
        return _combined(torch.linalg.solve(matrix, y.expand_as(weights)), X)
    weighted = X / weights[..., None]
    matrix = X.mT @ weighted / n + torch.diag_embed(ridge.expand(-1, -1, X.shape[-1]))
    theta: Tensor = torch.linalg.solve(matrix, _combined(y, weighted) / n)
    return theta


def _combined(coefficients: Tensor, X: Tensor) -> Tensor:
    """X^T c (..., k)."""
    rows: Tensor = (coefficients[..., None, :] @ X).squeeze(-2)
    return rows


def _lower_bound(data: DataSets, alpha: Tensor, eps: Tensor) -> Tensor:
    """The dual value (R, E) of alpha (R, E, n), its length chosen best."""
    n = alpha.shape[-1]
    size, _ = alpha.abs().sort(-1)
    wanted = torch.linalg.vector_norm(alpha @ data.X, dim=-1, keepdim=True) / eps[..., None]
    larger = size.sum(-1, keepdim=True) - size.cumsum(-1)  # sum of those above the m smallest
    level = ((wanted - larger) / torch.arange(1, n + 1, device=alpha.device)).amin(-1, keepdim=True)
    filled = size.maximum(level)
    return (alpha * data.y[:, None]).sum(-1).square() / (n * filled.square().sum(-1))
