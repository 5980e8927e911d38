"""The equations of Li et al. 2022, Sec. 3 and App. A.2: one pure function each, over any number of runs at once.

Shapes: `...` stands for runs. Of one run, W is (d2, d1), V is (d3, d2), X is (N, d); x (..., S, d1) and w (..., S, d)
are S states of the same network, one a row.

Lemma 1 and all that is built on it (Eq. 13, 14, 21, 53-54, 59-68) are printed without a factor d3: the proof sets
E[V^T V] = I, but its (i, j) entry sums d3 products of standard Gaussians, so that E[V^T V] = d3 I. The functions
below therefore take `units`, how many independent rectifiers the expectation sums:

    units = d2        two-layer network, as printed
    units = d2 * d3   two-layer network, corrected
    units = N         one-layer network, N samples (Eq. 22, 73, 74; Tian's theorem)
"""

from math import erf, exp, pi, sqrt

import torch
from torch import Tensor


def two_layer(W: Tensor, V: Tensor, x: Tensor) -> Tensor:
    """Eq. 9: V relu(W x), as rows (..., S, d3)."""
    return (x @ W.mT).relu() @ V.mT


def attack_loss(W: Tensor, V: Tensor, x: Tensor, target: Tensor) -> Tensor:
    """Eq. 10: |g(x) - target|^2 / 2 (..., S), where target = g(x*) (..., 1, d3)."""
    return (two_layer(W, V, x) - target).square().sum(-1) / 2


def bp_attack_gradient(W: Tensor, V: Tensor, x: Tensor, target: Tensor) -> Tensor:
    """Eq. 11: W^T D(W, x) V^T (g(x) - g(x*)), the gradient of Eq. 10 with respect to x."""
    z = x @ W.mT
    return ((z.relu() @ V.mT - target) @ V * (z > 0)) @ W


def linbp_attack_gradient(W: Tensor, V: Tensor, x: Tensor, target: Tensor) -> Tensor:
    """Eq. 12: W^T V^T (g(x) - g(x*)), Eq. 11 without the rectifiers' derivative D(W, x)."""
    return (two_layer(W, V, x) - target) @ V @ W


def attack_gradients(W: Tensor, V: Tensor, x: Tensor, target: Tensor) -> Tensor:
    """Eq. 11 for x[..., 0, :, :] and Eq. 12 for x[..., 1, :, :], which read W and V once: (..., 2, S, d1) as x."""
    states = x.flatten(-3, -2)
    z = states @ W.mT
    signal = (z.relu() @ V.mT - target) @ V
    bp = slice(x.shape[-2])
    signal[..., bp, :] *= z[..., bp, :] > 0
    return (signal @ W).view(x.shape)


def one_layer(X: Tensor, w: Tensor) -> Tensor:
    """Eq. 16: relu(X w), as rows (..., S, N)."""
    return (w @ X.mT).relu()


def training_loss(X: Tensor, w: Tensor, target: Tensor) -> Tensor:
    """Eq. 17: |h(X, w) - target|^2 / 2 (..., S), a sum over samples; target = h(X, w*) (..., 1, N)."""
    return (one_layer(X, w) - target).square().sum(-1) / 2


def bp_training_gradient(X: Tensor, w: Tensor, target: Tensor) -> Tensor:
    """Eq. 18: X^T D(X, w) (h(X, w) - h(X, w*)), the gradient of Eq. 17 with respect to w."""
    z = w @ X.mT
    return ((z.relu() - target) * (z > 0)) @ X


def linbp_training_gradient(X: Tensor, w: Tensor, target: Tensor) -> Tensor:
    """Eq. 19: X^T (h(X, w) - h(X, w*)), Eq. 18 without D(X, w)."""
    return (one_layer(X, w) - target) @ X


def training_gradients(X: Tensor, w: Tensor, target: Tensor) -> Tensor:
    """Eq. 18 for w[..., 0, :] and Eq. 19 for w[..., 1, :], which read X once: (..., 2, d)."""
    z = w @ X.mT
    signal = z.relu() - target
    signal[..., 0, :] *= z[..., 0, :] > 0
    return signal @ X


def angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle in [0, pi] between vectors (..., d), also near 0 and pi, where arccos loses half the digits: (...)."""
    a = a / torch.linalg.vector_norm(a, dim=-1, keepdim=True)
    b = b / torch.linalg.vector_norm(b, dim=-1, keepdim=True)
    theta: Tensor = 2 * torch.atan2(torch.linalg.vector_norm(a - b, dim=-1), torch.linalg.vector_norm(a + b, dim=-1))
    return theta


def tian(e: Tensor, w: Tensor, units: float) -> Tensor:
    """Tian's Theorem 1: E[X^T D(X, e) D(X, w) X w] for a standard Gaussian X of `units` rows and a unit vector e.

    units / (2 pi) [(pi - theta) w + |w| sin(theta) e], where theta is the angle between e and w.
    """
    # In the plane of e and w a row is r u(phi) with E[r^2] = 2, seen for phi from theta - pi/2 to pi/2:
    # N / (2 pi) * 2 * integral of u (u.w) dphi. Off the plane E[x_k x.w] = 0 for a row's other coordinates.
    theta, length = angle(e, w)[..., None], torch.linalg.vector_norm(w, dim=-1, keepdim=True)
    mean: Tensor = units / (2 * pi) * ((pi - theta) * w + length * theta.sin() * e)
    return mean


def lemma_1(e: Tensor, x: Tensor, d2: int, d3: int = 1) -> Tensor:
    """Lemma 1: E[W^T D(W, e) V^T V D(W, x) W x] for standard Gaussian W and V; d3 = 1 is what is printed.

    Eq. 24 with what its first factor is: E[sum_d v_id v_jd] = d3 for i = j, where the proof says 1, and 0 else. What
    remains is d3 times Tian's expectation over the d2 rows of W.
    """
    return tian(e, x, d2 * d3)


def deviation(x: Tensor, x_star: Tensor) -> Tensor:
    """p_j and q_j of Eq. 21 and 22: theta x* - |x*| / |x| sin(theta) x, where BP leaves the straight way to x*."""
    theta = angle(x, x_star)[..., None]
    length, length_star = (torch.linalg.vector_norm(v, dim=-1, keepdim=True) for v in (x, x_star))
    p: Tensor = theta * x_star - length_star / length * theta.sin() * x
    return p


def expected_bp_gradient(x: Tensor, x_star: Tensor, units: float) -> Tensor:
    """Eq. 13 and 73: units/2 (x - x*) + units/(2 pi) p, for weights that are independent of x."""
    # Lemma 1 with e = x / |x|: G(e, x) has angle 0 and is units/2 x; G(e, x*) = units/(2 pi) [(pi - theta) x* + ...].
    return units / 2 * (x - x_star) + units / (2 * pi) * deviation(x, x_star)


def expected_linbp_gradient(x: Tensor, x_star: Tensor, units: float) -> Tensor:
    """Eq. 14 and 74: units/2 (x - x*), for weights that are independent of x."""
    # Without D(W, x) in front each term is a lemma with angle 0: e = x / |x| for the first, x* / |x*| for the second.
    return units / 2 * (x - x_star)


class StepSizeCondition:
    """Eq. 21 and 22 along a trajectory of BP: is the step small enough for what Theorems 1 and 2 assume?

    For m = 1, 2, ... and every coordinate i, with r = rate:

        |sum_{j<m} r/pi (1 - r)^(m-1-j) p_{j,i}| < |(1 - r)^m (x*_i - x0_i)|

    (Eq. 67 is the same, Eq. 79 with m + 1 for m.) Expected BP without clipping goes by
    x* - x' = (1 - r) (x* - x) + r/pi p, so that x* - x^(m) is what stands on the right plus what stands on the left:
    the condition keeps every coordinate on the side of x* where it began.

    Args:
        start, x_star: (..., d).
        rates: (F,) values of r = step size * units / 2, the share of the way to x* that expected LinBP takes a step.
    """

    def __init__(self, start: Tensor, x_star: Tensor, rates: Tensor) -> None:
        self.x_star = x_star
        self._kept = 1 - rates.view(-1, *[1] * start.ndim)
        self._sum = torch.zeros_like(start)
        self._gap = x_star - start

    def after(self, x: Tensor) -> Tensor:
        """Takes x^(m-1) (..., d), for the first call x^(0); says where the condition holds for m: (F, ..., d)."""
        self._sum = self._kept * self._sum + (1 - self._kept) / pi * deviation(x, self.x_star)
        self._gap = self._kept * self._gap
        return self._sum.abs() < self._gap.abs()


def lemma_2(u: float, v: float, mu1: float, sigma1: float, mu2: float, sigma2: float) -> float:
    """Lemma 2: E[(u a - v b) sgn(a - b)] for independent a ~ N(mu1, sigma1^2), b ~ N(mu2, sigma2^2)."""
    variance = sigma1**2 + sigma2**2
    density = exp(-((mu1 - mu2) ** 2) / (2 * variance)) / sqrt(2 * pi * variance)  # of a - b, at 0
    b_below_a = (1 + erf((mu1 - mu2) / sqrt(2 * variance))) / 2
    return 2 * density * (u * sigma1**2 + v * sigma2**2) + (u * mu1 - v * mu2) * (2 * b_below_a - 1)
