"""Digests of what is stored: it is told from what was damaged since."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import xxhash


def file_digest(path: Path) -> str:
    """The xxh3_128 of a file's content, as 32 hex digits: read once in a process unless the file changes meanwhile.

    It tells damage, not malice, at the speed of memory. Raises OSError.
    """
    status = path.stat()
    return _digest(path.absolute(), status.st_ino, status.st_size, status.st_mtime_ns)


def json_digest(value: Any) -> str:
    """The xxh3_128 of a value that JSON can hold, whatever the order of its keys. Raises TypeError for any other."""
    return xxhash.xxh3_128_hexdigest(json.dumps(value, sort_keys=True).encode())


@lru_cache(maxsize=1 << 14)
def _digest(path: Path, *identity: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()
