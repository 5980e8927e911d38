"""A run's verdicts and headline numbers in words, with what is drawn beside them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.host.report.intervals import Plot, interval_of, plot
from suite.host.report.tables import Head
from suite.host.text import format_value
from suite.host.verdicts import VERDICT, Verdict, of_rows
from suite.tables import read_rows

KINDS = ("reproduced", "differs", "cannot be told")
CELL_BYTES = 420  # of markup around a claim, its drawing among it


@dataclass(frozen=True)
class Claim:
    """One verdict; kind is one of KINDS, or `other`."""

    table: str
    claim: str
    measured: str
    published: str
    n: str
    verdict: str
    kind: str
    plot: Plot | None

    @property
    def size(self) -> int:
        """Bytes it takes on a page."""
        texts = (self.claim, self.measured, self.published, self.verdict)
        return CELL_BYTES + sum(len(text.encode()) for text in texts)


@dataclass(frozen=True)
class Number:
    """A headline number with its 95 % limits, where a table has them."""

    name: str
    value: str
    interval: str


def claims(files: Mapping[str, Path], heads: Mapping[str, Head], notes: list[str]) -> list[Claim]:
    """The verdicts in all tables that judge; what cannot be read is noted."""
    found: list[Claim] = []
    for name in [name for name, head in heads.items() if VERDICT in head.columns]:
        try:
            found += [_claim(verdict) for verdict in of_rows(name, read_rows(files[name]))]
        except SuiteError as error:
            notes.append(error.what)
    return found


def tally(found: Sequence[Claim]) -> dict[str, int]:
    """How many claims there are of each kind, in the order of KINDS; kinds without any are left out."""
    counted = Counter(claim.kind for claim in found)
    return {kind: counted[kind] for kind in (*KINDS, "other") if counted[kind]}


def headline(values: Mapping[str, Any], tables: Sequence[Head]) -> list[Number]:
    """The numbers that the study puts first."""
    made = []
    for name, value in values.items():
        limits = interval_of(value, tables)
        made.append(Number(name, _text(value), _limits(*limits) if limits else ""))
    return made


def _claim(verdict: Verdict) -> Claim:
    kind = next((kind for kind in KINDS if verdict.verdict.startswith(kind)), "other")
    limits = _limits(verdict.low, verdict.high) if verdict.low is not None or verdict.high is not None else ""
    return Claim(
        table=verdict.table,
        claim=verdict.claim,
        measured=f"{_text(verdict.measured)} {limits}".rstrip(),
        published="" if verdict.published is None else _text(verdict.published),
        n="" if verdict.n is None else _text(verdict.n),
        verdict=verdict.verdict,
        kind=kind,
        plot=plot(verdict.measured, verdict.low, verdict.high, verdict.published),
    )


def _limits(low: Any, high: Any) -> str:
    return f"[{format_value(low)}, {format_value(high)}]"


def _text(value: Any) -> str:
    """A value as text; lists and the like item by item."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    return format_value(value)
