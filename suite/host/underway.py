"""How far a run is while a process works on it: a note in its directory for those who look on, gone when it ends."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suite.files import temporary_beside
from suite.host import manifest

FILE = ".progress.tmp"  # a temporary file by its name: nobody keeps it


@dataclass
class Loop:
    """A loop that is under way; `total` is None where nobody knows."""

    description: str
    total: int | None
    done: int = 0


def note(run: Path, loops: Sequence[Loop]) -> None:
    """Says which loops are under way, the outermost first."""
    with suppress(OSError):  # no run is to fail for it
        written = temporary_beside(run / FILE)
        written.write_text(json.dumps([asdict(loop) for loop in loops]), encoding="utf-8")
        written.replace(run / FILE)


def forget(run: Path) -> None:
    """Removes the note."""
    with suppress(OSError):
        (run / FILE).unlink(missing_ok=True)


def loops_of(run: Path) -> list[Loop]:
    """What the note says; nothing where there is none that can be read."""
    content, _ = manifest.read(run / FILE)
    found = content if isinstance(content, list) else []
    return [Loop(one["description"], one["total"], one["done"]) for one in found if _is_loop(one)]


def _is_loop(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("description"), str)
        and isinstance(value.get("done"), int)
        and isinstance(value.get("total", 0), int | None)
        and "total" in value
    )
