"""Locks between processes: what is made once and shared is made by one process while the others wait for it.

They are the kernel's own (flock): a lock ends with the process that holds it, however that ends. Where a file system
has none, as some network folders, work goes on without, after one warning: what is made appears in one step, so that
two processes that make the same thing do the work twice and no harm.
"""

import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import IO, Any

from suite.errors import SuiteError
from suite.files import cannot_write, of_temporary, remove, waiting_for_nobody

log = logging.getLogger("suite")

UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What a file system without locks answers."""


_only_looking = ContextVar("_only_looking", default=False)


class NotMade(SuiteError):
    """Something is not there, and nothing is to be made."""


@contextmanager
def making_nothing() -> Iterator[None]:
    """Within the block, what would be made once and shared raises NotMade: for those who only look."""
    token = _only_looking.set(True)
    try:
        yield
    finally:
        _only_looking.reset(token)


def only_looking() -> bool:
    """Whether nothing is to be made."""
    return _only_looking.get()


def refuse_making(what: str) -> None:
    """Raises NotMade within `making_nothing`, for a thing that is not there."""
    if only_looking():
        raise NotMade(f"{what} is not there yet", "the first run that needs it makes it")


@contextmanager
def made_once(path: Path, what: str) -> Iterator[None]:
    """Keeps every other process from making the thing at a path; waits, and says so, while one makes it.

    Look for the thing before the block, and again within: it may have been made while this process waited. Let it
    appear in one step, as `suite.files.atomic` does, so that nothing half-made is there when the maker is killed. Never
    nest two blocks of one path: the inner one would wait for the outer. What a maker of it left half-made when it was
    killed (`suite.files.temporary_beside`) is removed first.

    Args:
        what: names the thing in the log, as in "the data set digits".

    Raises WorkFailed where the folder cannot be written, and NotMade within `making_nothing`.
    """
    refuse_making(what)
    lock = path.with_name(f".{path.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = _acquire(lock, what)
    except OSError as error:
        raise cannot_write(path, error) from error
    with file:
        if keeps_out(file):
            _remove_half_made(path)
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink(missing_ok=True)


def taken(file: IO[Any], patience: float = 0) -> bool:
    """Takes the lock of an open file until it is closed; False where another process keeps it so many seconds."""
    end = time.monotonic() + patience
    while not _flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
        if time.monotonic() >= end:
            return False
        time.sleep(0.01)
    return True


def shared(file: IO[Any]) -> None:
    """Waits until the lock of an open file can be held together with others who share it, and holds it so."""
    _flock(file, fcntl.LOCK_SH)


def keeps_out(file: IO[Any]) -> bool:
    """Whether the lock that was taken of a file keeps others out: it does not where the file system has none."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_at(file: IO[Any], path: Path) -> bool:
    """Whether an open file is the one that has the name now: it may have been removed, and another made."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of the file; it is held for an instant to find out."""
    try:
        with open(path, opener=waiting_for_nobody) as file:
            return not _flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False


def _acquire(lock: Path, what: str) -> IO[bytes]:
    """The lock's open file, held. A holder removes the file when it is done; who waited for that one tries anew."""
    said = False
    while True:
        file = open(lock, "ab", opener=waiting_for_nobody)  # noqa: SIM115 - held until the thing is made
        try:
            if not taken(file):
                if not said:
                    log.info("waiting for another process that makes %s", what)
                said = True
                _flock(file, fcntl.LOCK_EX)
            if is_at(file, lock):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _remove_half_made(path: Path) -> None:
    """Of the thing and of what belongs to it under another ending, as a training's state."""
    for other in path.parent.glob(".*.tmp"):
        name = of_temporary(other.name)
        if name is not None and Path(name).stem == path.stem:
            remove(other)


def _flock(file: IO[Any], operation: int) -> bool:
    """Whether the lock was given; that there are none counts as given."""
    try:
        fcntl.flock(file, operation)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise
        _warn(str(Path(file.name).parent.absolute()))
    return True


@cache
def _warn(folder: str) -> None:
    log.warning(
        "%s: this file system has no locks: processes that work there at once may do the same work twice", folder
    )
