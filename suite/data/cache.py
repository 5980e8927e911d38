"""Decode once: images and labels as `.npy` under `cache_root()/data/`, memory-mapped ever after.

One process makes an entry while others wait. It is written in a temporary folder and appears under its name in one
step, so that it is whole or absent whatever kills the writer, and two writers do no harm where there are no locks.
Each file's digest is stored, and compared once in a process: an entry that was damaged is made again.
"""

import errno
import hashlib
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suite.data.dataset import Split
from suite.data.source import SPLITS, Decoded, Source
from suite.digests import file_digest, json_digest
from suite.files import cannot_write, of_temporary, remove, temporary_beside
from suite.locks import made_once
from suite.paths import cache_root

log = logging.getLogger("suite")

FORMAT = 2  # part of every key: raise it when what is stored, or how digits are split, changes
ABOUT = "about.json"
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
    entry = _find(folder)
    if entry is None:
        with made_once(folder, f"the decoded data set {source.name}"):
            entry = _find(folder)
            if entry is None:
                if folder.exists():
                    log.warning("the data set %s in the cache is damaged: it is decoded again", source.name)
                entry = _store(source, folder)
    return entry


def _find(folder: Path) -> Entry | None:
    """The entry in a folder, or None when it is absent or damaged."""
    try:
        return _open(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _open(folder: Path) -> Entry:
    """The entry in a folder. Raises ValueError, or what reading raises, where it is not what was stored."""
    about: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    files = {name: file_digest(folder / name) for name in about["files"]}
    if about["check"] != json_digest([about["classes"], about["digest"], files]):
        raise ValueError("a digest is another")
    train, test = (
        Split(np.load(folder / f"{split}_images.npy", mmap_mode="r"), np.load(folder / f"{split}_labels.npy"))
        for split in SPLITS
    )
    entry = Entry(tuple(about["classes"]), train, test, about["digest"])
    if not all(_fits(split, entry) for split in (train, test)):
        raise ValueError("images, labels and classes do not fit")
    return entry


def _fits(split: Split, entry: Entry) -> bool:
    images, labels = split.images, split.labels
    typed = images.dtype == np.uint8 and images.ndim == 4 and labels.dtype == np.int64
    return (
        typed
        and images.shape[1:] == entry.train.images.shape[1:]
        and labels.shape == images.shape[:1]
        and (not len(labels) or 0 <= labels.min() <= labels.max() < len(entry.classes))
    )


def _store(source: Source, folder: Path) -> Entry:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        temporary = temporary_beside(folder)
        try:
            partial = temporary / "entry"
            partial.mkdir(parents=True)
            _write(source, partial)
            entry = _open(partial)  # before it moves: the maps stay valid whatever happens to the names
            _install(partial, folder, aside=temporary / "damaged")
        finally:
            remove(temporary)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return entry


def _sweep(parent: Path) -> None:
    """Removes what writers killed long ago left of other entries, which may never be made again."""
    for left in parent.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if of_temporary(left.name) and time.time() - left.stat().st_mtime > DAY:
                remove(left)


def _write(source: Source, folder: Path) -> None:
    content = hashlib.sha256()
    with source.read() as contents:
        _write_split(folder, "train", contents.train, content.update)
        _write_split(folder, "test", contents.test, content.update)
    files = {path.name: file_digest(path) for path in sorted(folder.glob("*.npy"))}
    classes, digest = [*contents.classes], content.hexdigest()
    about = {"classes": classes, "digest": digest, "files": files, "check": json_digest([classes, digest, files])}
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


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
