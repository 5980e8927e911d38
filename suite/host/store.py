"""Run directories on disk: content key, atomic writes, a lock, what was measured and what was made of it.

`<runs>/<study>/<key>/` holds what was measured (`run.json`, `tables/`, `models/`, `parts/`), `results/` with what
analysing made of it (`results.json`, `tables/`, `figures/`), and `lock`. The directory is the only truth: `run.json`,
written last, alone says that a run is finished, and `results/` appears as a whole; it can be deleted and made again.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from suite.errors import SuiteError, WorkFailed, did_you_mean
from suite.files import (
    ELSEWHERE,
    atomic,
    cannot_write,
    of_temporary,
    remove,
    temporary_beside,
    waiting_for_nobody,
)
from suite.host import manifest, own_files, underway
from suite.host.own_files import FOLDERS
from suite.host.plain import plain
from suite.locks import is_at, is_locked, keeps_out, taken
from suite.paths import usable

MANIFEST, LOCK = own_files.MANIFEST, own_files.LOCK
RESULTS, RESULTS_MANIFEST = own_files.RESULTS, own_files.RESULTS_MANIFEST
OLD_RESULTS = "results.old"
_REMEDY = "run the study again, or remove the directory"

log = logging.getLogger("suite")
PATIENCE = 0.2  # seconds: a process that only looks whether somebody works holds the lock for an instant


def content_key(content: Mapping[str, Any]) -> str:
    """16 hex digits that name a content: the hash of its canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class Busy(SuiteError):
    """Another process holds the run."""


class RunDirectory:
    """One run on disk. Writing needs `open`, which takes the lock until `close` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: TextIO | None = None

    @property
    def name(self) -> str:
        """`study/key`, as the file system has it."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def is_open(self) -> bool:
        """Whether this process holds the directory."""
        return self._lock is not None

    def read(self) -> dict[str, Any]:
        """The content of `run.json`, joined with that of `results.json`; empty when it cannot be trusted (see `fault`).

        A file that is there and cannot be trusted costs a warning.

        `tables` holds those made by analysing before the raw ones; without results, `headline`,
        `limits`, `seen`, `shown` and `figures` are empty and `analysis` is None.
        """
        content, why = self._read()
        if why and os.path.lexists(self.path / MANIFEST):
            log.warning("cannot use %s: %s (%s)", self.path / MANIFEST, why, _REMEDY)
        return {} if why else content

    def fault(self) -> str:
        """Why `run.json` cannot be read: absent, damaged, edited so that parts are missing, of a newer version."""
        return self._read()[1]

    def read_written(self) -> dict[str, Any]:
        """The same. Raises SuiteError, with the reason, where there is nothing to read."""
        content, why = self._read()
        if why:
            raise SuiteError(f"cannot use {self.path / MANIFEST}: {why}", _REMEDY)
        return content

    def _read(self) -> tuple[dict[str, Any], str]:
        content, why = manifest.read(f"{self.path}/{MANIFEST}")  # text: paths are slow to join, for thousands of runs
        why = why or manifest.fault(content)
        return (content, why) if why else ({**content, **self._results(content)}, "")

    def _results(self, measured: Mapping[str, Any]) -> dict[str, Any]:
        """What analysing made, in the form of the whole; results that cannot be trusted are none."""
        path = f"{self.path}/{RESULTS}/{RESULTS_MANIFEST}"
        content, why = manifest.read(path)
        if why := why or manifest.results_fault(content):
            if os.path.lexists(path):
                log.warning("cannot use %s: %s (suite analyse makes it again)", path, why)
            return {"headline": {}, "limits": {}, "seen": [], "shown": [], "figures": {}, "analysis": None}
        tables = {name: {**table, "file": f"{RESULTS}/{table['file']}"} for name, table in content["tables"].items()}
        figures = {
            name: {**figure, **{kind: f"{RESULTS}/{figure[kind]}" for kind in ("svg", "png")}}
            for name, figure in content["figures"].items()
        }
        return {
            "headline": content["headline"],
            "limits": content.get("limits", {}),
            "seen": content.get("seen", []),
            "shown": content["shown"],
            "figures": figures,
            "tables": {**tables, **measured["tables"]},
            "analysis": {"code": content["code"]},
        }

    def replace_results(self, files: Mapping[str, bytes], content: Mapping[str, Any]) -> None:
        """Puts files and `results.json` in place of the results that are there, all at once; needs `open`.

        What else lies in the folder of results is somebody's own and stays.
        """
        results, made = self.path / RESULTS, temporary_beside(self.path / RESULTS)
        written = _written(content, results / RESULTS_MANIFEST)
        try:
            for name, data in [*files.items(), (RESULTS_MANIFEST, written)]:
                with atomic(made / name) as file:
                    file.write(data)
            _copy_others(results, made)
            self._exchange(made)
        except OSError as error:
            raise cannot_write(results, error) from error
        finally:
            remove(made)

    def _exchange(self, made: Path) -> None:
        """Gives a folder the name of the results; again where a process that no lock kept out was quicker."""
        results, old = self.path / RESULTS, temporary_beside(self.path / OLD_RESULTS)
        while True:
            with suppress(FileNotFoundError):
                results.rename(old)
            try:
                made.rename(results)
                break
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    with suppress(OSError):
                        old.rename(results)
                    raise
            remove(old)
        remove(old)

    def write(self, content: Mapping[str, Any]) -> None:
        """Replaces `run.json`."""
        data = _written(content, self.path / MANIFEST)
        with atomic(self.path / MANIFEST) as file:
            file.write(data)

    def status(self) -> str:
        """`finished`, `failed`, `running`, or `interrupted`: unfinished and nobody is working on it."""
        return self.status_of(self.read())

    def status_of(self, content: Mapping[str, Any]) -> str:
        """The same of a content that has been read."""
        status = content.get("status")
        if status in ("finished", "failed"):
            return str(status)
        return "running" if is_locked(self.path / LOCK) else "interrupted"

    def open(self) -> None:
        """Creates the directory, takes its lock and sweeps what a killed process left half-written.

        Raises:
            Busy: another process is working on this run.
            SuiteError: the directory cannot be written.
        """
        while self._lock is None:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                if links := [name for name in FOLDERS if (self.path / name).is_symlink()]:
                    raise SuiteError(f"{self.path / links[0]} is a link", "what a run makes stays in its own folder")
                lock = open(self.path / LOCK, "a", opener=waiting_for_nobody)  # noqa: SIM115
            except OSError as error:
                raise cannot_write(self.path, error) from error
            if not taken(lock, PATIENCE):
                lock.close()
                raise Busy(f"another process is working on {self.path}", "wait for it or stop it")
            if is_at(lock, self.path / LOCK):  # else its holder has discarded the run
                self._lock = lock
            else:
                lock.close()
        if keeps_out(self._lock):  # what is half-written is nobody's who still writes
            self._sweep()

    def _sweep(self) -> None:
        underway.forget(self.path)
        left = [path for path in self.path.rglob(".*.tmp") if of_temporary(path.name)]
        for path in left:
            if of_temporary(path.name) == OLD_RESULTS and not (self.path / RESULTS).exists():
                path.rename(self.path / RESULTS)
            else:
                remove(path)

    def close(self) -> None:
        """Gives the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def wait(self) -> None:
        """Until no process works on the run."""
        while is_locked(self.path / LOCK):
            time.sleep(0.2)

    def clear(self) -> None:
        """Removes all files of the suite's own but the lock, `run.json` first: what is half-cleared is not finished."""
        own = own_files.of_run(self.path)
        (self.path / MANIFEST).unlink(missing_ok=True)
        for path in own:
            path.unlink(missing_ok=True)
        for name in FOLDERS:
            _remove_empty(self.path / name)

    def is_empty(self) -> bool:
        """Whether no result has been stored yet."""
        return not any(path.is_file() for name in FOLDERS for path in (self.path / name).rglob("*"))

    def discard(self) -> None:
        """Removes the run, its directory, and the study's folder, as far as nothing else is in them."""
        self.clear()
        (self.path / LOCK).unlink(missing_ok=True)
        self.close()
        with suppress(OSError):  # not empty
            self.path.rmdir()
            self.path.parent.rmdir()


def _copy_others(results: Path, made: Path) -> None:
    """Copies what is not the suite's own from a folder of results into another."""
    own = {*own_files.of_results(results)}
    for path in results.rglob("*"):
        other = made / path.relative_to(results)
        if path.is_file() and path not in own and not other.exists():
            other.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, other)


def _remove_empty(folder: Path) -> None:
    """Removes folders without files, from the innermost to the given one."""
    for inner, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(inner).rmdir()


def _written(content: Mapping[str, Any], path: Path) -> bytes:
    """A record's bytes. Raises WorkFailed for one that would be refused when it is read."""
    data = json.dumps(plain(content), indent=2, allow_nan=False).encode() + b"\n"
    if why := manifest.decoded(data)[1]:
        raise WorkFailed(f"cannot write {path}: {why}", "note less in facts: what is large belongs in tables")
    return data


def find_runs(root: Path) -> list[RunDirectory]:
    """All runs below a root, by study and key."""
    folders = sorted(key for study in _folders(usable(root)) for key in _folders(study))
    return [RunDirectory(Path(folder)) for folder in folders if os.path.lexists(f"{folder}/{MANIFEST}")]


def _folders(parent: str | Path) -> list[str]:
    """The folders in one, as texts; none where it cannot be read."""
    try:
        with os.scandir(parent) as entries:
            return [entry.path for entry in entries if entry.is_dir()]
    except OSError:
        return []


def find_run(root: Path, key: str) -> RunDirectory:
    """The run below a root whose key begins so, `study/` before it or not. Raises SuiteError for none or several."""
    if not key:
        raise SuiteError("the key of the run is empty", "type the beginning of it: suite runs list shows all")
    found = find_runs(root)
    matching = [run for run in found if f"{run.path.parent.name}/{run.path.name}".startswith(key)]
    matching = matching or [run for run in found if run.path.name.startswith(key)]
    if not matching:
        raise SuiteError(f"no run {key!r} in {root}", did_you_mean(key, [run.path.name for run in found]))
    if len(matching) > 1:
        raise SuiteError(f"{key!r} begins {len(matching)} keys", "type more of it")
    return matching[0]


def check_writable(path: Path) -> None:
    """Raises SuiteError when `path`, or its nearest parent while it is absent, cannot be written into."""
    existing = next(folder for folder in [usable(path), *path.absolute().parents] if folder.exists())
    if not existing.is_dir():
        raise SuiteError(f"cannot write {path}: {existing} is not a directory", ELSEWHERE)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise SuiteError(f"cannot write {path}: {existing} is read-only", ELSEWHERE)
