"""Data sets of the linear model: drawn by repeat, and turned into the row space where that is smaller."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class DataSets:
    """R data sets of n samples, in coordinates of k dimensions.

    X (R, n, k), y (R, n), theta0 (R, k): the part of theta0 that lies in these coordinates; hidden (R,): the squared
    length of its rest. noise2 (R,): the mean of the squared noise.
    """

    X: Tensor
    y: Tensor
    theta0: Tensor
    hidden: Tensor
    noise2: Tensor

    def distance2(self, theta: Tensor) -> Tensor:
        """|theta - theta0|^2 (R, E) of thetas (R, E, k)."""
        return (theta - self.theta0[:, None]).square().sum(-1) + self.hidden[:, None]


def draw(
    stream: str, repeats: Sequence[int], n: int, d: int, sigma: float, norm: float, seed: int, device: torch.device
) -> DataSets:
    """x ~ N(0, I_d), y = norm x_1 + noise, variance sigma^2: the law of x has no direction, theta0 takes the first.

    Draws are keyed by (seed, stream, n, d, repeat): data sets of two streams are independent.
    """
    drawn = []
    for repeat in repeats:
        generator = np.random.default_rng((seed, int.from_bytes(stream.encode()), n, d, repeat))
        drawn.append(generator.standard_normal((n, d + 1)))
    numbers = torch.from_numpy(np.stack(drawn)).to(device)
    X, noise = numbers[..., :d].contiguous(), sigma * numbers[..., d]
    theta0 = torch.zeros(len(drawn), d, dtype=X.dtype, device=device)
    theta0[:, 0] = norm
    hidden = torch.zeros(len(drawn), dtype=X.dtype, device=device)
    return DataSets(X, norm * X[..., 0] + noise, theta0, hidden, noise.square().mean(-1))


def in_row_space(data: DataSets) -> DataSets:
    """The same data sets in an orthonormal basis of the rows of X, where d > n: X = L Q becomes L (R, n, n).

    Zero-started gradient descent never leaves that space, clean or adversarial, and all lengths, residuals and risks
    are what they were: nothing of size d is left.
    """
    n, d = data.X.shape[-2:]
    if d <= n:
        return data
    L = torch.linalg.cholesky(data.X @ data.X.mT)
    signal = (data.X @ data.theta0[..., None]).squeeze(-1)
    theta0 = torch.linalg.solve_triangular(L, signal[..., None], upper=False).squeeze(-1)
    hidden = data.hidden + data.theta0.square().sum(-1) - theta0.square().sum(-1)
    return DataSets(L, data.y, theta0, hidden, data.noise2)
