"""What every data set is once loaded: two splits of uint8 images with labels, and how to draw from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.errors import SuiteError

if TYPE_CHECKING:  # images are decoded, and known by their digest, without the half gigabyte that torch takes
    import torch

Ids = NDArray[np.int64]
"""Positions of images in a split, (n,)."""


@dataclass(frozen=True, eq=False)
class Split:
    """The training or the test half of a data set.

    Args:
        images: (N, C, H, W) uint8, usually a read-only memory map.
        labels: (N,) int64 in [0, number of classes).

    Raises SuiteError for other types and shapes: floats would be divided by 255 as if they were grey levels.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            what = f"images of shape {self.images.shape} and type {self.images.dtype}"
            raise SuiteError(what, "give (N, C, H, W) uint8, or arrays to suite.data.from_arrays")
        if self.labels.dtype != np.int64 or self.labels.shape != self.images.shape[:1]:
            what = f"labels of shape {self.labels.shape} and type {self.labels.dtype} for {len(self.images)} images"
            raise SuiteError(what, f"give ({len(self.images)},) classes as int64")

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self, ids: Ids | None = None, device: str | torch.device = "cpu") -> torch.Tensor:
        """Images `ids` (all when None) as (n, C, H, W) float32 in [0, 1] on `device`.

        Every value is the float32 nearest to k/255 for an integer k in 0..255, the same on every device.
        """
        import torch

        # Copied, because tensors cannot stand on read-only memory. Divided by a tensor, because CUDA turns a
        # division by a Python number into a product with its inverse, which is not the nearest float.
        chosen = np.array(self.images) if ids is None else self.images[ids]
        whole = torch.from_numpy(chosen).to(device).float()
        return whole.div_(torch.tensor(255.0, device=device))

    def targets(self, ids: Ids | None = None, device: str | torch.device = "cpu") -> torch.Tensor:
        """Labels of `ids` (all when None) as (n,) int64 on `device`."""
        import torch

        chosen = self.labels if ids is None else self.labels[ids]
        return torch.from_numpy(np.array(chosen)).to(device)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Train and test images of the same classes and shape.

    Args:
        name: the reference as typed, e.g. `mnist` or `folder:PATH`.
        classes: class names in label order.
        train: images to learn from.
        test: images to judge and attack.
        digest: sha256 over images and labels of both splits, whatever their name, place and date.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    digest: str

    @property
    def num_classes(self) -> int:
        """How many classes there are; labels are 0..num_classes-1."""
        return len(self.classes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width


def sample(split: Split, limit: int | None, seed: int) -> Ids:
    """Sorted ids, (n,) int64, of a seeded class-balanced sample; all ids when `limit` is None or too large.

    Class sizes differ by at most one; a class too small for its share gives all it has, the others fill up.
    Samples nest: a smaller limit with the same seed gives a subset. Raises SuiteError unless `limit` > 0.
    """
    if limit is not None and limit <= 0:
        raise SuiteError(f"cannot take {limit} images", "the limit is a positive number of images")
    if limit is None or limit >= len(split):
        return np.arange(len(split))
    return balanced(split.labels, limit, seed)


def balanced(labels: NDArray[np.int64], count: int, seed: int) -> Ids:
    """Sorted ids of `count` labels, drawn in rounds of one random member from every class not yet empty."""
    keys = np.random.Generator(np.random.PCG64(seed)).random(len(labels))
    by_class = np.lexsort((keys, labels))  # class after class, each in random order
    sizes = np.bincount(labels)
    firsts = np.cumsum(sizes) - sizes  # where each class begins in by_class
    rounds = np.empty(len(labels), dtype=np.int64)
    rounds[by_class] = np.arange(len(labels)) - np.repeat(firsts, sizes)
    return np.sort(np.lexsort((keys, rounds))[:count])
