"""Data sets: uint8 images, decoded once, memory-mapped, handed out as pixels in [0, 1]."""

from suite.data.catalogue import NAMES, describe, load, prepare
from suite.data.dataset import Dataset, Split, balanced, sample

__all__ = ["NAMES", "Dataset", "Split", "balanced", "describe", "load", "prepare", "sample"]
