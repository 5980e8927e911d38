"""A run directory as a tracker knows runs: parameters, tags, metrics per step, files; pure but for reading it.

Metrics per step come from tables with a column such as `epoch` or `step`: for every group of rows, the numbers that
stand beside it, named `table/column/option:value option:value`. Groups are told by the shortest run of leading columns
that tells the rows apart; of these, names have those that vary in the table.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from suite.errors import SuiteError
from suite.host.store import MANIFEST, RunDirectory
from suite.host.text import exact_text, text_of
from suite.tables import read_rows

STEPS = ("epoch", "step", "steps", "k")
"""Columns that count the steps of a metric, the first that a table has."""
MOST_VALUES = 20_000
"""Metric values of a run; tables that would exceed it, the shortest first, are tracked as files alone."""

_LONGEST_NAME = 200


class Metric(NamedTuple):
    """One value; several steps of one name are a curve."""

    name: str
    value: float
    step: int


@dataclass(frozen=True)
class Content:
    """What is tracked of a run.

    Args:
        run: `study/key`.
        version: digest of the run's record, another one when the run is made again.
        started, written: milliseconds since 1970.
        finished: otherwise it failed or was interrupted.
        files: (path, folder beside the run's other files).
    """

    run: str
    version: str
    started: int
    written: int
    finished: bool
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[Metric]
    files: Sequence[tuple[Path, str]]


def read(run: RunDirectory) -> Content:
    """What there is to track of a run. Raises SuiteError where its record or a table cannot be read."""
    manifest = run.read()
    if not manifest:
        raise SuiteError(f"{run.path / MANIFEST} cannot be read: {run.fault()}", "run the study again with --fresh")
    timings, code, name = manifest["timings"], manifest["code"], f"{manifest['study']}/{manifest['key']}"
    numbers = {key: value for key, value in manifest["headline"].items() if _is_number(value)}
    texts = {key: value for key, value in manifest["headline"].items() if key not in numbers and value is not None}
    config = {key: exact_text(value) for key, value in manifest["config"].items()}
    git = code.get("git") or {}
    return Content(
        run=name,
        version=hashlib.sha256((run.path / MANIFEST).read_bytes()).hexdigest()[:16],
        started=_milliseconds(timings["started"]),
        written=_milliseconds(timings.get("written", timings["started"])),
        finished=manifest["status"] == "finished",
        params={"study": manifest["study"], "code": code["digest"][:16], **config},
        tags={
            "suite.run": name,
            "suite.status": run.status(),
            "suite.path": str(run.path.absolute()),
            "suite.git": f"{git.get('revision', '')}{'-dirty' if git.get('dirty') else ''}",
            "suite.device": str(manifest.get("device", "")),
            "suite.inputs": json.dumps(manifest["inputs"]),
            **{f"headline.{entry_name(key)}": text_of(value) for key, value in texts.items()},
        },
        metrics=[
            *(Metric(entry_name(key), float(value), 0) for key, value in numbers.items()),
            Metric("seconds", float(timings["seconds"]), 0),
            *(_curves(run, manifest["tables"]) if manifest["status"] == "finished" else ()),
        ],
        files=[(run.path / file, folder) for file, folder in _files(manifest) if (run.path / file).exists()],
    )


def curves(table: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """The metrics per step in a table's rows; none where no column counts steps."""
    step = next((name for name in STEPS if rows and name in rows[0]), "")
    keys = _keys(rows)
    if step not in keys or not all(_is_number(row[step]) and row[step] == int(row[step]) for row in rows):
        return
    telling = [name for name in keys if name != step and len({row[name] for row in rows}) > 1]
    measured = [name for name in rows[0] if name not in keys]
    for row in rows:
        group = " ".join(f"{name}:{text_of(row[name])}".replace("/", "_") for name in telling)
        for name in measured:
            if _is_number(row[name]):
                parts = [table, name, group] if group else [table, name]
                yield Metric(entry_name("/".join(parts)), float(row[name]), int(row[step]))


def entry_name(text: str) -> str:
    """A name that trackers take: letters, digits and `_-.: /`; long ones end in a hash of the whole."""
    name = re.sub(r"[^\w\-.: /]", "_", text, flags=re.ASCII).strip("/. ")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _curves(run: RunDirectory, tables: Mapping[str, Any]) -> Iterator[Metric]:
    left = MOST_VALUES
    for name, table in sorted(tables.items(), key=lambda item: int(item[1]["rows"])):
        if table["rows"] > left:
            return
        found = list(curves(name, read_rows(run.path / table["file"])))
        if len(found) <= left:
            left -= len(found)
            yield from found


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The shortest run of leading columns that tells all rows apart; none where there is none."""
    names = [*rows[0]] if rows else []
    for count in range(1, len(names) + 1):
        if len({tuple(row[name] for name in names[:count]) for row in rows}) == len(rows):
            return names[:count]
    return []


def _files(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield MANIFEST, ""
    yield from ((table["file"], "tables") for table in manifest["tables"].values())
    yield from ((figure[kind], "figures") for figure in manifest["figures"].values() for kind in ("svg", "png"))
    yield from ((file, "models") for file in manifest["models"].values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
