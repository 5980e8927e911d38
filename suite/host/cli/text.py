"""Rows as aligned plain text, the same on a terminal and in a pipe."""

from collections.abc import Mapping, Sequence
from typing import Any

from suite.host.text import format_column


def format_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A header, a rule and a line per row; numbers to the right."""
    values = [[row[column] for row in rows] for column in columns]
    cells = [format_column(column) for column in values]
    widths = [max(map(len, [name, *column])) for name, column in zip(columns, cells, strict=True)]
    numeric = [all(isinstance(value, int | float | None) for value in column) for column in values]

    def line(texts: Sequence[str]) -> str:
        padded = zip(texts, widths, numeric, strict=True)
        return "  ".join(t.rjust(w) if right else t.ljust(w) for t, w, right in padded).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, zip(*cells, strict=True))])
