"""Which interval belongs to a headline number that does not say so itself."""

from collections.abc import Iterable
from typing import Any

from suite.host.report.plots import limit_columns, number
from suite.host.report.tables import Head


def interval_of(value: Any, tables: Iterable[Head]) -> tuple[float, float] | None:
    """The 95 % limits that stand beside this very number in a run's tables; None where none or several do.

    For headlines of plain numbers, which do not say what their limits are; those that are estimates do. A column's
    limits are the columns `low` and `high` right of it, or those of its own name with `_low` and `_high`. Only a number
    with digits of its own is looked for: 0, 1 and 0.05 stand beside many limits.
    """
    if not isinstance(value, float) or value == round(value, 2):
        return None
    found = {limits for head in tables for limits in _limits_beside(value, head)}
    return found.pop() if len(found) == 1 else None


def _limits_beside(value: float, head: Head) -> list[tuple[float, float]]:
    names = list(head.columns)
    triples = [(name, *limits) for name in names if (limits := limit_columns(name, names))]
    columns = [[head.columns[name] for name in triple] for triple in triples]
    rows = [row for triple in columns for row in zip(*triple, strict=True) if row[0] == value]
    ends = [(number(low), number(high)) for _, low, high in rows]
    return [(low, high) for low, high in ends if low is not None and high is not None]
