"""f and its gradient for many steps on the same network: a quarter of the time, equal up to rounding.

softplus(z) = relu(z) - log q with q = max(s, 1 - s) and s = sigma'(z), which the gradient needs anyway. Where all |a_r|
are one gamma, as in Xavier's initialisation, the sum of logarithms is the logarithm of two products: one logarithm a
thousand neurons in place of one each. Since q is in [1/2, 1], a product of 1,000 stays above float64's least number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from modules.pgd_dynamics.two_layer import TwoLayer

_PRODUCT = 1000


def fused(net: TwoLayer) -> TwoLayer:
    """The same network with a faster `value_and_gradient` (without autograd), or itself where that does not apply."""
    equal = bool((net.a.abs() == net.a.abs().flatten()[0]).all())
    applies = net.activation.name.startswith("softplus") and equal and net.W.dtype == torch.float64
    return _Fused(net.W, net.a, net.activation) if applies else net


@dataclass(frozen=True)
class _Fused(TwoLayer):
    _buffers: dict[tuple[int, ...], list[Tensor]] = field(default_factory=dict)

    def at(self, seeds: Tensor | slice | Sequence[int]) -> TwoLayer:
        """The networks of these places among the S, with working memory of their own."""
        return _Fused(self.W[seeds], self.a[seeds], self.activation)

    def value(self, points: Tensor) -> Tensor:
        """f (S, N)."""
        return self.value_and_gradient(points)[0]

    def value_and_gradient(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """f (S, N) and its gradient (S, N, d)."""
        beta, a = self.activation.sharpness, self.a[:, None]
        z, s, q, product = self._space((len(self.W), points.shape[1], self.W.shape[1]), points)
        torch.matmul(points, self.W.mT, out=z)
        torch.sigmoid(z if beta == 1 else torch.mul(z, beta, out=q), out=s)
        torch.maximum(torch.sub(1, s, out=q), s, out=q)
        logarithm = self._log_product(q, (a < 0).to(q), product) - self._log_product(q, (a > 0).to(q), product)
        value = (z.relu_() @ a.mT)[..., 0] - a[..., 0].abs() / beta * logarithm
        return value, s.mul_(a) @ self.W

    @staticmethod
    def _log_product(q: Tensor, left_out: Tensor, product: Tensor) -> Tensor:
        """log of the product of q over the neurons (S, N), less those with `left_out` = 1, which count as 1."""
        torch.maximum(q, left_out, out=product)
        return sum((block.prod(-1).log() for block in product.split(_PRODUCT, -1)), torch.zeros_like(q[..., 0]))

    def _space(self, shape: tuple[int, ...], like: Tensor) -> list[Tensor]:
        """Four arrays to work in, the same at every step: fresh memory costs more than the arithmetic."""
        if shape not in self._buffers:
            self._buffers[shape] = [torch.empty(shape, dtype=like.dtype, device=like.device) for _ in range(4)]
        return self._buffers[shape]
