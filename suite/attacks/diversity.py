"""Input diversity (Xie et al., CVPR 2019) as Guo et al. set it: half of the time the image is resized and padded.

With probability 1/2: nearest-resize to a random side in [S, 5/4 S] (32 to 40 on CIFAR), zero-pad at random to 5/4 S,
nearest-resize back to S. All three only move pixels, so together they are x -> R x C^T with selection matrices R and C,
and a gradient flows back as R^T g C. Both are exact: every entry is one pixel or a sum of pixels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from suite.attacks.keyed_draws import uniform

GROWTH = 5 / 4  # side of the padded image over that of the image
PURPOSE = 1  # of the draws


@dataclass(frozen=True)
class Resampling:
    """One resampling per sample: rows (N, 1, H, H) and columns (N, 1, W, W) of zeros and ones."""

    rows: Tensor
    columns: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """(..., N, C, H, W) -> the same shape."""
        return self.rows @ x @ self.columns.mT

    def pull_back(self, gradient: Tensor) -> Tensor:
        """The gradient with respect to x from that with respect to `apply(x)`."""
        return self.rows.mT @ gradient @ self.columns


def draw(images: Tensor, ids: Tensor, step: int, seed: int, probability: float = 0.5) -> Resampling:
    """A resampling for each of (N, C, H, W) images, keyed by (seed, id, step).

    The released code draws one for the whole batch, so that what a sample meets depends on the batch; the distribution
    that each sample meets is the same.
    """
    chance, size, top, left = uniform(seed, ids, step, 4, PURPOSE).unbind(1)
    kept = chance >= probability
    height, width = images.shape[-2:]
    return Resampling(_selection(height, size, top, kept, images), _selection(width, size, left, kept, images))


def _selection(side: int, size: Tensor, offset: Tensor, kept: Tensor, like: Tensor) -> Tensor:
    """(N, 1, side, side) in `like`'s dtype: 1 where an output row (or column) shows an input row, none where padded."""
    padded = round(GROWTH * side)
    resized = side + (size * (padded - side + 1)).long()  # in [side, padded]
    first = (offset * (padded - resized + 1)).long()  # of the resized image in the padded one
    pixels = torch.arange(side, device=like.device)
    place = pixels * padded // side - first[:, None]
    shown = place * side // resized[:, None]
    shown = torch.where((place >= 0) & (place < resized[:, None]), shown, -1)
    shown = torch.where(kept[:, None], pixels, shown)
    return (shown[:, :, None] == pixels).to(like.dtype)[:, None]
