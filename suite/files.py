"""Files that are whole or absent: the one way in which anything durable is written. And reading that never waits."""

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from suite.errors import WorkFailed

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Names of tables, figures and models, which are names of files, too."""

_TEMPORARY = re.compile(r"\.(?P<of>.+)\.\d+-[0-9a-f]{8}\.tmp", re.DOTALL)

ELSEWHERE = "free some space, or choose another place: --runs DIR for runs, SUITE_CACHE for the cache"


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name complete or not at all, also when the power fails.

    Raises:
        WorkFailed: the disk is full, read-only or not ours to write; the name belongs to a device, a pipe or a folder,
            which is never replaced.
    """
    temporary = temporary_beside(path)
    try:
        if path.exists() and not path.is_file():
            raise WorkFailed(f"cannot write {path}: it is there, and no regular file", "choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def waiting_for_nobody(path: str, flags: int) -> int:
    """An opener for `open`: a pipe without another end is empty, or cannot be written, and keeps nobody waiting."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of so many bytes at most. Raises OSError for a larger one and for all else."""
    with open(path, "rb", opener=waiting_for_nobody) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if status.st_size > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return file.read()


def temporary_beside(path: Path) -> Path:
    """Where something is made before it gets its name: on the same disk, in nobody's way, and known to be ours."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def of_temporary(name: str) -> str | None:
    """For the name of a file or folder that `temporary_beside` gave: what it was to become; None for any other name."""
    found = _TEMPORARY.fullmatch(name)
    return found["of"] if found else None


def remove(path: Path) -> None:
    """Removes a file or a folder with all that is in it; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> WorkFailed:
    """The one line for a full or read-only disk."""
    return WorkFailed(f"cannot write {path}: {error.strerror or error}", ELSEWHERE)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
