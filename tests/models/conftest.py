"""Private cache, data and runs for every test here, and small data sets of any shape."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from suite.data import Dataset, Split

SHARED = Path(__file__).parents[3] / "shared"
DATA = Path(os.environ.get("SUITE_DATA") or SHARED / "data").absolute()


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cache", "data", "runs"):
        monkeypatch.setenv(f"SUITE_{name.upper()}", str(tmp_path / name))


@pytest.fixture
def noise() -> Callable[..., Dataset]:
    """A data set of random images: `noise((channels, height, width), classes)`, named `noise`."""

    def make(shape: tuple[int, int, int] = (1, 8, 8), classes: int = 10, count: int = 40) -> Dataset:
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
        split = Split(images, np.arange(count) % classes)
        return Dataset("noise", tuple(map(str, range(classes))), split, split, "0123456789abcdef")

    return make


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A path in the folder that holds real data and weights; skips the test when it is absent."""

    def find(name: str) -> Path:
        path = DATA.parent / name
        if not path.exists():
            pytest.skip(f"no {path}: set SUITE_DATA to shared/data, or put the folder shared beside the checkout")
        return path

    return find
