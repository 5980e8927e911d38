"""Images that are arrays already, as a data set."""

import hashlib
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.data.dataset import Dataset, Split
from suite.errors import SuiteError

log = logging.getLogger("suite")

SHOULD = "give (images, labels) or (images, labels, classes): images (N, C, H, W) in [0, 1] or uint8, labels from 0 on"
MOST_CLASSES = 1_000_000
NORMALISED = "give pixels before they are normalised, and put the normalisation into the model"
LARGEST_SLIP = 1 / 510  # half a grey level: what rounding leaves outside [0, 1]


def from_arrays(given: Any) -> Dataset:
    """A data set of given images, which are its test split; it has nothing to learn from.

    Args:
        given: images (N, C, H, W), uint8 or floats in [0, 1], labels (N,) from 0 on, and optionally the classes' names
            or their number, else the largest label says it; arrays or tensors. Floats are rounded to the nearest k/255,
            as all images of the suite are; a line says how far where that changes them.

    Raises SuiteError for other shapes, types and values.
    """
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise SuiteError(f"a {type(given).__name__} is no data set", SHOULD)
    images, labels = (_array(each) for each in given[:2])
    if images.ndim != 4 or labels.shape != images.shape[:1] or not images.size:
        raise SuiteError(f"images of shape {images.shape} and labels of shape {labels.shape} do not fit", SHOULD)
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        raise SuiteError("labels are whole numbers from 0 on", SHOULD)
    classes = _classes(given[2] if len(given) == 3 else int(labels.max()) + 1)
    if labels.max() >= len(classes):
        raise SuiteError(f"labels up to {labels.max()} are not of {len(classes)} classes", SHOULD)
    test = Split(_eight_bits(images), labels.astype(np.int64))
    named = "" if classes == _classes(len(classes)) else f" {classes}"
    content = f"{len(classes)}{named} {test.images.shape}".encode() + test.images.tobytes() + test.labels.tobytes()
    nothing = Split(test.images[:0], test.labels[:0])
    return Dataset("arrays", classes, nothing, test, hashlib.sha256(content).hexdigest())


def _array(given: Any) -> NDArray[Any]:
    return np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)


def _classes(given: Any) -> tuple[str, ...]:
    """Names of the classes, from those or from their number. Raises SuiteError for anything else."""
    if isinstance(given, int) and 0 < given <= MOST_CLASSES:
        return tuple(map(str, range(given)))
    if isinstance(given, tuple | list) and given and all(isinstance(name, str) for name in given):
        if len(set(given)) < len(given):
            raise SuiteError("two classes have one name", SHOULD)
        return tuple(given)
    raise SuiteError(f"classes={given!r}", "give the names of the classes, or their number")


def _eight_bits(images: NDArray[Any]) -> NDArray[np.uint8]:
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    if images.dtype.kind != "f":
        raise SuiteError(f"images of type {images.dtype}", SHOULD)
    if not np.isfinite(images).all():
        raise SuiteError("images have values that are not finite", SHOULD)
    low, high = float(images.min()), float(images.max())
    if low < -LARGEST_SLIP or high > 1 + LARGEST_SLIP:
        remedy = NORMALISED if low < 0 else "divide them by 255, or by whatever white is in them"
        raise SuiteError(f"images from {low:.4g} to {high:.4g}, outside [0, 1]", remedy)
    if low < 0 or high > 1:
        log.warning("images from %.6g to %.6g are cut to [0, 1]", low, high)
        images = images.clip(0, 1)
    whole: NDArray[np.uint8] = np.rint(images * 255).astype(np.uint8)
    change = float(np.abs(whole / np.float64(255) - images).max())
    if change > 1e-6:
        log.warning("images are rounded to 8 bits: by up to %.2g", change)
    return whole
