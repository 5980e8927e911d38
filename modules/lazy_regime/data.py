"""Two classes of a data set as vectors: downsampled to size x size, labels -1 and +1 (Wang et al. 2022, Sec. 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from suite.data import Dataset, Split
from suite.errors import SuiteError, did_you_mean


@dataclass(frozen=True)
class Task:
    """Two classes, as tensors on one device.

    Args:
        x, y: training points (n, d) and labels (n,), -1 for the first class and +1 for the second.
        test_x, test_y: the same of the test split.
        test_ids: (N,) int64, places of the test points in the data set's test split.
    """

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor
    test_ids: Tensor

    @property
    def d(self) -> int:
        """The dimension of a point: channels x size^2."""
        return self.x.shape[1]


def two_classes(
    dataset: Dataset,
    classes: Sequence[str],
    size: int,
    *,
    unit_norm: bool,
    train_limit: int | None = None,
    test_limit: int | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Task:
    """The images of two classes, each as a vector of its pixels in [0, 1].

    Args:
        classes: names of the two; the first gets label -1.
        size: images become size x size, by the antialiased bilinear filter of torchvision's Resize.
        unit_norm: divide every vector by its l2 norm, as the theory assumes; else pixels as they are.
        train_limit, test_limit: use only that many images, balanced and chosen by position; None: all.

    Raises:
        SuiteError: classes that are not in the data set or are not two, a size larger than the images', a class without
            images, images that are zero everywhere.
    """
    names = list(dataset.classes)
    if len(classes) != 2 or len(set(classes)) != 2:
        raise SuiteError(f"classes {','.join(classes)}", "give two different ones, such as 0,1")
    for name in classes:
        if name not in names:
            raise SuiteError(f"{dataset.name} has no class {name!r}", did_you_mean(name, names))
    _, height, width = dataset.shape
    if not 1 <= size <= min(height, width):
        raise SuiteError(f"size {size}: images of {dataset.name} are {height} x {width}", "sizes only shrink images")
    labels = [names.index(name) for name in classes]
    train, test = (
        _vectors(split, labels, size, limit, unit_norm, dataset.name)
        for split, limit in ((dataset.train, train_limit), (dataset.test, test_limit))
    )
    x, y, test_x, test_y = (tensor.to(device, dtype) for tensor in (*train[:2], *test[:2]))
    return Task(x, y, test_x, test_y, test[2].to(device))


def downsampled(images: Tensor, size: int) -> Tensor:
    """Images (N, C, H, W) as (N, C, size, size), by an antialiased bilinear filter; their own size changes nothing."""
    if tuple(images.shape[-2:]) == (size, size):
        return images
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True).clamp(0, 1)


def _vectors(
    split: Split, labels: list[int], size: int, limit: int | None, unit_norm: bool, name: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Points (N, d), labels (N,) and places in the split (N,)."""
    per_class = [np.flatnonzero(split.labels == label) for label in labels]
    if limit is not None:  # an even number of places for each class; a class with fewer gives all it has
        per_class = [ids[: (limit + place) // 2] for place, ids in enumerate(per_class)]
    if not all(len(ids) for ids in per_class):
        raise SuiteError(f"a class of {name} has no images", "choose other classes, or a larger limit")
    ids = np.sort(np.concatenate(per_class))
    points = downsampled(split.pixels(ids), size).flatten(1)
    norms = torch.linalg.vector_norm(points, dim=1, keepdim=True)
    if zeros := int((norms == 0).sum()):
        what = f"{zeros} of the {len(ids)} images of these classes in {name} are zero everywhere at size {size}"
        raise SuiteError(what, "they have no norm and no direction: choose other classes or a larger size")
    y = torch.from_numpy(np.where(split.labels[ids] == labels[1], 1.0, -1.0))
    return points / norms if unit_norm else points, y, torch.from_numpy(ids)
