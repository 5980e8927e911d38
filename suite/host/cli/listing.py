"""Stored runs as rows: which are listed, what is said of each, and how it is shown."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, did_you_mean
from suite.host.cli.text import format_table
from suite.host.cli.times import format_age, read_time
from suite.host.notes import read_notes
from suite.host.plain import plain
from suite.host.records import read_all
from suite.host.registry import Registry
from suite.host.store import RunDirectory
from suite.host.text import format_headline, text_of

STATUSES = ("finished", "running", "interrupted", "failed", "unreadable")
ORDERS = ("started", "seconds", "study", "status")
SHORT = 8  # characters of a key, where they tell it from all others

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """Which runs are meant, and in which order.

    Args:
        study: a study, or a module for all of its studies; None for all.
        tag: a tag; None for all.
        status: one of STATUSES; None for all.
        since: those that were started then or later; None for all.
        sort: one of ORDERS; equal ones by their start.
    """

    study: str | None = None
    tag: str | None = None
    status: str | None = None
    since: datetime | None = None
    sort: str = "started"


def run_rows(root: Path, asked: Asked, known: Registry) -> list[Row]:
    """A row for each run that is meant: what `--json` prints.

    `options` has those that differ from the study's defaults. Raises SuiteError for a study of which there are neither
    runs nor a plugin.
    """
    found = read_all(root)
    if asked.study is not None:
        _check_study(asked.study, [run.path.parent.name for run, _ in found], known)
        found = [pair for pair in found if asked.study in _names(pair[0].path.parent.name)]
    defaults = cache(lambda study: default_options(known, study))
    rows = [_row(run, content, defaults(run.path.parent.name)) for run, content in found]
    return sorted(
        (row for row in rows if _is_meant(row, asked)),
        key=lambda row: (row[asked.sort] is not None, row[asked.sort], row["started"] or ""),
    )


def as_json(rows: Sequence[Row]) -> str:
    """The rows for programs."""
    return json.dumps(plain(rows), allow_nan=False)


def as_text(rows: Sequence[Row], width: int | None) -> str:
    """A line a run: whole where no width is given, else shortened to it."""
    if width is None:
        told = [
            {
                "study": row["study"],
                "key": row["key"],
                "status": row["status"],
                "when": row["started"] or "",
                "headline": _headline(row),
                "options": _options(row["options"]),
                "tags": ",".join(row["tags"]),
                "note": row["note"],
            }
            for row in rows
        ]
        return format_table(told, [*told[0]])
    short = _short_keys([row["key"] for row in rows])
    told = [
        {
            "study": row["study"],
            "key": key,
            "status": row["status"],
            "age": format_age(read_time(row["started"])) if row["started"] else "-",
            "tags": ",".join(row["tags"]),
            "options": _options(row["options"]),
            "headline": _headline(row),
        }
        for row, key in zip(rows, short, strict=True)
    ]
    columns = [name for name in told[0] if name != "tags" or any(row["tags"] for row in rows)]
    return format_table(told, columns, width, cut=("tags", "options", "headline"))


def default_options(known: Registry, study: str) -> dict[str, Any]:
    """A study's options where nothing is given, as JSON holds them; none where it is no longer installed."""
    with suppress(SuiteError):
        return known.config(study).model_validate({}).model_dump(mode="json")
    return {}


def chosen_options(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's config has other than the defaults."""
    return {name: value for name, value in config.items() if name not in defaults or defaults[name] != value}


def _row(run: RunDirectory, content: Mapping[str, Any], defaults: Mapping[str, Any]) -> Row:
    timings, said = content.get("timings", {}), read_notes(run)
    name = run.name
    study, _, key = name.partition("/")
    return {
        "run": name,
        "study": study,
        "key": key,
        "status": run.status_of(content) if content else "unreadable",
        "started": timings.get("started"),
        "seconds": timings.get("seconds"),
        "headline": content.get("headline", {}),
        "limits": content.get("limits", {}),
        "options": chosen_options(content.get("config", {}), defaults),
        "tags": [*said.tags],
        "note": said.note,
        "path": str(run.path),
    }


def _is_meant(row: Row, asked: Asked) -> bool:
    if asked.tag is not None and asked.tag not in row["tags"]:
        return False
    if asked.status not in (None, row["status"]):
        return False
    return asked.since is None or (row["started"] is not None and read_time(row["started"]) >= asked.since)


def _names(study: str) -> tuple[str, str]:
    """Under which a study is asked for: its own and its module's."""
    return study, study.partition(".")[0]


def _check_study(name: str, stored: Sequence[str], known: Registry) -> None:
    there = {each for study in [*stored, *known.studies] for each in _names(study)}
    if name not in there:
        raise SuiteError(f"--study: unknown study {name!r}", did_you_mean(name, sorted(there)))


def _short_keys(keys: Sequence[str]) -> list[str]:
    """The beginnings of keys, as long as it takes to tell them apart."""
    size = next(size for size in range(SHORT, 10**6) if len({key[:size] for key in keys}) == len({*keys}))
    return [key[:size] for key in keys]


def _headline(row: Row) -> str:
    return "; ".join(f"{name} = {text}" for name, text in format_headline(row).items())


def _options(options: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={text_of(value)}" for name, value in options.items())
