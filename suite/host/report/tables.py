"""Parquet files as tables of a page: the first rows, as text, and how many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.glossary import OF_CLASSES
from suite.host.glossary import Explained
from suite.host.report.allowance import Allowance
from suite.host.report.plots import Plot, limit_columns, plot, scale_of
from suite.host.text import format_column, format_value
from suite.tables import is_whole

FEWEST = 5  # rows; fewer are not worth a table
CELL = 12  # bytes of markup around a cell's text
PLOT = 220  # of a drawing
MOST_DRAWN = 2  # columns of a table


@dataclass(frozen=True)
class Head:
    """The first rows of a table, as columns, and how many it has in all."""

    columns: dict[str, list[Any]]
    total: int

    def in_words(self, classes: Sequence[str]) -> "Head":
        """With classes by name where they are numbers; as it is where the names are these numbers."""
        if all(name == str(number) for number, name in enumerate(classes)):
            return self
        named = {
            name: [_class(value, classes) for value in self.columns[name]]
            for name in OF_CLASSES
            if name in self.columns
        }
        return replace(self, columns={**self.columns, **named})


@dataclass(frozen=True)
class Drawn:
    """A column of estimates as drawings on one scale: by row, and the numbers at the scale's two ends.

    after: the place of the column behind which they stand.
    """

    name: str
    after: int
    low: str
    high: str
    is_log: bool
    plots: tuple[Plot | None, ...]


@dataclass(frozen=True)
class TableView:
    """A table of the page.

    cells: by row, as text; numeric: by column, whether its cells are numbers; total: rows in the file; drawn: columns
    that have limits beside them; row: what a row stands for; meanings: of the columns, where anybody explains them.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    cells: tuple[tuple[str, ...], ...]
    total: int
    file: str
    drawn: tuple[Drawn, ...] = ()
    row: str = ""
    meanings: tuple[str, ...] = ()

    def explained(self, words: Explained | None) -> "TableView":
        """The table with what it means in words."""
        if words is None:
            return self
        return replace(self, row=words.row, meanings=tuple(words.columns.get(name, "") for name in self.columns))

    @property
    def is_cut(self) -> bool:
        """Whether the file has rows that the page does not show."""
        return len(self.cells) < self.total


def read_head(path: Path, rows: int) -> Head:
    """At most so many rows of a Parquet file. Raises SuiteError, naming it, where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.exists() and not is_whole(path):  # a flip in the footer renames columns, which no page's checksum sees
            raise SuiteError(f"{path} is damaged", "run the study again with --fresh")
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            batch = next(file.iter_batches(batch_size=rows), None)
            names = file.schema_arrow.names
            columns = {name: [] if batch is None else batch.column(at).to_pylist() for at, name in enumerate(names)}
            return Head(columns, file.metadata.num_rows)
    except (OSError, pa.ArrowException) as error:
        what = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
        raise SuiteError(f"{path} {what}", "run the study again with --fresh") from error


def view(
    name: str,
    head: Head,
    file: Path,
    allowance: Allowance,
    *,
    columns: Sequence[str] = (),
    title: str = "",
    is_drawn: bool = False,
) -> TableView:
    """The head as text, of the columns that are asked for or of all, cut to what the allowance holds.

    is_drawn: whether estimates are drawn, too.
    """
    chosen = [column for column in columns or head.columns if column in head.columns]
    plain = {column: [_plain(value) for value in head.columns[column][: allowance.rows]] for column in chosen}
    numeric = tuple(all(isinstance(value, int | float | None) for value in plain[column]) for column in chosen)
    texts = [format_column(plain[column], column) for column in chosen]
    drawn = _drawn(chosen, plain) if is_drawn else []
    cells, taken = list[tuple[str, ...]](), 0
    for row in zip(*texts, strict=True):
        size = sum(len(text.encode()) + CELL for text in row) + PLOT * len(drawn)
        if taken + size > allowance.left and len(cells) >= FEWEST:
            break
        cells.append(row)
        taken += size
    allowance.left -= min(taken, allowance.left)
    return TableView(name, title or name, tuple(chosen), numeric, tuple(cells), head.total, str(file), tuple(drawn))


def _drawn(names: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> list[Drawn]:
    """The first columns that have limits and numbers that differ."""
    made = list[Drawn]()
    for name in names:
        limits = limit_columns(name, names)
        if limits is None or len(made) == MOST_DRAWN:
            continue
        rows = [*zip(columns[name], columns[limits[0]], columns[limits[1]], strict=True)]
        if (scale := scale_of(value for row in rows for value in row)) is not None:
            plots = tuple(plot(scale, value, (low, high)) for value, low, high in rows)
            ends = format_value(scale.low), format_value(scale.high)
            made.append(Drawn(name, names.index(limits[1]), *ends, scale.is_log, plots))
    return made


def _class(number: Any, classes: Sequence[str]) -> Any:
    """The name of a class; what is no number of one stays."""
    return classes[number] if isinstance(number, int) and 0 <= number < len(classes) else number


def _plain(value: Any) -> Any:
    """Long values in words: a row's pixels are no text to read."""
    if isinstance(value, list | dict):
        return f"({len(value)} values)"
    return value if isinstance(value, str | int | float | None) else str(value)
