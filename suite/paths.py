"""Where things live on disk: three roots, each moved by one environment variable."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def data_root() -> Path:
    """Data sets in torchvision's layouts (`SUITE_DATA`, default `./data`); only `suite data prepare` writes there."""
    return Path(os.environ.get("SUITE_DATA") or "data")


def cache_root() -> Path:
    """Decoded data and trained weights (`SUITE_CACHE`, default `~/.cache/suite`). Safe to delete at any time."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "suite"
    return Path(os.environ.get("SUITE_CACHE") or default)


def runs_root() -> Path:
    """Run directories (`SUITE_RUNS`, default `./runs`)."""
    return Path(os.environ.get("SUITE_RUNS") or "runs")


@contextmanager
def runs_at(root: Path) -> Iterator[None]:
    """Within the block run directories are below this root, for this process and those that it starts."""
    before = os.environ.get("SUITE_RUNS")
    os.environ["SUITE_RUNS"] = str(root)
    try:
        yield
    finally:
        os.environ.pop("SUITE_RUNS")
        if before is not None:
            os.environ["SUITE_RUNS"] = before
