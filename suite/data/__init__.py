"""Data sets: uint8 images, decoded once, memory-mapped, handed out as pixels in [0, 1]."""

from suite.data.arrays import from_arrays
from suite.data.catalogue import NAMES, describe, load, prepare
from suite.data.dataset import Dataset, Split, balanced, sample

__all__ = ["NAMES", "Dataset", "Split", "balanced", "describe", "from_arrays", "load", "prepare", "sample"]
