"""Decode once: images and labels as `.npy` under `cache_root()/data/`, memory-mapped ever after.

An entry is written in a temporary folder and appears under its name in one step, so that it is whole or
absent whatever kills the writer, and two writers at once do no harm. Damage done later is seen by file sizes.
"""

import errno
import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from suite.data.dataset import Split
from suite.data.source import SPLITS, Decoded, Source
from suite.errors import SuiteError
from suite.paths import cache_root

FORMAT = 1  # part of every key: raise it when what is stored, or how digits are split, changes
PARTIAL = ".partial-"
DAY = 24 * 3600.0


@dataclass(frozen=True, eq=False)
class Entry:
    """A decoded data set: class names in label order, memory-mapped splits, sha256 of the content."""

    classes: tuple[str, ...]
    train: Split
    test: Split
    digest: str


def fetch(source: Source) -> Entry:
    """The decoded data of a source, decoding it now unless that was done before.

    Raises SuiteError when the source is damaged or the cache cannot be written.
    """
    key = hashlib.sha256(json.dumps([FORMAT, source.fingerprint]).encode()).hexdigest()[:16]
    folder = cache_root() / "data" / f"{source.name}-{key}"
    return _find(folder) or _store(source, folder)


def _find(folder: Path) -> Entry | None:
    """The entry in a folder, or None when it is absent or damaged."""
    try:
        return _open(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _open(folder: Path) -> Entry:
    about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    if about["sizes"] != _sizes(folder):
        raise ValueError("a file was cut short")
    train, test = (
        Split(np.load(folder / f"{split}_images.npy", mmap_mode="r"), np.load(folder / f"{split}_labels.npy"))
        for split in SPLITS
    )
    return Entry(tuple(about["classes"]), train, test, about["digest"])


def _store(source: Source, folder: Path) -> Entry:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        with TemporaryDirectory(dir=folder.parent, prefix=PARTIAL, ignore_cleanup_errors=True) as temporary:
            partial = Path(temporary) / "entry"
            partial.mkdir()
            _write(source, partial)
            entry = _open(partial)  # before it moves: the maps stay valid whatever happens to the names
            _install(partial, folder, aside=Path(temporary) / "damaged")
    except OSError as error:
        raise SuiteError(
            f"cannot write decoded data under {folder.parent}: {error.strerror or error}",
            "free space there, or set SUITE_CACHE to a folder that can be written",
        ) from error
    return entry


def _sweep(parent: Path) -> None:
    """Removes what writers killed long ago left behind."""
    for left in parent.glob(f"{PARTIAL}*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left, ignore_errors=True)


def _write(source: Source, folder: Path) -> None:
    contents = source.read()
    digest = hashlib.sha256()
    _write_split(folder, "train", contents.train, digest.update)
    _write_split(folder, "test", contents.test, digest.update)
    about = {"classes": contents.classes, "digest": digest.hexdigest(), "sizes": _sizes(folder)}
    (folder / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def _write_split(folder: Path, name: str, split: Decoded, digest: Callable[[bytes], None]) -> None:
    """Writes image after image: a split need not fit in memory, and a full disk is an error, not a crash."""
    shape = (len(split.labels), *split.shape)
    digest(str(shape).encode())
    with (folder / f"{name}_images.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for image in split.images:
            data = image.tobytes()
            digest(data)
            file.write(data)
    labels = np.array(split.labels, dtype="<i8")
    digest(labels.tobytes())
    np.save(folder / f"{name}_labels.npy", labels)


def _install(partial: Path, folder: Path, aside: Path) -> None:
    """Gives an entry its name. One that another writer finished in the meantime is as good, and stays."""
    if _find(folder) is None:
        with suppress(FileNotFoundError):
            folder.rename(aside)
        try:
            partial.rename(folder)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.glob("*.npy"))}
