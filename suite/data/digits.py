"""`digits`: the 1,797 handwritten digits that come with scikit-learn, 8x8, grey.

Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998; its
test part.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np

from suite.data.dataset import balanced
from suite.data.source import Contents, Decoded, Source

TEST_SIZE = 540  # 30 % of the images, 54 of each digit
SPLIT_SEED = 0


def source() -> Source:
    """The embedded digits with a fixed split: 540 test images, 54 of each class; the other 1,257 train."""
    return Source("digits", ("digits", version("scikit-learn")), _read)


@contextmanager
def _read() -> Iterator[Contents]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]  # 0..16 -> 0..255, (N, 1, 8, 8)
    labels = bunch.target.astype(np.int64)
    tests = balanced(labels, TEST_SIZE, SPLIT_SEED)
    trains = np.setdiff1d(np.arange(len(labels)), tests)
    train, test = (Decoded(images.shape[1:], images[ids], labels[ids].tolist()) for ids in (trains, tests))
    yield Contents(tuple(str(name) for name in bunch.target_names), train, test)
