"""A run's verdicts and headline numbers in words, with what is drawn beside them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.host.report.intervals import interval_of
from suite.host.report.plots import Limits, Plot, Scale, plot, scale_of
from suite.host.report.tables import Head
from suite.host.text import format_value
from suite.host.verdicts import CLAIMS, WORDS, Verdict, read_verdicts

CELL_BYTES = 420  # of markup around a claim, its drawing among it


@dataclass(frozen=True)
class Claim:
    """One verdict in words; `note` is its reason."""

    claim: str
    measured: str
    published: str
    n: str
    verdict: str
    note: str
    plot: Plot | None

    @property
    def size(self) -> int:
        """Bytes it takes on a page."""
        texts = (self.claim, self.measured, self.published, self.verdict, self.note)
        return CELL_BYTES + sum(len(text.encode()) for text in texts)


@dataclass(frozen=True)
class Number:
    """A headline number in words, with its 95 % limits where it has any; `limits` are these as numbers."""

    name: str
    value: str
    interval: str
    limits: Limits | None = None


def claims(files: Mapping[str, Path], heads: Mapping[str, Head], notes: list[str]) -> list[Claim]:
    """The rows of the table of claims; none, and a note, where it cannot be read."""
    if CLAIMS not in heads:
        return []
    try:
        return in_words(read_verdicts(files[CLAIMS]))
    except SuiteError as error:
        notes.append(error.what)
        return []


def tally(found: Sequence[Claim]) -> dict[str, int]:
    """How many claims have each verdict, in the order of WORDS; words without any are left out."""
    counted = Counter(claim.verdict for claim in found)
    return {word: counted[word] for word in WORDS if counted[word]}


def headline(values: Mapping[str, Any], limits: Mapping[str, Limits], tables: Sequence[Head]) -> list[Number]:
    """The numbers that the study puts first.

    Args:
        limits: of those numbers that are estimates; None is an open side.
        tables: in which the limits of the other numbers are looked for.
    """
    made = []
    for name, value in values.items():
        found = _open(limits[name]) if name in limits else interval_of(value, tables)
        made.append(Number(name, _text(value), _limits(*found) if found else "", found))
    return made


def in_words(found: Sequence[Verdict]) -> list[Claim]:
    """Verdicts in words; what is measured of one claim in several settings is drawn on one scale."""
    numbers = defaultdict[str, list[Any]](list)
    for verdict in found:
        numbers[verdict.topic] += (verdict.value, verdict.low, verdict.high, verdict.published)
    scales = {topic: scale_of(values) for topic, values in numbers.items()}
    return [claim_in_words(verdict, scales[verdict.topic]) for verdict in found]


def claim_in_words(verdict: Verdict, scale: Scale | None) -> Claim:
    """A verdict in words, drawn on a scale."""
    limits = _limits(verdict.low, verdict.high) if verdict.low is not None or verdict.high is not None else ""
    return Claim(
        claim=verdict.claim,
        measured="" if verdict.value is None else f"{_text(verdict.value)} {limits}".rstrip(),
        published="" if verdict.published is None else _text(verdict.published),
        n="" if verdict.n is None else f"{verdict.n} {verdict.of}".rstrip(),
        verdict=verdict.verdict,
        note=verdict.note,
        plot=plot(scale, verdict.value, (verdict.low, verdict.high), verdict.published),
    )


def _open(limits: Limits) -> tuple[float, float]:
    low, high = limits
    return -inf if low is None else low, inf if high is None else high


def _limits(low: Any, high: Any) -> str:
    return f"[{format_value(low)}, {format_value(high)}]"


def _text(value: Any) -> str:
    """A value as text; lists and the like item by item."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    return format_value(value)
