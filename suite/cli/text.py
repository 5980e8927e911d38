"""Rows as aligned plain text, the same on a terminal and in a pipe."""

from collections.abc import Mapping, Sequence
from typing import Any


def format_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A header, a rule and a line per row; numbers to the right, with 4 significant digits."""
    cells = [[format_value(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numeric = [all(isinstance(row[column], int | float | None) for row in rows) for column in columns]

    def line(texts: Sequence[str]) -> str:
        padded = zip(texts, widths, numeric, strict=True)
        return "  ".join(t.rjust(w) if right else t.ljust(w) for t, w, right in padded).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, cells)])


def format_value(value: Any) -> str:
    """A cell: floats with 4 significant digits, nothing for a gap."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
