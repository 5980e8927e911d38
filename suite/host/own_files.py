"""Which files in a run's folder are the suite's own: nothing else that lies there is ever removed.

Tables, models and figures are those that the run's records name, parts and the state of trainings have a digest in
their names. A table of a process that was killed before it could record it stays, until the next one replaces it, or
the run is removed as a whole.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite.files import NAME, of_temporary
from suite.host import manifest, underway

MANIFEST, LOCK, NOTES = "run.json", "lock", "notes.json"
RESULTS, RESULTS_MANIFEST = "results", "results.json"
FOLDERS = ("parts", "checkpoints", "tables", "models", RESULTS)

_PART = r"[A-Za-z0-9.-]*-[0-9a-f]{12}"
_RESUMED = re.compile(rf"parts/{_PART}\.parquet|checkpoints/{_PART}(\.previous)?")
_MEASURED = re.compile(rf"tables/{NAME.pattern}\.parquet|models/{NAME.pattern}\.safetensors")
_ANALYSED = re.compile(rf"tables/{NAME.pattern}\.parquet|figures/{NAME.pattern}\.(svg|png)")
_MADE = re.compile(
    rf"{_RESUMED.pattern}|{_MEASURED.pattern}|{RESULTS}/({_ANALYSED.pattern}|{re.escape(RESULTS_MANIFEST)})"
)
_BESIDE = re.compile(rf"{re.escape(MANIFEST)}|{LOCK}|{re.escape(NOTES)}|([^/]+/)*\.{NAME.pattern}\.lock")


def is_beside(name: str) -> bool:
    """Whether a path below a run's folder is that of its record, its notes, a lock, or of what was half-written."""
    return _BESIDE.fullmatch(name) is not None or any(map(is_temporary, name.split("/")))


def is_temporary(name: str) -> bool:
    """Whether a file or folder of that name is what a process of the suite writes, or has left half-written."""
    return of_temporary(name) is not None or name == underway.FILE


def may_be_made(name: str) -> bool:
    """Whether a path below a run's folder is one that measuring or analysing gives, named by a record or not."""
    return _MADE.fullmatch(name) is not None


def of_run(run: Path) -> list[Path]:
    """What measuring and analysing made, but for the run's record and its lock."""
    resumed = [path for name in ("parts", "checkpoints") for path in (run / name).glob("*")]
    resumed = [path for path in resumed if _RESUMED.fullmatch(path.relative_to(run).as_posix())]
    content, why = manifest.read(run / MANIFEST)
    named = [] if why or manifest.fault(content) else [*_files(content["tables"]), *content["models"].values()]
    return [*resumed, *(run / name for name in named if _MEASURED.fullmatch(name)), *of_results(run / RESULTS)]


def of_results(results: Path) -> list[Path]:
    """What analysing made."""
    content, why = manifest.read(results / RESULTS_MANIFEST)
    named = [] if why or manifest.results_fault(content) else [*_files(content["tables"]), *_drawn(content["figures"])]
    return [results / RESULTS_MANIFEST, *(results / name for name in named if _ANALYSED.fullmatch(name))]


def _files(tables: dict[str, Any]) -> Iterator[str]:
    return (table["file"] for table in tables.values())


def _drawn(figures: dict[str, Any]) -> Iterator[str]:
    return (figure[kind] for figure in figures.values() for kind in ("svg", "png"))
