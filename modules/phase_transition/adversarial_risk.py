"""The linear model under l2 attack in closed form: its adversarial risk on data, and strengths at which that changes.

Tensors: X (..., n, d), y (..., n), theta (..., d); eps, risks and strengths (...). See `theory` for expectations.
"""

import torch
from torch import Tensor

from modules.phase_transition.theory import ABSOLUTE


def unit(theta: Tensor) -> Tensor:
    """theta / |theta|, and 0 at theta = 0, where the adversarial risk has no gradient: the zero start of Theorem 1."""
    norm = torch.linalg.vector_norm(theta, dim=-1, keepdim=True)
    direction: Tensor = torch.where(norm > 0, theta / norm.where(norm > 0, 1), 0)
    return direction


def attack(X: Tensor, y: Tensor, theta: Tensor, eps: Tensor) -> Tensor:
    """delta (..., n, d) of l2 length eps that maximises ((x + delta)^T theta - y)^2: eps sgn(r) theta / |theta|."""
    residual = (X @ theta[..., None]).squeeze(-1) - y
    delta: Tensor = eps[..., None, None] * residual.sign()[..., None] * unit(theta)[..., None, :]
    return delta


def adversarial_risk(X: Tensor, y: Tensor, theta: Tensor, eps: Tensor) -> Tensor:
    """Mean over samples of (|r| + eps |theta|)^2, r = x^T theta - y: the inner maximum of Eq. 2 in closed form."""
    residual = (X @ theta[..., None]).squeeze(-1) - y
    norm = torch.linalg.vector_norm(theta, dim=-1)
    risk: Tensor = (residual.abs() + (eps * norm)[..., None]).square().mean(-1)
    return risk


def adversarial_gradient(X: Tensor, y: Tensor, theta: Tensor, eps: Tensor) -> Tensor:
    """Gradient of `adversarial_risk` in theta: A + B + C + D of the proof of Theorem 1, with theta/|theta| = 0 at 0."""
    n, eps = X.shape[-2], eps[..., None]
    residual = (X @ theta[..., None]).squeeze(-1) - y
    norm = torch.linalg.vector_norm(theta, dim=-1, keepdim=True)
    pulled = residual + eps * norm * residual.sign()
    clean_and_signs = (pulled[..., None, :] @ X).squeeze(-2) / n
    shrinking = eps**2 * theta + eps * unit(theta) * residual.abs().mean(-1, keepdim=True)
    gradient: Tensor = 2 * (clean_and_signs + shrinking)
    return gradient


def population_risk(distance2: Tensor, norm: Tensor, sigma: float, eps: Tensor | float = 0.0) -> Tensor:
    """Population risk of Eq. 1 under attack eps, from |theta - theta0|^2 and |theta|.

    On fresh data r ~ N(0, s^2) with s^2 = sigma^2 + |theta - theta0|^2, so that E (|r| + eps |theta|)^2 is
    s^2 + 2 sqrt(2 / pi) eps |theta| s + eps^2 |theta|^2.
    """
    variance = sigma**2 + distance2
    return variance + 2 * ABSOLUTE * eps * norm * variance.sqrt() + (eps * norm) ** 2


def collapse_strength(X: Tensor, y: Tensor) -> Tensor:
    """The least eps from which on theta = 0 minimises the adversarial risk: |X^T y|_2 / |y|_1.

    At 0 the risk falls by 2 |X^T y|_2 / n per unit of length and rises by 2 eps |y|_1 / n: derived here.
    """
    falls: Tensor = torch.linalg.vector_norm((y[..., None, :] @ X).squeeze(-2), dim=-1)
    return falls / y.abs().sum(-1)


def unchanged_strength(X: Tensor, y: Tensor) -> Tensor:
    """For n <= d, the largest eps at which the clean interpolator of least norm still minimises the adversarial risk.

    At r = 0 the signs may be any s in [-1, 1]^n; X^T s / n = -eps theta / |theta| with theta = X^T c, c = (X X^T)^-1 y,
    asks for |c_i| <= |theta| / (n eps) for all i: derived here.
    """
    c = torch.linalg.solve(X @ X.mT, y)
    norm = torch.linalg.vector_norm((c[..., None, :] @ X).squeeze(-2), dim=-1)
    strength: Tensor = norm / (X.shape[-2] * c.abs().amax(-1))
    return strength
