"""How many images are attacked at once."""

import numpy as np
import pytest

from modules.linbp.samples import at_once
from suite.data import Split


@pytest.mark.parametrize(
    ("shape", "images"), [((1, 8, 8), 3072), ((1, 28, 28), 250), ((3, 32, 32), 64), ((3, 224, 224), 64)]
)
def test_small_images_are_attacked_in_larger_batches(shape: tuple[int, ...], images: int) -> None:
    split = Split(np.zeros((2, *shape), np.uint8), np.zeros(2, np.int64))
    assert at_once(None, split) == images
    assert at_once(7, split) == 7
