"""The two-layer ReLU nets of Wang et al. 2022 (Sec. 2.1), many of one shape, as a module and in closed form.

    f(x) = (1 / sqrt m) sum_s a_s relu(w_s . x [+ b_s]) [+ c],    a_s = +-1 and c = +-1 / sqrt m fixed

Initially w_s ~ N(0, I_d). The released code adds trained biases b_s ~ N(0, 1) and the fixed c; the paper's theory and
its Appendix A have neither. Shapes: S nets of m neurons on R^d, N points each; points are (N, d), the same for all
nets, or (S, N, d); values are (S, N), gradients (S, N, d).
"""

import hashlib
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


class LazyNets(nn.Module):
    """S nets of one shape. Their rectifier is one nn.ReLU, so that every gradient rule applies to all of them at once.

    Args:
        weight: w, (S, m, d), trained.
        signs: a, (S, m), of +-1, fixed.
        bias: b, (S, m), trained; None: the nets have no biases.
        output_bias: c, (S,), fixed; None: no such bias.
    """

    linbp_start = "all"  # where LinBP begins: at the only rectifier there is
    signs: Tensor
    output_bias: Tensor | None

    def __init__(
        self, weight: Tensor, signs: Tensor, bias: Tensor | None = None, output_bias: Tensor | None = None
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)
        self.register_buffer("signs", signs)
        self.register_buffer("output_bias", output_bias)
        self.relu = nn.ReLU()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, m, d)."""
        S, m, d = self.weight.shape
        return S, m, d

    def forward(self, x: Tensor) -> Tensor:
        """f (S, N) at points (N, d) or (S, N, d)."""
        return self._sum(self.relu(self.inner(x)))

    def inner(self, x: Tensor) -> Tensor:
        """w_s . x + b_s (S, N, m)."""
        product: Tensor = x @ self.weight.mT
        return product if self.bias is None else product + self.bias[:, None]

    @torch.no_grad()
    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f (S, N) and its gradient (1 / sqrt m) sum_s a_s 1[w_s . x + b_s > 0] w_s (S, N, d)."""
        inner = self.inner(x)
        gates = (inner > 0) * (self.signs / self.scale)[:, None]
        return self._sum(inner.relu_()), gates @ self.weight

    @torch.no_grad()
    def linear_direction(self) -> Tensor:
        """LinBP's gradient (1 / sqrt m) W^T a (S, 1, d), the same at every point: no rectifier is differentiated."""
        return (self.signs / self.scale)[:, None] @ self.weight

    @property
    def scale(self) -> float:
        """sqrt m."""
        return math.sqrt(self.weight.shape[1])

    @torch.no_grad()
    def at(self, places: Tensor | slice | Sequence[int]) -> "LazyNets":
        """A copy of the nets at these places among the S."""
        bias = None if self.bias is None else self.bias[places].clone()
        output_bias = None if self.output_bias is None else self.output_bias[places].clone()
        return LazyNets(self.weight[places].clone(), self.signs[places].clone(), bias, output_bias)

    def _sum(self, rectified: Tensor) -> Tensor:
        total = (rectified @ (self.signs / self.scale)[..., None]).squeeze(-1)
        return total if self.output_bias is None else total + self.output_bias[:, None]


def initial(
    seeds: Sequence[int],
    m: int,
    d: int,
    *,
    biases: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> LazyNets:
    """Nets at initialisation, one a seed; each depends on its own seed alone, not on which are drawn with it.

    Args:
        biases: the released code's, b_s ~ N(0, 1) and c = +-1 / sqrt m.
    """
    if m < 1 or d < 1:
        raise ValueError(f"a net of width {m} on {d} inputs")
    weight, signs, bias, output_bias = (
        torch.empty(len(seeds), *shape, dtype=dtype, device=device) for shape in ((m, d), (m,), (m,), ())
    )
    for place, seed in enumerate(seeds):
        generator = keyed_generator(seed, f"weights {m} x {d}")  # nets of two shapes share no draws
        weight[place] = torch.randn(m, d, generator=generator)
        signs[place] = _coins(m, generator)
        bias[place] = torch.randn(m, generator=generator)
        output_bias[place] = _coins(1, generator)[0] / m**0.5
    return LazyNets(weight, signs, bias, output_bias) if biases else LazyNets(weight, signs)


def keyed_generator(seed: int, purpose: str) -> torch.Generator:
    """A generator on the CPU for one purpose under one seed, independent of those for other purposes."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7]))


def net_seeds(seed: int, runs: Iterable[int]) -> list[int]:
    """The seeds of a study's runs 0, 1, ...: those of another study seed share none."""
    return [1_000_000 * seed + run for run in runs]


def portions(networks: int, numbers: int) -> list[range]:
    """The runs 0, 1, ... in portions of 2^27 numbers (half a GiB) at most, of which a net holds so many."""
    length = max(1, 2**27 // numbers)
    return [range(first, min(first + length, networks)) for first in range(0, networks, length)]


def _coins(n: int, generator: torch.Generator) -> Tensor:
    """n times +1 or -1, with probability 1/2 each, as float32."""
    return 2.0 * torch.randint(2, (n,), generator=generator) - 1.0
