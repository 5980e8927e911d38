"""Random starts keyed by (seed, sample id), so that batch size, order and device do not change a result."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from suite.attacks.arguments import check_choice, check_images, check_radii, check_seed, check_shape
from suite.attacks.walk import Norm, Settings
from suite.errors import SuiteError


def ball_noise(ids: Sequence[int], shape: tuple[int, ...], *, seed: int, norm: str) -> Tensor:
    """Uniform draws from the unit ball of `norm` (`linf`: the cube [-1, 1]^d; `l2`), one per id: (len(ids), *shape).

    Raises SuiteError for another norm, and for a seed or an id outside [0, 2^64).
    """
    check_choice("norm", norm, get_args(Norm))
    check_seed(seed)
    if not all(0 <= identity < 2**64 for identity in ids):
        raise SuiteError(f"an id in {min(ids)} to {max(ids)}", "give whole numbers in [0, 2^64)")
    return torch.stack([_draw(sample_generator(seed, identity), shape, norm) for identity in ids])


def random_starts(images: Tensor, noise: Tensor, epsilons: tuple[float, ...], settings: Settings) -> Tensor:
    """Starts (E, N, ...) from unit-ball noise (N, ...): images + eps * noise, within the bounds.

    Raises SuiteError for radii that are no finite numbers >= 0 in ascending order, and for noise of another shape.
    """
    check_images(images)
    check_radii(epsilons, zero=True)
    check_shape("noise", noise, images.shape)
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
