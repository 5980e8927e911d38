"""Rows as aligned plain text: a line each in a pipe, fitted to the width of a terminal."""

import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from suite.errors import shortened
from suite.host.cli import terminal
from suite.host.text import format_column

GAP = "  "
LEAST = 8  # characters of a column that is shortened
WORD = 30  # longest word that is kept in one piece


@dataclass(frozen=True)
class _Column:
    """A column as text: its name, a text a row, its width, and the width that it cannot go below."""

    name: str
    texts: Sequence[str]
    right: bool
    width: int
    least: int


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], cut: Collection[str] = ()) -> None:
    """Prints the table, fitted where it goes to a terminal."""
    click.echo(format_table(rows, columns, terminal.width(), cut))


def format_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int | None = None, cut: Collection[str] = ()
) -> str:
    """A header, a rule and a line per row; numbers to the right.

    Args:
        width: of the terminal; None for rows of one line, however long.
        cut: columns whose texts end in an ellipsis where the terminal is too narrow, so that each row has one line.
            Without any, texts are wrapped within their columns, and where there are too many columns for that, each row
            becomes a block of lines.
    """
    made = [_column(name, [row[name] for row in rows], cut) for name in columns]
    if width is not None:
        room = width - len(GAP) * (len(made) - 1)
        if not cut and sum(column.least for column in made) > room:
            return _blocks(made, width)
        made = _fitted(made, room)
    rule = _line(["-" * column.width for column in made], made)
    header, *lines = _lines(made, bool(cut))
    return "\n".join([*header, rule, *(line for row in lines for line in row)])


def _column(name: str, values: Sequence[Any], cut: Collection[str]) -> _Column:
    texts = [shortened(text, len(text)) for text in format_column(values)]
    width = max(map(len, [name, *texts]))
    right = all(isinstance(value, int | float | None) for value in values)
    words = [len(word) for text in [name, *texts] for word in text.split()]
    least = min(max(words, default=1), max(WORD, len(name)))
    if right or (cut and name not in cut):
        least = width
    elif cut:
        least = min(width, max(LEAST, len(name)))
    return _Column(name, texts, right, width, least)


def _fitted(columns: Sequence[_Column], room: int) -> list[_Column]:
    """The columns, the widest made narrower until their sum fits or all are at their least."""
    widths = [column.width for column in columns]
    while sum(widths) > room:
        able = [place for place, column in enumerate(columns) if widths[place] > column.least]
        if not able:
            break
        widths[max(able, key=widths.__getitem__)] -= 1
    return [replace(column, width=width) for column, width in zip(columns, widths, strict=True)]


def _lines(columns: Sequence[_Column], cut: bool) -> Iterator[list[str]]:
    """The lines of the header and of each row."""
    for row in zip(*([column.name, *column.texts] for column in columns), strict=True):
        parts = [
            [_cut(text, column.width)] if cut else _wrapped(text, column.width)
            for text, column in zip(row, columns, strict=True)
        ]
        height = max(map(len, parts))
        yield [_line([part[at] if at < len(part) else "" for part in parts], columns) for at in range(height)]


def _line(texts: Sequence[str], columns: Sequence[_Column]) -> str:
    padded = zip(texts, columns, strict=True)
    return GAP.join(
        terminal.painted(text.rjust(column.width) if column.right else text.ljust(column.width))
        for text, column in padded
    ).rstrip()


def _wrapped(text: str, width: int) -> list[str]:
    return [text] if len(text) <= width else textwrap.wrap(text, width, break_on_hyphens=False)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _blocks(columns: Sequence[_Column], width: int) -> str:
    """A block of lines `column  text` a row; texts are wrapped beside their column's name."""
    names = max(len(column.name) for column in columns)
    room = max(width - names - len(GAP), LEAST)

    def block(texts: Sequence[str]) -> Iterator[str]:
        for column, text in zip(columns, texts, strict=True):
            first, *more = _wrapped(text, room)
            yield f"{column.name.ljust(names)}{GAP}{terminal.painted(first)}".rstrip()
            yield from (" " * (names + len(GAP)) + line for line in more)

    rows = zip(*(column.texts for column in columns), strict=True)
    return "\n\n".join("\n".join(block(texts)) for texts in rows)
