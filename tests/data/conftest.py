"""Private cache and data roots for every test here, and small image folders to read."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

REAL_DATA = Path(os.environ.get("SUITE_DATA") or Path(__file__).parents[3] / "shared" / "data").absolute()

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SUITE_DATA", str(tmp_path / "data"))


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """A path below the folder of real data; skips the test when it is absent."""

    def find(name: str) -> Path:
        if not (REAL_DATA / name).exists():
            pytest.skip(f"no {name} in {REAL_DATA}: set SUITE_DATA, or put the folder shared/data beside the checkout")
        return REAL_DATA / name

    return find


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """PNG bytes of an array (H, W) or (H, W, 3), or of any image in a mode."""

    def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
        image = Image.fromarray(pixels)
        out = io.BytesIO()
        (image.convert(mode) if mode else image).save(out, format="png")
        return out.getvalue()

    return png


@pytest.fixture
def pets(encode: Callable[..., bytes]) -> Files:
    """Two classes, three train and two test images each, 5 wide and 4 high, RGB, all different."""
    rng = np.random.default_rng(0)
    return {
        f"{split}/{label}/{number}.png": encode(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        for split, count in (("train", 3), ("test", 2))
        for label in ("dog", "cat")
        for number in range(count)
    }


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[..., Path]:
    """Writes files into a directory."""

    def write(files: Files, name: str = "pets") -> Path:
        for member, content in files.items():
            path = tmp_path / name / member
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / name

    return write


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    """Writes files into a zip."""

    def write(files: Files, name: str = "pets.zip") -> Path:
        with ZipFile(tmp_path / name, "w") as archive:
            for member, content in files.items():
                archive.writestr(member, content)
        return tmp_path / name

    return write


@pytest.fixture
def cached(tmp_path: Path) -> Callable[[], list[str]]:
    """Names of everything directly in the cache of decoded data."""
    return lambda: sorted(path.name for path in (tmp_path / "cache" / "data").glob("*"))
