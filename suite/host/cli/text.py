"""Rows as aligned plain text: a line each in a pipe, fitted to the width of a terminal."""

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from suite.errors import shortened
from suite.host.cli import terminal
from suite.host.text import format_column

GAP = INDENT = "  "
LEAST = 8  # characters of a column that is shortened
WORD = 30  # longest word that is kept in one piece where that is possible
BREAKS = " =(,/_"  # behind which else a line may end


@dataclass(frozen=True)
class _Column:
    """A column as text: its name, a text a row, whether they stand to the right, and its width."""

    name: str
    texts: Sequence[str]
    right: bool
    width: int


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], cut: Collection[str] = ()) -> None:
    """Prints the table, fitted where it goes to a terminal."""
    click.echo(format_table(rows, columns, terminal.width(), cut))


def print_pairs(title: str, pairs: Mapping[str, str], names: int = 0) -> None:
    """A title, if any, and for each pair whose text is not empty a line `name  text`; nothing where there is none.

    In a terminal texts are wrapped beside their names, which take `names` characters, or as many as the longest.
    """
    named = {shortened(name, len(name)): shortened(text, len(text)) for name, text in pairs.items() if text}
    if named:
        margin = max(names, *map(len, named)) + len(GAP)
        width = terminal.width()
        room = None if width is None else max(width - len(INDENT) - margin, WORD)
        if title:
            click.echo(title)
        for name, text in named.items():
            first, *more = [text] if room is None else _wrapped(text, room)
            click.echo(f"{INDENT}{name.ljust(margin)}{first}")
            for line in more:
                click.echo(f"{INDENT}{' ' * margin}{line}")


def print_lines(title: str, lines: Sequence[str]) -> None:
    """A title and the lines, indented, wrapped in a terminal; nothing where there are none."""
    width = terminal.width()
    if lines:
        click.echo(f"\n{title}")
    for text in lines:
        first, *more = [text] if width is None else _wrapped(text, max(width - 2 * len(INDENT), WORD))
        click.echo(f"{INDENT}{first}")
        for line in more:
            click.echo(f"{2 * INDENT}{line}")


def format_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int | None = None, cut: Collection[str] = ()
) -> str:
    """A header, a rule and a line per row; numbers to the right.

    Args:
        width: of the terminal; None for rows of one line, however long.
        cut: columns whose texts end in an ellipsis where the terminal is too narrow, so that each row has one line.
            Without any, texts and names are wrapped within their columns, between words or else within them, and where
            there are too many columns for that, each row becomes a block of lines.
    """
    made = [_column(name, [row[name] for row in rows]) for name in columns]
    room = None if width is None else width - len(GAP) * (len(made) - 1)
    if room is None or sum(column.width for column in made) <= room:
        return _joined(made, zip(*(column.texts for column in made), strict=True))
    if cut:
        made = _fitted(made, [_least_of_cut(column) if column.name in cut else column.width for column in made], room)
        return _joined(
            made, zip(*([_cut(text, column.width) for text in column.texts] for column in made), strict=True)
        )
    for least in (_least_of_words, _least_of_parts):
        if sum(map(least, made)) <= room:
            return _of_lines(_fitted(made, [*map(least, made)], room))
    return _blocks(made, width or 0)


def _column(name: str, values: Sequence[Any]) -> _Column:
    texts = [shortened(text, len(text)) for text in format_column(values, name)]
    right = all(isinstance(value, int | float | None) for value in values)
    shown = shortened(name, len(name))
    return _Column(shown, texts, right, max(map(len, [shown, *texts])))


def _least_of_cut(column: _Column) -> int:
    return min(column.width, max(LEAST, len(column.name)))


def _least_of_words(column: _Column) -> int:
    """The width below which numbers or words that are not long would break."""
    return max(_number(column), min(_longest([column.name, *column.texts], " "), max(WORD, len(column.name))))


def _least_of_parts(column: _Column) -> int:
    """The width below which numbers or parts of words would break."""
    return max(_number(column), _longest([column.name] if column.right else [column.name, *column.texts], BREAKS))


def _number(column: _Column) -> int:
    return max(map(len, column.texts), default=1) if column.right else 1


def _longest(texts: Sequence[str], breaks: str) -> int:
    return max(len(part.rstrip()) for text in ["-", *texts] for part in _parts(text, breaks))


def _fitted(columns: Sequence[_Column], least: Sequence[int], room: int) -> list[_Column]:
    """The columns, the widest made narrower until their sum fits or all are at their least."""
    widths = [column.width for column in columns]
    while sum(widths) > room:
        able = [place for place, width in enumerate(widths) if width > least[place]]
        if not able:
            break
        widths[max(able, key=widths.__getitem__)] -= 1
    return [replace(column, width=width) for column, width in zip(columns, widths, strict=True)]


def _joined(columns: Sequence[_Column], rows: Iterable[Sequence[str]]) -> str:
    """The header, the rule and a line a row."""
    above = [[column.name for column in columns], ["-" * column.width for column in columns]]
    return "\n".join(_line(row, columns) for row in [*above, *rows])


def _of_lines(columns: Sequence[_Column]) -> str:
    """The same, names and texts wrapped within their columns."""
    rule = _line(["-" * column.width for column in columns], columns)
    header, *rows = zip(*([column.name, *column.texts] for column in columns), strict=True)
    return "\n".join(
        [*_wrapped_row(header, columns), rule, *(line for row in rows for line in _wrapped_row(row, columns))]
    )


def _wrapped_row(row: Sequence[str], columns: Sequence[_Column]) -> list[str]:
    parts = [_wrapped(text, column.width) for text, column in zip(row, columns, strict=True)]
    height = max(map(len, parts))
    return [_line([part[at] if at < len(part) else "" for part in parts], columns) for at in range(height)]


def _line(texts: Sequence[str], columns: Sequence[_Column]) -> str:
    padded = zip(texts, columns, strict=True)
    return GAP.join(
        terminal.painted(text.rjust(column.width) if column.right else text.ljust(column.width))
        for text, column in padded
    ).rstrip()


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that fit, broken between words, within a word at its punctuation, or else anywhere."""
    lines = [""]
    for word in _parts(text, " "):
        if len(lines[-1]) + len(word.rstrip()) <= width:
            lines[-1] += word
            continue
        lines += [""] if lines[-1] else []
        for part in _parts(word, BREAKS):
            if len(lines[-1]) + len(part.rstrip()) > width and lines[-1]:
                lines.append("")
            pieces = textwrap.wrap(part, width, drop_whitespace=False) if len(part.rstrip()) > width else [part]
            lines[-1] += pieces[0]
            lines += pieces[1:]
    return [line.rstrip() for line in lines]


def _parts(text: str, breaks: str) -> list[str]:
    """The text in parts that end behind a character of `breaks`."""
    return re.findall(f"[^{breaks}]*[{breaks}]*", text)[:-1] or [""]


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
