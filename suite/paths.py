"""Where things live on disk: three roots, each moved by one environment variable."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.errors import SuiteError

LONGEST_PATH, LONGEST_NAME = 4000, 255  # bytes, as most file systems have it


def usable(path: str | Path) -> Path:
    """A path that was typed, as one that a file system can be asked about.

    Raises SuiteError where it or a name in it is too long, and for control characters, which no name should have.
    """
    text = str(path)
    try:
        data = os.fsencode(text)
    except UnicodeEncodeError:
        raise SuiteError(f"{text!r} is no path", "give another name") from None
    if any(byte < 32 or byte == 127 for byte in data):
        raise SuiteError(f"{text!r} has control characters", "give another name")
    if len(data) > LONGEST_PATH or max(map(len, data.split(b"/"))) > LONGEST_NAME:
        raise SuiteError(f"{text!r} is too long for a path", "give another name")
    return Path(path)


def data_root() -> Path:
    """Data sets in torchvision's layouts (`SUITE_DATA`, default `./data`); only `suite data prepare` writes there."""
    return usable(os.environ.get("SUITE_DATA") or "data")


def cache_root() -> Path:
    """Decoded data and trained weights (`SUITE_CACHE`, default `~/.cache/suite`). Safe to delete at any time."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "suite"
    return usable(os.environ.get("SUITE_CACHE") or default)


def runs_root() -> Path:
    """Run directories (`SUITE_RUNS`, default `./runs`)."""
    return usable(os.environ.get("SUITE_RUNS") or "runs")


@contextmanager
def runs_at(root: Path) -> Iterator[None]:
    """Within the block run directories are below this root, for this process and those that it starts.

    Raises SuiteError for a path that no file system takes.
    """
    usable(root)
    before = os.environ.get("SUITE_RUNS")
    os.environ["SUITE_RUNS"] = str(root)
    try:
        yield
    finally:
        os.environ.pop("SUITE_RUNS")
        if before is not None:
            os.environ["SUITE_RUNS"] = before
