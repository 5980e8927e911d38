"""What a run says of published claims: the rows of its table `claims`, in the columns of `suite.claims.SCHEMA`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.host.store import RunDirectory

CLAIMS = "claims"
WORDS = ("reproduced", "differs", "cannot be told")
COLUMNS = ("claim", "setting", "value", "low", "high", "n", "of", "published", "source", "verdict", "note")


@dataclass(frozen=True)
class Verdict:
    """One judged claim.

    Args:
        claim: in words, with the setting and the place in the paper.
        published: None where the paper gives no number.
        value: the measured number; None where there is no one number.
        low, high: its 95 % limits, or None.
        n: over how many units, or None; `of` says what they are.
        verdict: one of WORDS.
        note: the reason.
        topic: what verdicts share that are the same claim in other settings, in the same unit.
    """

    claim: str
    published: float | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    of: str
    verdict: str
    note: str
    topic: str = ""


def verdicts(run: RunDirectory) -> list[Verdict]:
    """All verdicts of a run, in the study's order; none where it is not finished.

    Raises SuiteError where the table is missing or damaged.
    """
    content = run.read()
    if content.get("status") != "finished" or CLAIMS not in content["tables"]:
        return []
    return read_verdicts(run.path / content["tables"][CLAIMS]["file"])


def read_verdicts(path: Path) -> list[Verdict]:
    """The rows of a table of claims. Raises SuiteError where it is missing, damaged, or no such table."""
    from suite.tables import read_frame  # polars, for runs that judge

    frame = read_frame(path)
    if missing := [name for name in COLUMNS if name not in frame.columns]:
        raise SuiteError(f"{path} is no table of claims: it lacks {', '.join(missing)}", "suite analyse makes it again")
    return [of_row(row) for row in frame.iter_rows(named=True)]


def of_row(row: Mapping[str, Any]) -> Verdict:
    """A row of the table of claims."""
    words = "; ".join(part for part in (row["claim"], row["setting"]) if part)
    source = f" ({row['source']})" if row["source"] else ""
    topic = "; ".join(part for part in (row["claim"], row.get("unit")) if part)
    numbers = {name: row[name] for name in ("published", "value", "low", "high", "n", "verdict")}
    return Verdict(f"{words}{source}", **numbers, of=row["of"] or "", note=row["note"] or "", topic=topic)
