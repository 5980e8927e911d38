import numpy as np
import pytest

from suite.data import from_arrays
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
