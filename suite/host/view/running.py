"""How far the runs are that somebody works on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from suite.host.report.provenance import duration
from suite.host.underway import Loop, loops_of
from suite.host.view.listing import Entry


@dataclass(frozen=True)
class Running:
    """A run at work: the loops that are under way, how many parts are stored, and for how long it has been running."""

    name: str
    study: str
    key: str
    options: str
    loops: tuple[Loop, ...]
    parts: int
    since: str


def running(entries: Iterable[Entry]) -> list[Running]:
    """Those of the runs that are running, the newest first."""
    found = [entry for entry in entries if entry.row.status == "running"]
    found.sort(key=lambda entry: entry.row.started, reverse=True)
    return [_running(entry) for entry in found]


def _running(entry: Entry) -> Running:
    row, path = entry.row, entry.run.path
    return Running(entry.name, row.study, row.key, row.options, tuple(loops_of(path)), _parts(path / "parts"),
                   _since(row.started))  # fmt: skip


def _parts(folder: Path) -> int:
    return sum(not path.name.startswith(".") for path in folder.glob("*.parquet"))


def _since(started: str) -> str:
    begun = datetime.fromisoformat(started)
    begun = begun if begun.tzinfo else begun.replace(tzinfo=UTC)
    return duration(max(0, round((datetime.now(UTC) - begun).total_seconds())))
