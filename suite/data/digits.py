"""`digits`: the 1,797 handwritten digits that come with scikit-learn, 8x8, grey.

Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998; its
test part.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution, version

import numpy as np

from suite.data.dataset import balanced
from suite.data.source import Contents, Decoded, Source
from suite.errors import SuiteError

TEST_SIZE = 540  # 30 % of the images, 54 of each digit
SPLIT_SEED = 0
FILE = "sklearn/datasets/data/digits.csv.gz"


def source() -> Source:
    """The embedded digits with a fixed split: 540 test images, 54 of each class; the other 1,257 train."""
    return Source("digits", ("digits", version("scikit-learn")), _read)


@contextmanager
def _read() -> Iterator[Contents]:
    # What sklearn.datasets.load_digits reads; importing that costs two seconds. In a row: 64 values and the class.
    path = str(distribution("scikit-learn").locate_file(FILE))
    try:
        rows = np.loadtxt(path, delimiter=",")
    except OSError as error:
        raise SuiteError(f"scikit-learn's digits are not at {path}", "install scikit-learn anew") from error
    images = np.rint(rows[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)[:, None]  # 0..16 -> 0..255
    labels = rows[:, -1].astype(np.int64)
    tests = balanced(labels, TEST_SIZE, SPLIT_SEED)
    trains = np.setdiff1d(np.arange(len(labels)), tests)
    train, test = (Decoded(images.shape[1:], images[ids], labels[ids].tolist()) for ids in (trains, tests))
    yield Contents(tuple("0123456789"), train, test)
