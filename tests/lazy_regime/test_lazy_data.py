"""Two classes as vectors: labels, norms, the filter of torchvision's Resize, and what is refused."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from modules.lazy_regime.data import downsampled, two_classes
from suite.data import Dataset, Split, load
from suite.errors import SuiteError


def small(images: np.ndarray) -> Dataset:
    split = Split(images, np.arange(len(images)) % 3)
    return Dataset("small", ("a", "b", "c"), split, split, "")


def random_images(n: int = 30, side: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, (n, 1, side, side), dtype=np.uint8)


def test_labels_places_and_norms() -> None:
    data = small(random_images())
    task = two_classes(data, ("c", "a"), 6, unit_norm=False)
    assert task.d == 36
    assert task.test_y.tolist() == [1.0 if label == 0 else -1.0 for label in data.test.labels if label != 1]
    assert task.test_ids.tolist() == [place for place, label in enumerate(data.test.labels) if label != 1]
    torch.testing.assert_close(task.test_x[0], data.test.pixels(np.array([0])).flatten())
    unit = two_classes(data, ("c", "a"), 6, unit_norm=True)
    torch.testing.assert_close(unit.x.norm(dim=1), torch.ones(20))
    torch.testing.assert_close(unit.x, task.x / task.x.norm(dim=1, keepdim=True))


def test_downsampling_is_torchvisions() -> None:
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(downsampled(images, 10), transforms.resize(images, [10, 10], antialias=True))
    assert downsampled(images, 28) is images


def test_limits_are_balanced() -> None:
    task = two_classes(load("digits"), ("0", "1"), 8, unit_norm=True, train_limit=11, test_limit=2)
    assert (len(task.y), int((task.y > 0).sum())) == (11, 6)
    assert task.test_y.sum() == 0


@pytest.mark.parametrize(
    ("classes", "size", "named"),
    [
        (("a", "z"), 6, "no class 'z'"),
        (("a", "a"), 6, "two different"),
        (("a",), 6, "two different"),
        (("a", "b"), 7, "6 x 6"),
        (("a", "b"), 0, "6 x 6"),
    ],
)
def test_what_is_not_there_is_refused(classes: tuple[str, ...], size: int, named: str) -> None:
    with pytest.raises(SuiteError, match=named):
        two_classes(small(random_images()), classes, size, unit_norm=False)


def test_images_of_nothing_are_refused() -> None:
    images = random_images()
    images[3] = 0
    with pytest.raises(SuiteError, match="1 of the 20 images"):
        two_classes(small(images), ("a", "b"), 3, unit_norm=False)
    with pytest.raises(SuiteError, match="no images"):
        two_classes(small(random_images(2)), ("a", "c"), 3, unit_norm=False)
