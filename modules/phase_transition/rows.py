"""Rows of tables: groups of them, and means over those that have no gap; pure."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, isfinite, log
from typing import Any

from suite.stats import Mean, mean_interval

Row = Mapping[str, Any]


def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of some columns, in order of appearance."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in columns), []).append(row)
    return groups


def known(value: float) -> float | None:
    """A finite number, or a gap."""
    return value if isfinite(value) else None


def whole_mean(values: Sequence[float | None]) -> Mean:
    """Mean with Student's 95 % interval; NaN, and n = 0, where a value is missing: the rest would be a choice."""
    there = [value for value in values if value is not None and isfinite(value)]
    return mean_interval(there if len(there) == len(values) else [])


def whole_ratio(values: Sequence[float | None]) -> Mean:
    """The same of positive ratios: their geometric mean, with Student's interval of the logarithms."""
    mean = whole_mean([log(value) if value else None for value in values])
    return Mean(exp(mean.mean), exp(mean.low), exp(mean.high), mean.n)
