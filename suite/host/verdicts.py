"""What a run says of published claims: the rows of its tables that have a column `verdict`, in one form.

A table of verdicts reads from left to right: what the row is about, the measured number under any name, its 95 % limits
`low` and `high`, how many it is over, `n`, and further columns. By name the host knows

| column | meaning |
|---|---|
| `verdict` | `reproduced`, `differs`, `cannot be told`, or more in words; a row where it is empty judges nothing |
| `measured` | the measured number; where no column is called so, it is the column to the left of `low` |
| `low`, `high`, `n` | its limits, and over how many |
| `claim` | what is judged, in words; columns to the left of the measured number say for which setting |
| `published`, `predicted`, `expected` | what the paper prints or its theory says, in the same unit or in words |
| `source`, `paper` | where the paper says so |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.host.store import RunDirectory
from suite.tables import read_rows

VERDICT, MEASURED = "verdict", "measured"
_LIMITS = ("low", "high", "n")
_PUBLISHED = ("published", "predicted", "expected")
_SOURCES = ("source", "paper")
_NO_SETTING = {"claim", VERDICT, *_LIMITS, *_PUBLISHED, *_SOURCES}


@dataclass(frozen=True)
class Verdict:
    """One judged claim.

    Args:
        table: the run's table that it stands in.
        claim: in words, with the setting and the place in the paper.
        published: a number or a text; None where the paper gives neither.
        measured: None where it could not be measured.
        low, high: its 95 % limits, or None.
        n: over how many, or None.
        verdict: begins with `reproduced`, `differs` or `cannot be told` where a paper's claim is judged.
    """

    table: str
    claim: str
    published: float | str | None
    measured: float | str | None
    low: float | None
    high: float | None
    n: int | None
    verdict: str


def verdicts(run: RunDirectory) -> list[Verdict]:
    """All verdicts of a run, by table in the study's order; none where it is not finished.

    Raises SuiteError where a table is missing or damaged.
    """
    content = run.read()
    tables: Mapping[str, Any] = content["tables"] if content.get("status") == "finished" else {}
    files = {name: run.path / table["file"] for name, table in tables.items() if table["rows"]}
    return [verdict for name, file in files.items() if _judges(file) for verdict in of_rows(name, read_rows(file))]


def of_rows(table: str, rows: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """The verdicts in the rows of a table that has the column `verdict`."""
    if not rows:
        return []
    names = list(rows[0])
    measured = _measured(names)
    settings = [name for name in names[: names.index(measured or VERDICT)] if name not in _NO_SETTING]
    return [
        Verdict(
            table,
            _claim(row, settings),
            _first(row, _PUBLISHED),
            row[measured] if measured else None,
            **{name: row.get(name) for name in _LIMITS},
            verdict=row[VERDICT],
        )
        for row in rows
        if row[VERDICT]
    ]


def _measured(names: Sequence[str]) -> str | None:
    """The column of the measured number; None where there is none."""
    if MEASURED in names:
        return MEASURED
    at = names.index("low") if "low" in names else 0
    return names[at - 1] if at else None


def _claim(row: Mapping[str, Any], settings: Sequence[str]) -> str:
    known = [(name, row[name]) for name in settings if row[name] not in (None, "")]
    parts = [row.get("claim") or "", ", ".join(f"{name} {_told(value)}" for name, value in known)]
    source = _first(row, _SOURCES)
    return "; ".join(part for part in parts if part) + (f" ({source})" if source else "")


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _told(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _judges(file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return VERDICT in pq.read_schema(file).names
    except (OSError, pa.ArrowException):
        raise SuiteError(f"{file} is missing or damaged", "run the study again with --fresh") from None
