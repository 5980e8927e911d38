"""Every hostile thing is one error: no traceback, no 2 s of work, no 500 MB."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suite.data import load
from suite.data.bounds import Bounds
from suite.data.image import Decoder
from suite.errors import SuiteError

from .hostile import Maker, corpus, encoded, good_folder, good_zip

MEGABYTE = 1_000_000


def peak() -> int:
    """The most memory that this process had since `clear`, in bytes; 0 where Linux does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def clear() -> None:
    mark = Path("/proc/self/clear_refs")
    if mark.exists():
        mark.write_text("5")


@pytest.mark.parametrize("make", corpus().values(), ids=corpus())
def test_a_hostile_thing_is_one_error(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path)
    clear()
    memory, clock = peak(), time.process_time()
    with pytest.raises(SuiteError) as caught:
        load(f"folder:{path}")
    assert time.process_time() - clock < 2
    assert peak() - memory < 500 * MEGABYTE
    assert "\n" not in str(caught.value)
    assert " at 0x" not in str(caught.value)
    assert "\33" not in str(caught.value)


def test_what_the_hostile_things_are_made_of_is_good(tmp_path: Path) -> None:
    for path in (good_zip(tmp_path / "a.zip"), good_folder(tmp_path / "a")):
        assert len(load(f"folder:{path}").train) == 2


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "ppm", "tiff", "webp"])
def test_damaged_at_random_an_image_is_read_or_is_one_error(kind: str) -> None:
    rng = np.random.default_rng(0)
    whole = encoded(Image.fromarray(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)), kind)
    decode = Decoder("here", Bounds())
    refused = 0
    for _ in range(200):
        content = bytearray(whole[: rng.integers(len(whole) // 2, len(whole) + 1)])
        for place in rng.integers(0, len(content), rng.integers(0, 4)):
            content[place] = rng.integers(0, 256)
        try:
            assert decode("x", bytes(content)).dtype == np.uint8
        except SuiteError:
            refused += 1
    assert refused > 0
