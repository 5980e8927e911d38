"""How many images are attacked at once, where a study leaves that open."""

import math

import numpy as np

from suite.data import Split

BATCH = 64  # images attacked at once unless a study says otherwise, where they are of CIFAR-10's size or larger
VALUES = BATCH * 3 * 32 * 32


def at_once(asked: int | None, split: Split) -> int:
    """Images attacked at once: `asked`; else 64, and of images smaller than CIFAR-10's as many as have as many values.

    Of a few small images a step costs its calls, not its sums.
    """
    return asked or max(BATCH, VALUES // int(np.prod(split.images.shape[1:])))


def even(count: int, at_once: int) -> int:
    """Rows of a batch, at most `at_once`, such that `count` rows come in batches of about one size.

    A few rows left over would cost nearly what a whole batch does.
    """
    return math.ceil(count / math.ceil(count / at_once))
