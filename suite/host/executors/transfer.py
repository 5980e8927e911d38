"""Files of a run on their way between machines, and the mark by which these tell whether they share a folder."""

import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from suite.files import atomic
from suite.host.store import LOCK, MANIFEST
from suite.locks import shared, taken

MARK = ".cluster"

Files = Mapping[str, bytes]
"""Contents by path below a folder."""


def pack(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The files of those names below a folder, and those in folders of those names; what is absent is left out."""
    return {name: (folder / name).read_bytes() for name in listing(folder, names)}


def listing(folder: Path, names: Sequence[str]) -> list[str]:
    """The paths below a folder that `pack` takes: neither locks nor what is hidden or half-written."""
    found = [path for name in names for path in [folder / name, *sorted((folder / name).rglob("*"))] if path.is_file()]
    return [path.relative_to(folder).as_posix() for path in found if path.name != LOCK and path.name[0] != "."]


def appear(folder: Path, names: Sequence[str], seconds: float = 60) -> None:
    """Waits, so long at most, until files that another machine wrote are seen here: network folders take their time."""
    end = time.monotonic() + seconds
    while (missing := [folder / name for name in names if not (folder / name).exists()]) and time.monotonic() < end:
        time.sleep(0.1)
        for parent in {path.parent for path in missing if path.parent.is_dir()}:
            any(parent.iterdir())  # has it looked at anew


def unpack(files: Files, folder: Path) -> None:
    """Writes files below a folder, each whole or not at all, and last the one that says that a run is finished."""
    for name in sorted(files, key=lambda name: Path(name).name == MANIFEST):
        with atomic(folder / name) as file:
            file.write(files[name])


@contextmanager
def marked(root: Path) -> Iterator[str]:
    """A random text, to be found in the folder until the end of the block by whoever sees this very folder.

    It is renewed by the first of several processes that mark the folder at once, so that no copy of the folder has it;
    where there are no locks by each of them, and nodes that no longer know the text work apart and send their files.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / MARK).open("a+") as file:
        if taken(file):
            file.truncate(0)
            file.write(uuid.uuid4().hex)
            file.flush()
            os.fsync(file.fileno())
        shared(file)
        file.seek(0)
        yield file.read()


def sees(root: Path, mark: str) -> bool:
    """Whether this process has the folder that another one marked so."""
    try:
        return (root / MARK).read_text() == mark
    except OSError:
        return False
