"""The two-layer network of Deng et al. 2020 (Sec. 2) with everything in closed form, for many seeds and points at once.

    f(u) = sum_r a_r sigma(w_r . u),    no biases

Shapes: S networks (seeds) with m neurons on R^d, N points each: W (S, m, d), a (S, m), points (S or 1, N, d); values
are (S, N), gradients (S, N, d), Hessians (S, N, d, d).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

Elementwise = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Activation:
    """sigma with its first and second derivative; `sharpness` bounds |sigma'''| <= sharpness sigma''."""

    name: str
    value: Elementwise
    slope: Elementwise
    curvature: Elementwise
    sharpness: float


def softplus(beta: float = 1.0) -> Activation:
    """sigma(z) = log(1 + exp(beta z)) / beta, the paper's for beta = 1; |z| / 2 + z / 2 in the limit of large beta.

    sigma'' = beta s (1 - s) and sigma''' = beta (1 - 2 s) sigma'' with s = sigma' in (0, 1).
    """

    def curvature(z: Tensor) -> Tensor:
        slope = torch.sigmoid(beta * z)
        return beta * slope * torch.sigmoid(-beta * z)

    return Activation(
        "softplus" if beta == 1 else f"softplus({beta:g})",
        lambda z: F.softplus(z, beta, threshold=40),  # torch's 20 would cut off e^-20: not float64's accuracy
        lambda z: torch.sigmoid(beta * z),
        curvature,
        beta,
    )


RELU = Activation("relu", torch.relu, lambda z: (z > 0).to(z.dtype), torch.zeros_like, 0.0)
"""sigma' = 1[z > 0] as in backpropagation; sigma'' = 0, what it is at every point but the kinks."""


@dataclass(frozen=True)
class TwoLayer:
    """S networks of the same shape. W: (S, m, d); a: (S, m)."""

    W: Tensor
    a: Tensor
    activation: Activation

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, m, d)."""
        S, m, d = self.W.shape
        return S, m, d

    def at(self, seeds: Tensor | slice | Sequence[int]) -> "TwoLayer":
        """The networks of these places among the S."""
        return replace(self, W=self.W[seeds], a=self.a[seeds])

    def value(self, points: Tensor) -> Tensor:
        """f (S, N)."""
        return self._sum(self.activation.value(self._inner(points)))

    def gradient(self, points: Tensor) -> Tensor:
        """sum_r a_r sigma'(z_r) w_r (S, N, d)."""
        return (self.activation.slope(self._inner(points)) * self.a[:, None]) @ self.W

    def value_and_gradient(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Both from the same inner products."""
        z = self._inner(points)
        return self._sum(self.activation.value(z)), (self.activation.slope(z) * self.a[:, None]) @ self.W

    def linear_gradient(self) -> Tensor:
        """LinBP's gradient of f (S, 1, d): sum_r a_r w_r, the same at every point since sigma' is skipped."""
        return self.a[:, None] @ self.W

    def hessian(self, points: Tensor) -> Tensor:
        """sum_r a_r sigma''(z_r) w_r w_r^T (S, N, d, d)."""
        weights = self.activation.curvature(self._inner(points)) * self.a[:, None]
        S, m, d = self.W.shape
        if d * d <= 64:  # the products w_r w_r^T of all neurons are small, and one matrix product does all points
            outer = (self.W[..., :, None] * self.W[..., None, :]).reshape(S, m, d * d)
            flat: Tensor = weights @ outer
            return flat.reshape(*flat.shape[:-1], d, d)
        return torch.stack([self.W.mT @ (point[..., None] * self.W) for point in weights.unbind(1)], 1)

    def hessian_vector(self, points: Tensor, vectors: Tensor) -> Tensor:
        """The Hessian at each point times a vector (S, N, d)."""
        weights = self.activation.curvature(self._inner(points)) * self.a[:, None]
        return (weights * self._inner(vectors)) @ self.W

    def _inner(self, points: Tensor) -> Tensor:
        """z_r = w_r . u (S, N, m)."""
        return points @ self.W.mT

    def _sum(self, values: Tensor) -> Tensor:
        return (values @ self.a[..., None]).squeeze(-1)


def xavier(
    seeds: Sequence[int],
    m: int,
    d: int,
    activation: Activation | None = None,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> TwoLayer:
    """Sec. 2's initialisation, one network a seed: w_r ~ N(0, I / d), a_r = +-1 / sqrt(m) with probability 1/2 each.

    A network depends on its own seed alone, not on which others are drawn with it. The default activation is softplus.
    """
    if m < 1 or d < 1:
        raise ValueError(f"a network of width {m} on {d} inputs")
    W, a = torch.empty(len(seeds), m, d, dtype=torch.float64), torch.empty(len(seeds), m, dtype=torch.float64)
    for place, seed in enumerate(seeds):
        generator = keyed_generator(seed, "weights")
        W[place] = torch.randn(m, d, generator=generator, dtype=torch.float64) / d**0.5
        a[place] = (2 * torch.randint(2, (m,), generator=generator).double() - 1) / m**0.5
    W = W.mT.contiguous().mT  # what BLAS likes for few inputs: products with W are 3 times as fast
    return TwoLayer(W.to(device, dtype), a.to(device, dtype), activation or softplus())


def keyed_generator(seed: int, purpose: str) -> torch.Generator:
    """A generator on the CPU for one purpose under one seed, independent of those for other purposes."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7]))
