"""What an image file can hold: pixels in 256 levels."""

import torch
from torch import Tensor


def eight_bit(pixels: Tensor) -> Tensor:
    """Pixels rounded to the nearest k/255, ties to even k; bit for bit those of a data set with these levels.

    From clean pixels of 256 levels, an image in a ball of radius eps stays in it where eps is a multiple of 1/255;
    else it can leave it by less than half a level, 1/510.
    """
    levels = (255 * pixels).round().clamp(0, 255)
    # Divided by a tensor, because CUDA turns a division by a Python number into a product with its inverse.
    return levels / torch.full((), 255.0, dtype=pixels.dtype, device=pixels.device)
