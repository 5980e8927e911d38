import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from suite.data import Split, load, sample
from suite.errors import SuiteError


def split_of(*sizes: int) -> Split:
    """A shuffled split of one-pixel images with the given class sizes."""
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    return Split(np.zeros((len(labels), 1, 1, 1), dtype=np.uint8), labels)


def counts(split: Split, ids: np.ndarray) -> list[int]:
    return np.bincount(split.labels[ids], minlength=split.labels.max() + 1).tolist()


def test_pixels_are_the_nearest_floats_to_k_over_255() -> None:
    split = Split(np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8), np.zeros(4, dtype=np.int64))
    expected = (np.arange(256, dtype=np.float64) / 255).astype(np.float32).reshape(4, 1, 8, 8)
    assert split.pixels().dtype == torch.float32
    np.testing.assert_array_equal(split.pixels().numpy(), expected)


def test_pixels_and_targets_follow_the_ids_in_their_order() -> None:
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    split = Split(images, np.array([9, 8, 7, 6, 5]))
    ids = np.array([3, 0, 3])
    assert (split.pixels(ids) * 255).round().flatten().tolist() == [3, 0, 3]
    assert split.targets(ids).tolist() == [6, 9, 6]
    assert split.targets().tolist() == [9, 8, 7, 6, 5]
    assert split.targets().dtype == torch.int64


def test_tensors_of_a_memory_map_are_writable_copies() -> None:
    test = load("digits").test
    assert isinstance(test.images, np.memmap)
    assert not test.images.flags.writeable
    before = test.images[:2].copy()
    for ids in (None, np.array([0, 1])):
        test.pixels(ids).fill_(0.5)
    test.targets().fill_(0)
    np.testing.assert_array_equal(test.images[:2], before)
    assert test.labels.any()


@pytest.mark.parametrize("limit", [None, 30, 31])
def test_sample_is_everything_when_the_limit_does_not_bind(limit: int | None) -> None:
    assert sample(split_of(10, 20), limit, seed=0).tolist() == list(range(30))


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 29, 30])
def test_sample_sizes_differ_by_at_most_one(limit: int) -> None:
    split = split_of(10, 15, 20)
    ids = sample(split, limit, seed=3)
    assert len(ids) == limit
    assert ids.tolist() == sorted(set(ids.tolist()))
    assert max(counts(split, ids)) - min(counts(split, ids)) <= 1


def test_sample_takes_all_of_a_small_class_and_fills_from_the_others() -> None:
    split = split_of(2, 50, 50)
    assert counts(split, sample(split, 42, seed=0)) == [2, 20, 20]


def test_sample_copes_with_a_class_without_members() -> None:
    split = split_of(5, 0, 5)
    assert counts(split, sample(split, 4, seed=0)) == [2, 0, 2]


def test_sample_depends_on_the_seed_alone_and_nests() -> None:
    split = split_of(50, 50)
    ids = sample(split, 20, seed=5)
    np.testing.assert_array_equal(ids, sample(split, 20, seed=5))
    assert ids.tolist() != sample(split, 20, seed=6).tolist()
    assert set(ids.tolist()) < set(sample(split, 33, seed=5).tolist())


def test_sample_is_the_same_on_every_platform() -> None:
    split = Split(np.zeros((12, 1, 1, 1), dtype=np.uint8), np.arange(12) % 3)
    assert sample(split, 6, seed=0).tolist() == [1, 2, 3, 6, 7, 11]


def test_every_image_is_drawn_equally_often() -> None:
    """4 of 20 in 2,000 seeds: 400 hits each on average, standard deviation sqrt(2000 * 0.2 * 0.8) = 17.9."""
    split = split_of(10, 10)
    hits = sum(np.bincount(sample(split, 4, seed), minlength=20) for seed in range(2000))
    assert np.abs(hits - 400).max() < 5 * 17.9


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_that_is_not_positive_is_refused(limit: int) -> None:
    with pytest.raises(SuiteError, match=f"cannot take {limit} images"):
        sample(split_of(3, 3), limit, seed=0)


def test_digits_are_the_whole_set_split_without_overlap() -> None:
    from sklearn.datasets import load_digits

    digits = load("digits")
    assert (digits.shape, digits.num_classes, digits.classes) == ((1, 8, 8), 10, tuple("0123456789"))
    assert np.bincount(digits.test.labels).tolist() == [54] * 10
    scaled = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    rows = [split.images.reshape(-1, 64) for split in (digits.train, digits.test)]
    both = np.concatenate(rows)
    order, expected = (np.lexsort(array.T) for array in (both, scaled.reshape(-1, 64)))
    np.testing.assert_array_equal(both[order], scaled.reshape(-1, 64)[expected])


def test_digits_keep_their_labels_and_their_split() -> None:
    digits = load("digits")
    assert digits.test.images.max() == 255
    assert digits.digest.startswith("0a6645a40f56ef45")
    means = np.stack([digits.train.images[digits.train.labels == k].mean(axis=0) for k in range(10)]).reshape(10, 64)
    tests = digits.test.images.reshape(-1, 64).astype(float)
    nearest = ((tests[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == digits.test.labels).mean() > 0.85  # a nearest-mean classifier; chance is 0.1


def test_images_are_decoded_without_torch(pack: Callable[..., Path], pets: dict[str, bytes]) -> None:
    """Its import takes more memory than decoding a hundred thousand images."""
    program = "import sys; from suite import data; data.prepare(sys.argv[1]); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program, f"folder:{pack(pets)}"], check=True)
