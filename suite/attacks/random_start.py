"""Random starts keyed by (seed, sample id), so that batch size, order and device do not change a result."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from suite.attacks.iterate import Settings


def ball_noise(ids: Sequence[int], shape: tuple[int, ...], *, seed: int, norm: str) -> Tensor:
    """Uniform draws from the unit ball of `norm` (`linf`: the cube [-1, 1]^d; `l2`), one per id: (len(ids), *shape)."""
    return torch.stack([_draw(sample_generator(seed, identity), shape, norm) for identity in ids])


def random_starts(images: Tensor, noise: Tensor, epsilons: tuple[float, ...], settings: Settings) -> Tensor:
    """Starts (E, N, ...) from unit-ball noise (N, ...): images + eps * noise, within the bounds."""
    moves = noise.to(images) * settings.unit
    return torch.stack([(images + eps * moves).clamp(*settings.bounds) for eps in epsilons])


def sample_generator(seed: int, identity: int) -> np.random.Generator:
    """A generator for one sample: the stream of a counter-based generator whose key is (seed, id).

    Not torch's: its CPU generator keeps 32 bits of a seed, and two of 60,000 samples would soon share one.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, identity], np.uint64)))


def _draw(generator: np.random.Generator, shape: tuple[int, ...], norm: str) -> Tensor:
    if norm == "linf":
        draw = generator.uniform(-1, 1, shape)
    else:  # a uniform direction times U^(1/d): the radius of a uniform point of the d-ball
        direction = generator.normal(size=shape)
        draw = direction * (generator.random() ** (1 / direction.size) / np.linalg.norm(direction))
    return torch.from_numpy(draw).float()
