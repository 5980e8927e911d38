"""Files of the cache that only spare work: each is used whole, as it was written, or not at all."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import xxhash

from suite.errors import SuiteError
from suite.files import atomic, read_regular
from suite.locks import made_once, only_looking

_MOST = 2**31  # bytes that are read
_DIGEST = 16  # bytes, in front of the content


def recall(path: Path) -> bytes | None:
    """What was remembered; None where that is absent, or not as it was written."""
    try:
        data = read_regular(path, _MOST)
    except OSError:
        return None
    content = data[_DIGEST:]
    return content if xxhash.xxh3_128_digest(content) == data[:_DIGEST] else None


def remember(path: Path, what: str, content: Callable[[], bytes]) -> None:
    """Replaces what is remembered, unless nothing is to be made or can be written.

    Args:
        what: names it in the log, where another process is waited for.
        content: makes it, while no other process writes there.
    """
    if only_looking():
        return
    with suppress(SuiteError), made_once(path, what):
        data = content()
        with atomic(path) as file:
            file.write(xxhash.xxh3_128_digest(data) + data)
