"""Where things live on disk: three roots, each moved by one environment variable."""

import os
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
