"""How many images are attacked at once."""

import numpy as np
import pytest
import torch

from modules.linbp.batches import at_once, even
from suite.data import Split


@pytest.mark.parametrize(
    ("shape", "images"), [((1, 8, 8), 3072), ((1, 28, 28), 250), ((3, 32, 32), 64), ((3, 224, 224), 64)]
)
def test_small_images_are_attacked_in_larger_batches(shape: tuple[int, ...], images: int) -> None:
    split = Split(np.zeros((2, *shape), np.uint8), np.zeros(2, np.int64))
    assert at_once(None, split) == images
    assert at_once(7, split) == 7


@pytest.mark.parametrize(("count", "most"), [(256, 250), (128, 83), (530, 64), (5, 7), (1, 1)])
def test_batches_are_of_about_one_size(count: int, most: int) -> None:
    """As few batches as before; the last is smaller by less than there are batches."""
    batches = [len(batch) for batch in torch.arange(count).split(even(count, most))]
    assert sum(batches) == count and max(batches) <= most
    assert len(batches) == -(-count // most) and max(batches) - min(batches) < len(batches)
