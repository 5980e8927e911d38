"""What parsing has told about sources: kept in this process, and between processes by the content of each file.

The file in the cache is only read by the code that has written it, and only where it is as it was written. It can be
deleted at any time.
"""

import marshal
import sys
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import xxhash

from suite.digests import file_digest
from suite.host.imports import lazy, source, text
from suite.host.imports.lazy import Lazy, When
from suite.host.imports.source import Import, Source, Stamp, content, parse, stamp
from suite.host.remembering import recall, remember
from suite.locks import only_looking
from suite.paths import cache_root

MOST = 2000  # sources that are kept; more than that are of code that was edited since

_VERSION = 2  # of marshal's format: the last one in which equal values have equal bytes

Entry = tuple[Any, ...]
_read: dict[tuple[Path, str], tuple[Stamp, Source]] = {}


def read(path: Path, package: str) -> Source:
    """A file of a package, from which its relative imports count; parsed unless a file of that content was.

    Raises SuiteError where it cannot be read or parsed; the line is named.
    """
    now, known = stamp(path), _read.get((path, package))
    if known is None or known[0] != now:
        known = _read[path, package] = (now, _told(path, package))
    return known[1]


def keep() -> None:
    """Stores what this process has parsed beside what others have, unless nothing is to be made or can be written."""
    path = _file()
    known, new = _kept(path)
    if new and not only_looking():
        remember(path, "the memory of parsed sources", lambda: _written({**_load(path), **new}, new))
        known |= new
        new.clear()


def _written(entries: dict[str, Entry], new: dict[str, Entry]) -> bytes:
    return marshal.dumps(dict(sorted((entries if len(entries) <= MOST else new).items())), _VERSION)


def _told(path: Path, package: str) -> Source:
    data = content(path)
    name = f"{xxhash.xxh3_128_hexdigest(data)} {package} {path.suffix}"
    known, new = _kept(_file())
    if entry := known.get(name) or new.get(name):
        return _source(path, entry)
    found = parse(path, data, package)
    new[name] = astuple(found)[1:]
    return found


def _source(path: Path, entry: Entry) -> Source:
    imports, defined, effect, (present, serving, table), digest = entry
    served = Lazy(present, {key: When(*when) for key, when in serving.items()}, table)
    return Source(path, tuple(Import(*each) for each in imports), defined, effect, served, digest)


def _file() -> Path:
    return cache_root() / "sources" / f"{_parser()}.bin"


@cache
def _parser() -> str:
    """Names today's parser and this Python, whose syntax trees and whose marshal's format it has."""
    code = "".join(file_digest(Path(module.__file__)) for module in (source, lazy, text) if module.__file__)
    return xxhash.xxh3_64_hexdigest((code + sys.version).encode())


@cache
def _kept(path: Path) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Entries by name: those that were stored, and those that this process has made since."""
    return _load(path), {}


def _load(path: Path) -> dict[str, Entry]:
    """What is stored; nothing where that is absent or damaged."""
    data = recall(path)
    entries: dict[str, Entry] = {} if data is None else marshal.loads(data)
    return entries
