"""Batches from a data set that lives on the device as two tensors: no loader, no per-sample Python."""

import numpy as np
import torch
from torch.nn import functional as F

from suite.data import Split, balanced, sample
from suite.errors import SuiteError
from suite.training.recipe import Augment

PADDING = 4  # pixels on each side before the random crop, as in the CIFAR literature


Data = tuple[torch.Tensor, torch.Tensor]
"""Images (N, C, H, W) and labels (N,) int64, on one device."""


def resident(split: Split, device: str | torch.device = "cpu", *, limit: int | None = None, seed: int = 0) -> Data:
    """The split on the device, or a seeded class-balanced sample of it: images (N, C, H, W) uint8, labels (N,) int64.

    Raises SuiteError unless `limit` > 0.
    """
    ids = sample(split, limit, seed)
    whole = len(ids) == len(split)
    images, labels = (split.images, split.labels) if whole else (split.images[ids], split.labels[ids])
    # Copied, since the memory map is read-only.
    return torch.from_numpy(np.array(images)).to(device), torch.from_numpy(np.array(labels)).to(device)


def held_out(data: Data, count: int, seed: int) -> tuple[Data, Data]:
    """The data without `count` class-balanced samples, and those samples: a training and a validation set.

    Raises SuiteError unless 0 < count < N.
    """
    images, labels = data
    if not 0 < count < len(labels):
        raise SuiteError(f"cannot hold {count} of {len(labels)} samples out", "give a smaller, positive number")
    out = torch.zeros(len(labels), dtype=torch.bool)
    out[torch.from_numpy(balanced(labels.cpu().numpy(), count, seed))] = True
    out = out.to(labels.device)
    return (images[~out], labels[~out]), (images[out], labels[out])


def as_pixels(images: torch.Tensor) -> torch.Tensor:
    """Images as floats in [0, 1]: uint8 becomes the float32 nearest to k/255, floats pass unchanged."""
    if images.dtype != torch.uint8:
        return images
    # Divided by a tensor, because CUDA turns a division by a Python number into a product with its inverse.
    return images.float().div_(torch.full((), 255.0, device=images.device))


def random_crop_flip(pixels: torch.Tensor, padding: Augment) -> torch.Tensor:
    """Each image shifted by up to 4 pixels each way and mirrored with probability 1/2; same shape.

    Draws from torch's global generator of the pixels' device. `padding` says what moves in at the border.
    """
    batch, channels, height, width = pixels.shape
    sides = (PADDING,) * 4
    padded = F.pad(pixels, sides, mode="reflect") if padding == "reflect" else F.pad(pixels, sides)

    def draw(high: int) -> torch.Tensor:
        return torch.randint(high, (batch, 1), device=pixels.device)

    rows = draw(2 * PADDING + 1) + torch.arange(height, device=pixels.device)  # (B, H)
    columns = draw(2 * PADDING + 1) + torch.arange(width, device=pixels.device)  # (B, W)
    columns = torch.where(draw(2) == 1, columns.flip(1), columns)
    samples = torch.arange(batch, device=pixels.device)[:, None, None, None]
    planes = torch.arange(channels, device=pixels.device)[None, :, None, None]
    return padded[samples, planes, rows[:, None, :, None], columns[:, None, None, :]]
