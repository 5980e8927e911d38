"""Numbers with their limits: which interval belongs to a headline, and how one is drawn on a line."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from suite.host.report.tables import Head

WIDTH, MARGIN = 120.0, 6.0  # of the line, in SVG units


@dataclass(frozen=True)
class Plot:
    """Places on a line of WIDTH: the measured number, its interval where there is one, and the published number."""

    measured: float
    low: float | None
    high: float | None
    published: float


def interval_of(value: Any, tables: Iterable[Head]) -> tuple[float, float] | None:
    """The 95 % limits that stand beside this very number in a run's tables; None where none or several do.

    A column's limits are the columns `low` and `high` right of it, or those of its own name with `_low` and `_high`.
    Only a number with digits of its own is looked for: 0, 1 and 0.05 stand beside many limits.
    """
    if not isinstance(value, float) or value == round(value, 2):
        return None
    found = {limits for head in tables for limits in _limits_beside(value, head)}
    return found.pop() if len(found) == 1 else None


def plot(measured: Any, low: Any, high: Any, published: Any) -> Plot | None:
    """Where the numbers fall on the line; None where there are not two to compare."""
    at, against = _number(measured), _number(published)
    others = [_number(low), _number(high), against]
    known = [value for value in (at, *others) if value is not None]
    if at is None or against is None or max(known) == min(known):
        return None
    scale = (WIDTH - 2 * MARGIN) / (max(known) - min(known))

    def place(value: float) -> float:
        return round(MARGIN + (value - min(known)) * scale, 1)

    low_at, high_at = (None if value is None else place(value) for value in others[:2])
    return Plot(place(at), low_at, high_at, place(against))


def _limits_beside(value: float, head: Head) -> list[tuple[float, float]]:
    names = list(head.columns)
    triples = [(name, *_limit_columns(name, names)) for name in names]
    columns = [(head.columns[name], head.columns[low], head.columns[high]) for name, low, high in triples if low]
    rows = [row for triple in columns for row in zip(*triple, strict=True) if row[0] == value]
    return [(low, high) for _, low, high in rows if _number(low) is not None and _number(high) is not None]


def _limit_columns(name: str, names: Sequence[str]) -> tuple[str, str]:
    if f"{name}_low" in names and f"{name}_high" in names:
        return f"{name}_low", f"{name}_high"
    after = list(names[names.index(name) + 1 :][:2])
    return ("low", "high") if after == ["low", "high"] else ("", "")


def _number(value: Any) -> float | None:
    """The value as a finite number, where it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
