"""A network on a ball of R^2 as a polynomial: f costs n^2 terms instead of m neurons, equal up to rounding.

softplus is analytic up to distance pi from the real axis, so that f on the square around the ball is analytic in each
coordinate and its Chebyshev coefficients fall geometrically: faster, the smaller eps max|w| is. They are computed by
interpolation; a degree is enough where the last two of every row and column are rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import pi

import torch
from torch import Tensor

from modules.pgd_dynamics.two_layer import TwoLayer

NODES = (12, 16, 24, 32, 48)  # per coordinate, from few to many
ROUNDING = 2e-15  # of the largest coefficient
_CELLS = 2**17


def polynomial(net: TwoLayer, centre: Tensor, radius: Tensor, evaluations: int) -> "_Polynomial | None":
    """The networks on the squares around the balls, where that pays: None otherwise.

    Args:
        net: S softplus networks on R^2. centre: (S, 1, 2). radius: (S, 1, 1).
        evaluations: how many points per network are going to be asked for.
    """
    if net.shape[2] != 2 or not net.activation.name.startswith("softplus") or net.W.dtype != torch.float64:
        return None
    for nodes in NODES:
        if 4 * nodes**2 > evaluations:
            return None
        coefficients = _interpolate(net, centre, radius, nodes)
        size = coefficients.abs()
        tail = torch.maximum(size[:, -2:].amax((1, 2)), size[:, :, -2:].amax((1, 2)))
        if bool((tail <= ROUNDING * nodes * size.amax((1, 2))).all()):
            return _Polynomial(net.W, net.a, net.activation, centre, radius, _with_derivatives(coefficients, radius))
    return None


@dataclass(frozen=True)
class _Polynomial(TwoLayer):
    centre: Tensor
    radius: Tensor
    coefficients: Tensor  # (S, n, 3 n): f, df/du1 and df/du2 side by side

    @property
    def terms(self) -> int:
        """How many numbers a point takes while it is evaluated."""
        return 5 * self.coefficients.shape[1]

    def at(self, seeds: Tensor | slice | Sequence[int]) -> "_Polynomial":
        """The networks of these places among the S."""
        names = ("W", "a", "centre", "radius", "coefficients")
        return replace(self, **{name: getattr(self, name)[seeds] for name in names})

    def value(self, points: Tensor) -> Tensor:
        """f (S, N)."""
        return self.value_and_gradient(points)[0]

    def value_and_gradient(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """f (S, N) and its gradient (S, N, 2)."""
        n = self.coefficients.shape[1]
        basis = _chebyshev((points - self.centre) / self.radius, n)  # (S, N, n, 2)
        rows = (basis[..., 0] @ self.coefficients).unflatten(-1, (3, n))
        found = (rows @ basis[..., 1, None])[..., 0]
        return found[..., 0], found[..., 1:]


def _chebyshev(x: Tensor, n: int) -> Tensor:
    """T_0 to T_{n-1} at x (..., 2): (..., n, 2)."""
    terms = [torch.ones_like(x), x]
    double = 2 * x
    while len(terms) < n:
        terms.append(torch.addcmul(-terms[-2], double, terms[-1]))
    return torch.stack(terms, -2)


def _interpolate(net: TwoLayer, centre: Tensor, radius: Tensor, n: int) -> Tensor:
    """Coefficients (S, n, n) of T_i(x1) T_j(x2) through n^2 Chebyshev nodes: the discrete cosine transform."""
    angle = (torch.arange(n, dtype=centre.dtype, device=centre.device) + 0.5) * (pi / n)
    x1, x2 = torch.meshgrid(angle.cos(), angle.cos(), indexing="ij")
    points = centre + radius * torch.stack([x1, x2], -1).view(1, -1, 2)
    size = max(1, _CELLS // (net.shape[0] * net.shape[1]))
    values = torch.cat([net.value(part) for part in points.split(size, 1)], 1).unflatten(1, (n, n))
    order = torch.arange(n, dtype=centre.dtype, device=centre.device)
    transform = (order[:, None] * angle).cos() * (2 / n)
    transform[0] /= 2
    coefficients: Tensor = transform @ values @ transform.mT
    return coefficients


def _with_derivatives(coefficients: Tensor, radius: Tensor) -> Tensor:
    """f, df/du1 and df/du2 (S, n, 3 n): T_k' = 2 k (T_{k-1} + T_{k-3} + ...), the last term halved where it is T_0."""
    n = coefficients.shape[-1]
    k = torch.arange(n, device=coefficients.device)
    below = (k[:, None] < k) & ((k - k[:, None]) % 2 == 1)
    derivative = (2 * k * below).to(coefficients)
    derivative[0] /= 2
    by_first, by_second = derivative @ coefficients, coefficients @ derivative.mT
    return torch.cat([coefficients, by_first / radius, by_second / radius], -1)
