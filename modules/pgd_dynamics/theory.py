"""The quantities of Deng et al. 2020, Sec. 3 and 4, over any number of networks and points at once.

The adversary maximises l(f(x + delta), y) over |delta| <= eps; like the paper, everything here speaks of the
minimisation of L = -l, so that a local maximum of the loss is a local minimum of L. The constraint is
c = |delta|^2 - eps^2, with dc = 2 delta and d2c = 2 I.

Scale is sharpness: f of sharpness beta at s x is s times f of sharpness beta s at x, so that an input of length s, a
ball of radius r s and a label y are, but for a factor, an input of length 1, a ball of radius r, a label y / s and
rectifiers s times as sharp. Derived here.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from modules.pgd_dynamics.losses import Loss
from modules.pgd_dynamics.two_layer import TwoLayer


@dataclass(frozen=True)
class Objective:
    """L(delta) = -l(f(x + delta), y) with derivatives in closed form. x: (S or 1, N or 1, d); y: (S or 1, N or 1).

    Every delta is (S, N, d), or (1, N, d) for the same points under all networks.
    """

    net: TwoLayer
    loss: Loss
    x: Tensor
    y: Tensor

    def at(self, seeds: Tensor | slice) -> "Objective":
        """The objectives of these places among the S."""
        x, y = (part if len(part) == 1 else part[seeds] for part in (self.x, self.y))
        return replace(self, net=self.net.at(seeds), x=x, y=y)

    def value(self, delta: Tensor) -> Tensor:
        """L (S, N)."""
        return -self.loss.value(self.net.value(self.x + delta), self.y)

    def gradient(self, delta: Tensor) -> Tensor:
        """dL = -l'(f) df (S, N, d)."""
        return self.value_and_gradient(delta)[1]

    def value_and_gradient(self, delta: Tensor) -> tuple[Tensor, Tensor]:
        """L (S, N) and dL (S, N, d)."""
        f, df = self.net.value_and_gradient(self.x + delta)
        return -self.loss.value(f, self.y), -self.loss.first(f, self.y)[..., None] * df

    def linbp_gradient(self, delta: Tensor) -> Tensor:
        """LinBP's field in place of dL: -l'(f) sum_r a_r w_r (S, N, d). In general the gradient of no function."""
        return self.value_and_linbp_gradient(delta)[1]

    def value_and_linbp_gradient(self, delta: Tensor) -> tuple[Tensor, Tensor]:
        """L (S, N) and LinBP's field (S, N, d)."""
        f = self.net.value(self.x + delta)
        return -self.loss.value(f, self.y), -self.loss.first(f, self.y)[..., None] * self.net.linear_gradient()

    def hessian(self, delta: Tensor) -> Tensor:
        """d2L = -l'(f) d2f - l''(f) df df^T (S, N, d, d), Sec. 5.2."""
        f, df = self.net.value_and_gradient(self.x + delta)
        first, second = (part(f, self.y)[..., None, None] for part in (self.loss.first, self.loss.second))
        return -first * self.net.hessian(self.x + delta) - second * df[..., :, None] * df[..., None, :]

    def hessian_vector(self, delta: Tensor, vectors: Tensor) -> Tensor:
        """d2L times a vector at each point (S, N, d)."""
        f, df = self.net.value_and_gradient(self.x + delta)
        first, second = (part(f, self.y)[..., None] for part in (self.loss.first, self.loss.second))
        along = (df * vectors).sum(-1, keepdim=True)
        return -first * self.net.hessian_vector(self.x + delta, vectors) - second * along * df


def multiplier(gradient: Tensor, delta: Tensor) -> Tensor:
    """lambda* = argmin |dL - lambda dc| = dL . delta / (2 |delta|^2) (...), for gradient and delta (..., d)."""
    return (gradient * delta).sum(-1) / (2 * delta.square().sum(-1))


def tangential(gradient: Tensor, delta: Tensor) -> Tensor:
    """Gamma = dL - lambda* dc (..., d): the gradient's part along the sphere.

    The paper also calls it the tangential part of df; that differs by the factor l'(f).
    """
    return gradient - 2 * multiplier(gradient, delta)[..., None] * delta


def lagrangian_hessian(hessian: Tensor, gradient: Tensor, delta: Tensor) -> Tensor:
    """Xi = d2L - lambda* d2c = d2L - 2 lambda* I (..., d, d)."""
    identity = torch.eye(delta.shape[-1], dtype=delta.dtype, device=delta.device)
    return hessian - 2 * multiplier(gradient, delta)[..., None, None] * identity


def tangent_eigenvalues(xi: Tensor, delta: Tensor) -> Tensor:
    """Eigenvalues of Xi on the tangent space of the sphere at delta, ascending (..., d - 1).

    At a critical point all > 0 is a strict local minimum of L on the sphere, all < 0 a maximum, mixed signs a saddle.
    """
    basis = tangent_basis(delta)
    eigenvalues: Tensor = torch.linalg.eigvalsh(basis.mT @ xi @ basis)
    return eigenvalues


def tangent_basis(delta: Tensor) -> Tensor:
    """Orthonormal tangent vectors at delta as columns (..., d, d - 1): Householder's reflection less its first."""
    normal = delta / torch.linalg.vector_norm(delta, dim=-1, keepdim=True)
    v = normal.clone()
    v[..., 0] += torch.where(normal[..., 0] < 0, -1.0, 1.0)  # away from zero: no cancellation
    identity = torch.eye(delta.shape[-1], dtype=delta.dtype, device=delta.device)
    reflection = identity - 2 * v[..., :, None] * v[..., None, :] / v.square().sum(-1)[..., None, None]
    basis: Tensor = reflection[..., 1:]
    return basis


def cosine(u: Tensor, v: Tensor) -> Tensor:
    """The cosine of the angle between vectors (..., d), which the paper writes as an angle: (...)."""
    u, v = (w / torch.linalg.vector_norm(w, dim=-1, keepdim=True) for w in (u, v))
    return (u * v).sum(-1)


@dataclass(frozen=True)
class Threshold:
    """Bounds over one ball of each network (S,): |df| >= slope_low, |d2f| <= curvature_high (spectral norm).

    `tau` = slope_low / curvature_high is sufficient for a regular landscape: a critical point of f on the sphere solves
    delta = +-eps df / |df|, and both maps contract when eps < tau, so that each has exactly one fixed point. L then has
    one minimum and one maximum there as long as l'(f) keeps its sign (own derivation: Theorem 5.1 is informal).
    """

    slope_low: Tensor
    curvature_high: Tensor

    @property
    def tau(self) -> Tensor:
        return self.slope_low / self.curvature_high


def threshold(net: TwoLayer, x: Tensor, eps: Tensor, directions: Tensor) -> Threshold:
    """The two bounds over sampled points of the sphere; between samples they are estimates, not certificates.

    The contraction is along arcs of the sphere, so that the ball's inside does not matter.

    Args:
        x: (S or 1, 1, d). eps: radii (S,) or (). directions: unit vectors (S or 1, N, d).
    """
    points = (x + eps.view(-1, 1, 1) * directions).expand(len(net.W), -1, -1)
    slopes, curvatures = [], []
    for network in range(len(net.W)):  # one at a time: a Hessian a point is much memory
        mine, at = net.at([network]), points[network : network + 1]
        slopes.append(torch.linalg.vector_norm(mine.gradient(at), dim=-1).amin())
        curvatures.append(torch.linalg.eigvalsh(mine.hessian(at)).abs().amax())
    return Threshold(torch.stack(slopes), torch.stack(curvatures))
