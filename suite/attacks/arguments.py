"""What attacks are given, looked at once an object or a call and before any work: errors name the argument."""

from collections.abc import Collection, Sequence
from math import isfinite, isnan
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from suite.errors import SuiteError


def check_count(name: str, value: Any) -> None:
    """Raises SuiteError for what is no whole number >= 1."""
    if not _is(value, Integral) or value < 1:
        raise SuiteError(f"{name}={value!r}", "give a whole number >= 1")


def check_positive(name: str, value: Any, *, zero: bool = False) -> None:
    """Raises SuiteError for what is no finite number > 0, or with `zero` >= 0."""
    if not _is(value, Real) or not isfinite(value) or value < 0 or (value == 0 and not zero):
        raise SuiteError(f"{name}={value!r}", f"give a finite number {'>=' if zero else '>'} 0")


def check_radii(epsilons: Sequence[float], *, zero: bool = False) -> None:
    """Raises SuiteError for radii that are none, not finite numbers > 0 (with `zero` >= 0), or not ascending."""
    if not len(epsilons):
        raise SuiteError("epsilons is empty", "give at least one radius")
    for radius in epsilons:
        check_positive("eps", radius, zero=zero)
    if list(epsilons) != sorted(epsilons):
        raise SuiteError(f"epsilons={tuple(epsilons)} are not ascending", "sort them")


def check_bounds(bounds: Sequence[float]) -> None:
    """Raises SuiteError for what is no pair low < high; they may be infinite."""
    numbers = len(bounds) == 2 and all(_is(bound, Real) and not isnan(bound) for bound in bounds)
    if not numbers or not bounds[0] < bounds[1]:
        raise SuiteError(f"bounds={bounds!r}", "give the least and the largest pixel value, such as (0.0, 1.0)")


def check_choice(name: str, value: Any, known: Collection[str]) -> None:
    """Raises SuiteError for what is not among the known names."""
    if value not in known:
        raise SuiteError(f"{name}={value!r}", f"give {' or '.join(known)}")


def check_seed(seed: Any) -> None:
    """Raises SuiteError for what is no whole number in [0, 2^64)."""
    if not _is(seed, Integral) or not 0 <= seed < 2**64:
        raise SuiteError(f"seed={seed!r}", "give a whole number in [0, 2^64)")


def check_images(images: Tensor, *, eight_bit: bool = False) -> None:
    """Raises SuiteError for what is not (N, ...) in floating point, or with `eight_bit` in uint8."""
    whole = images.dtype == torch.uint8 and eight_bit
    if not (images.is_floating_point() or whole) or images.ndim < 2:
        what = f"images of shape {tuple(images.shape)} and type {images.dtype}"
        raise SuiteError(what, "give (N, ...) pixels in floating point; uint8 divided by 255")


def check_batch(images: Tensor, labels: Tensor, *, empty: bool = False, eight_bit: bool = False) -> None:
    """Raises SuiteError unless images are as `check_images` wants them and labels (N,) int64, N > 0 (or `empty`).

    Values are not looked at: that would wait for the device (see `check_classes`).
    """
    check_images(images, eight_bit=eight_bit)
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        what = f"labels of shape {tuple(labels.shape)} and type {labels.dtype} for {len(images)} images"
        raise SuiteError(what, f"give ({len(images)},) classes as int64")
    if not empty and not len(images):
        raise SuiteError("the batch is empty", "give at least one image")


def check_classes(labels: Tensor, classes: int) -> None:
    """Raises SuiteError where a label is not in [0, classes). Waits for the device."""
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        what = f"labels from {int(labels.min())} to {int(labels.max())} for a model of {classes} classes"
        raise SuiteError(what, f"give classes from 0 to {classes - 1}")


def check_shape(name: str, values: Tensor, shape: Sequence[int]) -> None:
    """Raises SuiteError for a tensor of another shape."""
    if tuple(values.shape) != tuple(shape):
        raise SuiteError(f"{name} of shape {tuple(values.shape)}", f"give {tuple(shape)}")


def _is(value: Any, kind: type) -> bool:
    """Whether it is a number of a kind; yes and no are none."""
    return isinstance(value, kind) and not isinstance(value, bool)
