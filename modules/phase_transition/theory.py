"""Xing, Song, Cheng (2022) in closed form: the linear model under l2 attack, and the rate that makes a net linear.

y = x^T theta0 + noise, x ~ N(0, I_d), noise ~ N(0, sigma^2). Tensors: X (..., n, d), y (..., n), theta (..., d); eps,
risks and strengths (...). Everything else is a plain number.
"""

from math import inf, pi, sqrt

import torch
from torch import Tensor

ABSOLUTE = sqrt(2 / pi)  # E|z| of a standard normal z


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


def collapse_order(n: int, d: int, sigma: float, norm: float) -> float:
    """`collapse_strength` for large n or d, by E |X^T y|^2 = n^2 (|theta0|^2 (1 + (d + 1)/n) + sigma^2 d/n).

    For d >> n it is sqrt(pi / 2) sqrt(d / n), whatever sigma and |theta0|.
    """
    return sqrt((norm**2 * (1 + (d + 1) / n) + sigma**2 * d / n) / (norm**2 + sigma**2)) / ABSOLUTE


def unchanged_strength(X: Tensor, y: Tensor) -> Tensor:
    """For n <= d, the largest eps at which the clean interpolator of least norm still minimises the adversarial risk.

    At r = 0 the signs may be any s in [-1, 1]^n; X^T s / n = -eps theta / |theta| with theta = X^T c, c = (X X^T)^-1 y,
    asks for |c_i| <= |theta| / (n eps) for all i: derived here.
    """
    c = torch.linalg.solve(X @ X.mT, y)
    norm = torch.linalg.vector_norm((c[..., None, :] @ X).squeeze(-2), dim=-1)
    strength: Tensor = norm / (X.shape[-2] * c.abs().amax(-1))
    return strength


def eps_star_order(n: int, d: int) -> float:
    """sqrt(d / n): the order of eps_star in Theorems 1 and 2."""
    return sqrt(d / n)


def eps_star_first_order(n: int, d: int, sigma: float, norm: float) -> float:
    """eps_star for d < n - 1 where it is small: the gap over the slope of the adversarial training loss at eps = 0.

    The loss grows by 2 eps |theta| mean|r|, |theta|^2 ~ |theta0|^2 + tr Var, mean|r| ~ sqrt(2/pi) sigma sqrt(1 - d/n).
    For d << n it is sqrt(pi / 2) (sigma / |theta0|) d / n: of order d / n, not sqrt(d / n). Derived here.
    """
    length = sqrt(norm**2 + variance_trace(n, d, sigma, norm))
    return generalisation_gap(n, d, sigma, norm) / (2 * length * ABSOLUTE * sigma * sqrt(1 - d / n))


def variance_trace(n: int, d: int, sigma: float, norm: float) -> float:
    """tr Var of the clean estimate (d < n: least squares; d > n: the interpolator of least norm), Lemma 1 mended.

    For d > n the estimate is P theta0 + noise, P the projection onto a uniform n-dimensional subspace: its mean is
    (n/d) theta0, so that |theta0|^2 (n/d) (1 - n/d) comes on top of what Lemma 1 prints.
    """
    if d < n:
        return lemma_1_printed(n, d, sigma)
    return lemma_1_printed(n, d, sigma) + norm**2 * (n / d) * (1 - n / d)


def lemma_1_printed(n: int, d: int, sigma: float) -> float:
    """tr Var as Lemma 1 prints it: sigma^2 min(n, d) / (|n - d| - 1); infinite for |n - d| <= 1."""
    return sigma**2 * min(n, d) / (abs(n - d) - 1) if abs(n - d) > 1 else inf


def generalisation_gap(n: int, d: int, sigma: float, norm: float) -> float:
    """Expectation of Delta, clean test minus clean training loss of the clean estimate (Lemma 2).

    d < n: sigma^2 (d / (n - d - 1) + d / n), of order d / n. d > n: training loss 0, hence the test loss.
    """
    if d < n:
        return lemma_1_printed(n, d, sigma) + sigma**2 * d / n
    return sigma**2 + norm**2 * (1 - n / d) + lemma_1_printed(n, d, sigma)


def curvature(n: int, d: int, eps: float = 0.0) -> float:
    """2 (1 + sqrt(d/n) + eps)^2: what bounds the curvature of the adversarial risk for large n and d.

    1 + sqrt(d/n) is the largest singular value of X / sqrt(n) in the limit (Marchenko and Pastur); for eps = 0 it is
    the largest eigenvalue of the clean Hessian (2/n) X^T X.
    """
    return 2 * (1 + sqrt(d / n) + eps) ** 2


def two_layer_rate(linear_rate: float, a: Tensor, slope: float) -> Tensor:
    """Learning rate eta (...) at which a two-layer net's effective coefficient moves as the linear one does (Prop. 1).

    f(x) = sum_j a_j phi(x^T theta_j) / sqrt(h), a (..., h), slope = phi'(0). To first order f(x) = x^T beta with
    beta = slope sum_j a_j theta_j / sqrt(h); a gradient step on theta moves beta by -eta slope^2 |a|^2 / h times the
    linear model's gradient, hence eta = linear_rate h / (|a|^2 slope^2).
    """
    return linear_rate * a.shape[-1] / (a.square().sum(-1) * slope**2)
