"""Removing runs: the files that the suite made, of runs that nobody works on, below the folder of runs.

What else lies in a run's folder is somebody's own: it stays, and the folder with it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from suite.errors import SuiteError
from suite.files import cannot_write
from suite.host import notes, own_files
from suite.host.store import LOCK, MANIFEST, RunDirectory
from suite.locks import is_locked

_SPARED = timedelta(hours=1)  # a temporary file may be somebody's who writes just now


@dataclass(frozen=True)
class Contents:
    """A run's folder: the suite's own files and somebody else's, by their paths, and the bytes of the former."""

    own: tuple[Path, ...]
    foreign: tuple[Path, ...]
    size: int


@dataclass(frozen=True)
class Garbage:
    """A run's folder or a temporary file that nobody can reach, or has asked for in a long time; why, and its bytes."""

    path: Path
    why: str
    size: int


def contents(run: RunDirectory, root: Path) -> Contents:
    """What a run's folder holds. Raises SuiteError where that folder is not in the store, but linked from there."""
    if run.path.resolve() != root.resolve() / run.path.parent.name / run.path.name:
        raise SuiteError(f"{run.path} leads out of {root}", "remove what it leads to by hand")
    content = run.read() if (run.path / MANIFEST).is_file() else {}
    made = {*own_files.of_run(run.path)} if content.get("status") == "finished" else None
    own, foreign = list[Path](), list[Path]()
    for path in files(run.path):
        name = path.relative_to(run.path).as_posix()
        known = own_files.is_beside(name) or (own_files.may_be_made(name) if made is None else path in made)
        (own if known and not path.is_symlink() else foreign).append(path)
    return Contents(tuple(own), tuple(foreign), sum(map(size_of, own)))


def remove(run: RunDirectory, root: Path) -> Contents:
    """Removes a run; what is `foreign` in the answer, and the folders that hold it, are left.

    Raises:
        Busy: a process works on the run.
        SuiteError: the folder is not in the store; WorkFailed where it cannot be written.
    """
    contents(run, root)  # refused before anything is touched
    run.open()
    try:
        found = contents(run, root)
        last = {run.path / LOCK: 2, run.path / MANIFEST: 0}  # a half-removed run is never read as finished
        for path in sorted(found.own, key=lambda path: last.get(path, 1)):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(run.path, error) from error
    finally:
        run.close()
    _remove_empty(run.path)
    return found


def garbage(root: Path, before: datetime) -> list[Garbage]:
    """Failed and interrupted runs, and what is left of runs without a record, of which nothing was written since.

    Runs with a tag or a note stay, and so does a folder in which there is anything that the suite did not make; so does
    what cannot be read. Temporary files that a killed process has left go after an hour.
    """
    found = list[Garbage]()
    for path in sorted(path for path in root.glob("*/*") if path.is_dir() and path.parent.name != "experiments"):
        run = RunDirectory(path)
        if path.is_symlink() or path.parent.is_symlink() or is_locked(path / LOCK):
            continue
        why = _useless(run)
        inside = contents(run, root) if why else None
        if inside and inside.own and not inside.foreign and _written(inside.own) < before:
            found.append(Garbage(path, why, inside.size))
        else:
            found += [*_temporary(path)]
    if not (root / "experiments").is_symlink():
        found += [*_temporary(root / "experiments")]
    return found


def collect(one: Garbage, root: Path) -> None:
    """Removes it. Raises as `remove` does."""
    try:
        if not own_files.is_temporary(one.path.name):
            remove(RunDirectory(one.path), root)
        elif one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path)
        else:
            one.path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(one.path, error) from error


def files(folder: Path) -> list[Path]:
    """All files below a folder, links among them, which are not followed."""
    return sorted(
        Path(parent) / name
        for parent, folders, names in os.walk(folder)
        for name in [*names, *(name for name in folders if (Path(parent) / name).is_symlink())]
    )


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where it is gone meanwhile."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _useless(run: RunDirectory) -> str:
    """Why nobody asks for a run; empty where somebody may."""
    if not os.path.lexists(run.path / MANIFEST):
        return "no record"
    content = run.read()
    status = run.status_of(content) if content else ""
    return status if status in ("failed", "interrupted") and notes.read_notes(run) == notes.Notes() else ""


def _written(paths: tuple[Path, ...]) -> datetime:
    return datetime.fromtimestamp(max(path.lstat().st_mtime for path in paths), UTC)


def _temporary(folder: Path) -> Iterator[Garbage]:
    for path in filter(lambda path: own_files.is_temporary(path.name), folder.rglob(".*")):
        inside = [path, *files(path)] if path.is_dir() else [path]
        if _written(tuple(inside)) < datetime.now(UTC) - _SPARED:
            yield Garbage(path, "temporary", sum(size_of(each) for each in inside if not each.is_dir()))


def _remove_empty(folder: Path) -> None:
    """The folders below and the folder itself, and its parent, of those in which nothing is left."""
    for parent, _, _ in [*os.walk(folder, topdown=False)]:
        with suppress(OSError):
            Path(parent).rmdir()
    with suppress(OSError):
        folder.parent.rmdir()
