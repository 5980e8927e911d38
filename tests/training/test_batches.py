"""Device-resident batches: exact pixels, and crops and flips that are what they say."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from suite.data import Split
from suite.errors import SuiteError
from suite.training import as_pixels, held_out, random_crop_flip, resident


def test_resident_copies_a_read_only_split() -> None:
    images = np.arange(2 * 1 * 2 * 2, dtype=np.uint8).reshape(2, 1, 2, 2)
    images.flags.writeable = False
    kept, labels = resident(Split(images, np.array([1, 0])))
    kept += 1
    assert images[0, 0, 0, 0] == 0
    assert kept.dtype == torch.uint8
    assert labels.tolist() == [1, 0]


def test_pixels_are_the_nearest_floats_and_agree_with_the_split() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    split = Split(images, np.zeros(1, dtype=np.int64))
    pixels = as_pixels(resident(split)[0])
    assert torch.equal(pixels.flatten(), (torch.arange(256, dtype=torch.float64) / 255).float())
    assert torch.equal(pixels, split.pixels())
    assert as_pixels(pixels) is pixels


def all_crops(image: torch.Tensor, mode: str) -> list[torch.Tensor]:
    height, width = image.shape[1:]
    padded = F.pad(image[None], (4, 4, 4, 4), mode=mode)[0]
    crops = [padded[:, top : top + height, left : left + width] for top in range(9) for left in range(9)]
    return [*crops, *(crop.flip(2) for crop in crops)]


def test_every_image_becomes_one_of_its_crops_and_all_of_them_occur() -> None:
    torch.manual_seed(0)
    image = torch.rand(2, 6, 7)
    batch = image.expand(4000, -1, -1, -1)
    for padding, mode in (("zero", "constant"), ("reflect", "reflect")):
        possible = torch.stack(all_crops(image, mode)).flatten(1)  # (162, 84)
        crops = random_crop_flip(batch, padding).flatten(1)  # type: ignore[arg-type]
        distance, which = torch.cdist(crops, possible, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        assert distance.max() == 0
        # Each crop has probability >= 1/162, so one is missed with probability < 162 exp(-4000 / 162) < 1e-8.
        # Reflection makes some crops equal to flipped ones.
        assert len(which.unique()) == len(possible.unique(dim=0))


def test_images_of_a_batch_move_independently() -> None:
    torch.manual_seed(1)
    crops = random_crop_flip(torch.rand(1, 1, 8, 8).expand(50, -1, -1, -1), "zero")
    assert len(torch.unique(crops, dim=0)) > 30


def test_held_out_samples_are_balanced_and_leave_the_rest() -> None:
    images, labels = torch.arange(40.0).view(40, 1, 1, 1), torch.arange(40) % 4
    (rest, rest_labels), (out, out_labels) = held_out((images, labels), 12, seed=3)
    assert sorted([*rest.flatten().tolist(), *out.flatten().tolist()]) == list(range(40))
    assert out_labels.bincount().tolist() == [3, 3, 3, 3] and len(rest_labels) == 28
    assert all(int(i) % 4 == int(y) for i, y in zip(out.flatten(), out_labels, strict=True))
    assert not torch.equal(out, held_out((images, labels), 12, seed=4)[1][0])
    for count in (0, 40):
        with pytest.raises(SuiteError, match="hold"):
            held_out((images, labels), count, seed=0)


def test_a_limited_split_is_a_balanced_sample_of_it() -> None:
    split = Split(np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1), np.arange(40) % 4)
    images, labels = resident(split, limit=8, seed=1)
    assert labels.bincount().tolist() == [2, 2, 2, 2]
    assert [int(i) % 4 for i in images.flatten()] == labels.tolist()
    assert len(resident(split)[1]) == 40
