"""Random starts keyed by (seed, sample id), so that batch size, order and device do not change a result."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


def ball_noise(ids: Sequence[int], shape: tuple[int, ...], *, seed: int, norm: str) -> Tensor:
    """Uniform draws from the unit ball of `norm` (`linf`: the cube [-1, 1]^d; `l2`), one per id: (len(ids), *shape)."""
    return torch.stack([_draw(sample_generator(seed, identity), shape, norm) for identity in ids])


def sample_generator(seed: int, identity: int) -> torch.Generator:
    """A CPU generator for one sample; independent streams for different (seed, id)."""
    digest = hashlib.sha256(f"{seed}:{identity}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little", signed=True))


def _draw(generator: torch.Generator, shape: tuple[int, ...], norm: str) -> Tensor:
    if norm == "linf":
        return torch.rand(shape, generator=generator) * 2 - 1
    # A uniform direction times U^(1/d): the radius of a uniform point of the d-ball.
    direction = torch.randn(shape, generator=generator)
    radius = torch.rand((), generator=generator) ** (1 / direction.numel())
    draw: Tensor = direction * (radius / direction.norm())
    return draw
