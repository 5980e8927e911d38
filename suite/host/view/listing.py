"""What is in the store at this moment, read again where something has changed: the one way from a name to its files."""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from suite.errors import SuiteError
from suite.host.notes import FILE as NOTES
from suite.host.notes import read_notes
from suite.host.report.claims import Claim, in_words
from suite.host.report.experiments import find_experiments
from suite.host.report.runs import Describe, IndexRow, brief_row, damaged_row
from suite.host.store import LOCK, RunDirectory
from suite.host.verdicts import verdicts
from suite.locks import is_locked

FRESH = 1.0  # seconds for which a look at the folder serves
_RECORDS = ("run.json", "results/results.json", NOTES)
_SETTLED = ("finished", "failed", "damaged")

Stamp = tuple[tuple[int, int], ...]
"""When each of a run's records was written, and its size."""


@dataclass(frozen=True)
class Entry:
    """A run of the store in one line; `words` is what a search looks through."""

    run: RunDirectory
    row: IndexRow
    tags: tuple[str, ...]
    stamp: Stamp
    words: str

    @property
    def name(self) -> str:
        """`study/key`."""
        return f"{self.row.study}/{self.row.key}"


class Listing:
    """The runs and experiments below a root. Several threads may ask at once.

    Attributes:
        version: another number whenever a run has come, gone, or changed.
    """

    def __init__(self, root: Path, describe: Describe) -> None:
        self.root, self.version = root, 0
        self._describe = describe
        self._entries: dict[str, Entry] = {}
        self._claims: dict[str, tuple[Stamp, list[Claim]]] = {}
        self._looked = -FRESH
        self._lock = threading.Lock()

    def runs(self) -> Mapping[str, Entry]:
        """`study/key` -> the run, for all that are there."""
        with self._lock:
            if time.monotonic() - self._looked >= FRESH:
                self._look()
                self._looked = time.monotonic()
            return self._entries

    def experiments(self) -> Mapping[str, Path]:
        """Name -> the record of the experiment."""
        return {path.stem: path for path in find_experiments(self.root)}

    def claims(self, entry: Entry) -> Sequence[Claim]:
        """What a run says of published claims; nothing where that cannot be read."""
        known = self._claims.get(entry.name)
        if known is None or known[0] != entry.stamp:
            found = list[Claim]()
            with suppress(SuiteError):
                found = in_words(verdicts(entry.run))
            known = self._claims[entry.name] = (entry.stamp, found)
        return known[1]

    def _look(self) -> None:
        before, now = self._entries, dict[str, Entry]()
        for run in _directories(self.root):
            stamp = _stamp(run.path)
            if stamp[0] == _ABSENT:
                continue
            known = before.get(run.name)
            entry = known if known is not None and known.stamp == stamp else _entry(run, stamp, self._describe)
            now[entry.name] = _settled(entry)
        if now != before:
            self._entries, self.version = now, self.version + 1


_ABSENT = (0, 0)


def _directories(root: Path) -> list[RunDirectory]:
    """Folders that may be runs, by study and key."""
    return [RunDirectory(Path(key.path)) for study in _folders(root) for key in _folders(Path(study.path))]


def _folders(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return sorted((entry for entry in found if entry.is_dir()), key=lambda entry: entry.name)
    except OSError:
        return []


def _stamp(path: Path) -> Stamp:
    return tuple(_written(path / name) for name in _RECORDS)


def _written(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return _ABSENT
    return status.st_mtime_ns, status.st_size


def _entry(run: RunDirectory, stamp: Stamp, describe: Describe) -> Entry:
    try:
        row = brief_row(run, describe)
    except SuiteError as error:
        row = damaged_row(run, error)
    row = replace(row, study=run.path.parent.name, key=run.path.name)  # as they are found, whatever a record says
    tags = read_notes(run).tags
    texts = (row.study, row.key, row.status, row.headline, row.options, row.note, *tags)
    return Entry(run, row, tags, stamp, " ".join(texts).lower())


def _settled(entry: Entry) -> Entry:
    """The entry as it is now: a run that is not settled runs as long as somebody holds its lock."""
    if entry.row.status in _SETTLED:
        return entry
    status = "running" if is_locked(entry.run.path / LOCK) else "interrupted"
    if status == entry.row.status:
        return entry
    words = entry.words.replace(entry.row.status, status)
    return replace(entry, row=replace(entry.row, status=status), words=words)
