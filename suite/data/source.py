"""What a reader of data gives to the cache: a fingerprint to recognise it by, and a way to decode it."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SPLITS = ("train", "test")

Image8 = NDArray[np.uint8]
"""One decoded image, (C, H, W) uint8."""

Stamp = tuple[str, int, int]
"""A file's path, size in bytes and time of last change in nanoseconds."""


@dataclass(frozen=True)
class Decoded:
    """One split on its way into the cache.

    Args:
        shape: (C, H, W) of every image.
        images: as many as there are labels, possibly decoded one by one while being read.
        labels: class index of each image.
    """

    shape: tuple[int, ...]
    images: Iterable[Image8]
    labels: list[int]


@dataclass(frozen=True)
class Contents:
    """A whole data set on its way into the cache: class names in label order and the two splits."""

    classes: tuple[str, ...]
    train: Decoded
    test: Decoded


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    Args:
        name: readable prefix of its cache folder.
        fingerprint: changes whenever decoding may give something else.
        read: decodes within a block; raises SuiteError when the source is damaged.
    """

    name: str
    fingerprint: tuple[str | Stamp, ...]
    read: Callable[[], AbstractContextManager[Contents]]


def stamp(path: Path) -> Stamp:
    """How a change of the file is noticed without reading it."""
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


def to_array(image: Image.Image) -> Image8:
    """A Pillow image of one to four 8-bit channels as (C, H, W) uint8."""
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
