"""Tables as data frames, and their files: Parquet with checksums, whole or absent."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from suite.errors import SuiteError
from suite.files import atomic


@dataclass(frozen=True)
class Shown:
    """A table that is printed at the end of a run.

    Args:
        table: its name.
        title: a line above it.
        columns: of it; empty for all.
    """

    table: str
    title: str = ""
    columns: tuple[str, ...] = ()


def frame_bytes(frame: pl.DataFrame) -> bytes:
    """A data frame as a Parquet file; equal frames give equal bytes."""
    file = BytesIO()
    pq.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), file, write_page_checksum=True)
    return file.getvalue()


def read_frame(path: Path) -> pl.DataFrame:
    """A stored table as a data frame; null is a gap, NaN a number that is not one.

    Raises SuiteError where the file is missing or damaged.
    """
    frame = pl.from_arrow(_table(path))
    assert isinstance(frame, pl.DataFrame)
    return frame


def read_rows(path: Path) -> list[dict[str, Any]]:
    """A stored table's rows. Raises SuiteError where the file is missing or damaged."""
    return read_frame(path).to_dicts()


def write_columns(path: Path, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Stores columns of equal length (lists or 1-d arrays); returns what reading gives."""
    table = pa.table(dict(columns))
    _write(path, table)
    return _columns(table)


def read_columns(path: Path) -> dict[str, Any] | None:
    """Reads columns back: numpy arrays, or lists where a column holds text, lists or gaps.

    None when the file is absent, truncated or damaged: it is then to be computed again, never trusted.
    """
    try:
        return _columns(_table(path))
    except SuiteError:
        return None


def column_names(path: Path) -> list[str]:
    """Names of a stored table's columns. Raises SuiteError where the file is missing or damaged."""
    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowException):
        raise _damaged(path) from None


def _write(path: Path, table: pa.Table) -> None:
    with atomic(path) as file:
        pq.write_table(table, file, write_page_checksum=True)


def _table(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read()
    except (OSError, pa.ArrowException):
        raise _damaged(path) from None


def _damaged(path: Path) -> SuiteError:
    analysed = path.parent.parent.name == "results"
    remedy = "suite analyse makes it again" if analysed else "run the study again with --fresh"
    return SuiteError(f"{path} is missing or damaged", remedy)


def _columns(table: pa.Table) -> dict[str, Any]:
    return {name: _values(table.column(name)) for name in table.column_names}


def _values(column: pa.ChunkedArray) -> Any:
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)
    return column.to_numpy() if numeric and column.null_count == 0 else column.to_pylist()
