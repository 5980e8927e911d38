"""Success against cost: what no other beats."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 1000


@dataclass(frozen=True)
class Front:
    """Of A arms, whether each is on the front `now`, and in which `share` of the resamples of the images."""

    now: NDArray[np.bool_]
    share: Floats


def on_front(cost: Floats, success: Floats) -> NDArray[np.bool_]:
    """Whether no other beats each: costs at most as much and succeeds at least as often, and one of them strictly.

    Equal arms do not beat each other.

    Args:
        cost: (A,) of A arms.
        success: (..., A), for example of many resamples.
    """
    cheaper, more = cost[:, None] <= cost, success[..., :, None] >= success[..., None, :]
    strictly = (cost[:, None] < cost) | (success[..., :, None] > success[..., None, :])
    beaten: NDArray[np.bool_] = np.any(cheaper & more & strictly, axis=-2)
    return ~beaten


def fronts(cost: Floats, shares: Floats, seed: int) -> Front:
    """The front of mean shares, and how it changes as images are drawn anew.

    Args:
        cost: (A,).
        shares: (images, A): how often each image succeeds under each arm.
        seed: of the draws.
    """
    n = len(shares)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES) / n
    means = np.round(weights @ shares, 12)  # sums in another order are the same share
    return Front(on_front(cost, np.round(shares.mean(0), 12)), on_front(cost, means).mean(0))
