"""Arrays as a data set: what is taken, what is said, and what is refused."""

import logging

import numpy as np
import pytest
from numpy.typing import NDArray

from suite.data import Split, from_arrays
from suite.errors import SuiteError

LABELS = np.array([1, 0])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_floats_become_eight_bits(channels: int) -> None:
    images = np.arange(2 * channels * 4, dtype=np.float64).reshape(2, channels, 2, 2) / 255
    data = from_arrays((images, LABELS))
    assert data.shape == (channels, 2, 2)
    np.testing.assert_array_equal(data.test.images, np.rint(images * 255))


@pytest.mark.parametrize("shape", [(2, 1, 0, 3), (2, 0, 3, 3), (2, 3, 3), (3, 1, 2, 2), (0, 1, 2, 2)])
def test_shapes_that_hold_no_image_or_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SuiteError, match="do not fit"):
        from_arrays((np.zeros(shape), LABELS[: shape[0]]))


IMAGES = np.linspace(0, 1, 8).reshape(2, 1, 2, 2)


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (IMAGES * 255, r"images from 0 to 255, outside \[0, 1\] \(divide them by 255"),
        (IMAGES * 1.6, r"from 0 to 1\.6, outside \[0, 1\] \(divide"),
        (IMAGES + 0.01, r"from 0\.01 to 1\.01, outside"),
        (4 * IMAGES - 2, r"from -2 to 2, outside .* \(give pixels before they are normalised"),
        (np.where(IMAGES == 1, np.nan, IMAGES), "not finite"),
        ((IMAGES * 255).astype(np.int64), "images of type int64"),
        (IMAGES.astype(complex), "images of type complex128"),
    ],
)
def test_images_outside_the_range_are_never_attacked(images: NDArray[np.float64], told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        from_arrays((images, LABELS))


def test_what_rounding_leaves_outside_is_cut_and_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "suite"):
        data = from_arrays((np.rint(IMAGES * 255) / 255 * 1.001 - 1e-4, LABELS))
    assert "images from -0.0001 to 1.0009 are cut to [0, 1]" in caplog.messages
    np.testing.assert_array_equal(data.test.images, np.rint(IMAGES * 255))


def test_classes_have_names() -> None:
    named, numbered = from_arrays((IMAGES, LABELS, ["cat", "dog"])), from_arrays((IMAGES, LABELS, 2))
    assert named.classes == ("cat", "dog") and numbered.classes == ("0", "1")
    assert named.digest != numbered.digest == from_arrays((IMAGES, LABELS)).digest
    for wrong in (["cat"], ["cat", "cat"], 1, 0, 10**12, "cat", [1, 2]):
        with pytest.raises(SuiteError, match="classes"):
            from_arrays((IMAGES, LABELS, wrong))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (IMAGES, LABELS),
        (np.zeros((2, 2, 2), np.uint8), LABELS),
        (np.zeros((2, 1, 2, 2), np.uint8), LABELS.astype(float)),
        (np.zeros((2, 1, 2, 2), np.uint8), LABELS[:1]),
    ],
)
def test_a_split_of_another_type_or_shape_is_refused(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    with pytest.raises(SuiteError, match=r"of shape .* and type"):
        Split(images, labels)
