"""The records of all runs below a root: each read once and then remembered, so that a store of thousands opens at once.

What is remembered lies in the cache, whole or not at all, and can be deleted at any time. A record counts as known
while both of its files are as they were: of the same size, times and place on disk. One that is not to be trusted is
never remembered: it is read, and warned of, every time.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import xxhash
from pydantic_core import from_json

from suite.digests import file_digest
from suite.host import manifest, own_files, store
from suite.host.remembering import recall, remember
from suite.host.store import RunDirectory, find_runs
from suite.paths import cache_root

LEAST_NEW, SHARE_NEW = 100, 20  # it is stored again when a hundred are new, and one in twenty of what is known
SETTLED = 2.0  # seconds: what was written just now could be written again within one tick of the disk's clock

Content = dict[str, Any]
Stamp = list[list[int] | None]


def read_all(root: Path) -> list[tuple[RunDirectory, Content]]:
    """Every run below a root with what `RunDirectory.read` gives, by study and key."""
    runs, path = find_runs(root), _file(root)
    known = _load(path) if len(runs) >= LEAST_NEW else {}
    kept: dict[str, tuple[Stamp, Content]] = {}
    found, new = [], 0
    for run in runs:
        name, before = run.name, _stamp(run)
        if (entry := known.get(name)) is not None and entry[0] == before:
            content = entry[1]
        else:
            content = run.read()
            if not _may_be_remembered(content, before, _stamp(run)):
                found.append((run, content))
                continue
            new += 1
        kept[name] = before, content
        found.append((run, content))
    if new >= max(LEAST_NEW, len(known) // SHARE_NEW):
        remember(path, "the memory of records", lambda: _written(kept))
    return found


def _stamp(run: RunDirectory) -> Stamp:
    """How a change of a run's two records is noticed without reading them; None for one that is not there."""
    return [_status(f"{run.path}/{name}") for name in (own_files.MANIFEST, _RESULTS)]


_RESULTS = f"{own_files.RESULTS}/{own_files.RESULTS_MANIFEST}"


def _status(path: str) -> list[int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - of text, for thousands of runs
    except OSError:
        return None
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _may_be_remembered(content: Content, before: Stamp, after: Stamp) -> bool:
    """Whether a record can be trusted, with its results, and stayed as it was while it was read."""
    trusted = bool(content) and (content["analysis"] is not None or before[1] is None)
    newest = max((time_ns for status in before if status for time_ns in status[3:]), default=0)
    return trusted and before == after and newest < (time.time() - SETTLED) * 1e9


def _file(root: Path) -> Path:
    """Of a root, as this version of the code reads records."""
    sources = (manifest.__file__, store.__file__, __file__)
    told = [os.path.realpath(root), *(file_digest(Path(source)) for source in sources)]
    return cache_root() / "records" / f"{xxhash.xxh3_64_hexdigest(os.fsencode(' '.join(told)))}.json"


def _load(path: Path) -> dict[str, tuple[Stamp, Content]]:
    """What is remembered, by the runs' names; nothing where that is absent or damaged."""
    data = recall(path)
    known: dict[str, tuple[Stamp, Content]] = {} if data is None else from_json(data, cache_strings="keys")
    return known


def _written(kept: dict[str, tuple[Stamp, Content]]) -> bytes:
    return json.dumps(kept, separators=(",", ":"), allow_nan=False).encode()
