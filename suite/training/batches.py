"""Batches from a data set that lives on the device as two tensors: no loader, no per-sample Python."""

import numpy as np
import torch
from torch.nn import functional as F

from suite.data import Split
from suite.training.recipe import Augment

PADDING = 4  # pixels on each side before the random crop, as in the CIFAR literature


def resident(split: Split, device: str | torch.device = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """The whole split on the device: images (N, C, H, W) uint8, labels (N,) int64."""
    images = torch.from_numpy(np.array(split.images))  # a copy, since the memory map is read-only
    return images.to(device), torch.from_numpy(np.array(split.labels)).to(device)


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
