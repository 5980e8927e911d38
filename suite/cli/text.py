"""Rows as aligned plain text, the same on a terminal and in a pipe."""

from collections.abc import Mapping, Sequence
from typing import Any

DECIMALS = 4


def format_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A header, a rule and a line per row; numbers to the right."""
    values = [[row[column] for row in rows] for column in columns]
    cells = [_cells(column) for column in values]
    widths = [max(map(len, [name, *column])) for name, column in zip(columns, cells, strict=True)]
    numeric = [all(isinstance(value, int | float | None) for value in column) for column in values]

    def line(texts: Sequence[str]) -> str:
        padded = zip(texts, widths, numeric, strict=True)
        return "  ".join(t.rjust(w) if right else t.ljust(w) for t, w, right in padded).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, zip(*cells, strict=True))])


def format_value(value: Any) -> str:
    """A value by itself: floats with 4 significant digits, `-` for a gap."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)


def _cells(values: Sequence[Any]) -> list[str]:
    """The texts of a column: its floats share their decimals, unless cutting these to 4 would hide a small one."""
    floats = [value for value in values if isinstance(value, float)]
    needed = max((len(format_value(value).partition(".")[2]) for value in floats), default=0)
    readable = all(value == 0 or 10 ** (1 - DECIMALS) <= abs(value) < 10**DECIMALS for value in floats)
    if needed > DECIMALS and not readable:
        return [format_value(value) for value in values]
    return [
        f"{value:.{min(needed, DECIMALS)}f}" if isinstance(value, float) else format_value(value) for value in values
    ]
