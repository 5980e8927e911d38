"""Tables as data frames, and their files: Parquet that is whole or absent, and tells damage.

Parquet's pages may have checksums; the names of columns, types, counts and encodings in its footer have none. So the
footer's metadata hold the digest of the whole file, taken while the digest's own place was blank. Files of older
versions, and strangers', have no such seal: of them pages alone are checked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from suite.errors import SuiteError
from suite.files import atomic, read_regular

if TYPE_CHECKING:  # what is measured, or printed as it is stored, takes no polars
    import polars as pl

MOST_BYTES = 2**31
"""Of a table's file: larger ones are not read."""

SEAL = b"suite.xxh3_128"
BLANK = b"0" * 32
_SEALED = re.compile(
    re.escape(SEAL) + rb"\x18\x20([0-9a-f]{32})"
)  # as Parquet writes a text of 32 bytes behind its key


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


def frame_bytes(frame: "pl.DataFrame") -> bytes:
    """A data frame as a Parquet file; equal frames give equal bytes."""
    import polars as pl

    return _sealed(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))


def read_frame(path: Path) -> "pl.DataFrame":
    """A stored table as a data frame; null is a gap, NaN a number that is not one.

    Raises SuiteError where the file is missing or damaged.
    """
    import polars as pl

    frame = pl.from_arrow(_table(path))
    assert isinstance(frame, pl.DataFrame)
    return frame


def read_rows(path: Path) -> list[dict[str, Any]]:
    """A stored table's rows. Raises SuiteError where the file is missing or damaged."""
    rows: list[dict[str, Any]] = _table(path).to_pylist()
    return rows


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
    return list(_table(path).column_names)


def is_whole(path: Path) -> bool:
    """Whether a stored table is there, and as it was written as far as it has a seal; what is sealed is not decoded."""
    try:
        data = read_regular(path, MOST_BYTES)
        return _is_as_written(data) and (_seal(data) is not None or _decoded(data) is not None)
    except (OSError, ValueError, pa.ArrowException):
        return False


def _write(path: Path, table: pa.Table) -> None:
    data = _sealed(table)
    with atomic(path) as file:
        file.write(data)


def _table(path: Path) -> pa.Table:
    try:
        data = read_regular(path, MOST_BYTES)
        if _is_as_written(data):
            return _decoded(data)
    except (OSError, ValueError, pa.ArrowException):
        pass
    raise _damaged(path)


def _decoded(data: bytes) -> pa.Table:
    # By this thread alone: one of Arrow's may still hold `data` after the table is there, and to let go of it while the
    # interpreter ends takes the process down (SIGABRT).
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
        return file.read(use_threads=False)


def _sealed(table: pa.Table) -> bytes:
    """A table as Parquet; equal tables give equal bytes."""
    file = BytesIO()
    with pq.ParquetWriter(file, table.schema, write_page_checksum=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({SEAL: BLANK})
    data = bytearray(file.getvalue())
    seal = _seal(data)
    assert seal is not None, "the entry was just written"
    data[slice(*seal)] = xxhash.xxh3_128_hexdigest(data).encode()
    return bytes(data)


def _is_as_written(data: bytes) -> bool:
    """Whether the file's digest is that of its seal; true where it has none."""
    seal = _seal(data)
    if seal is None:
        return True
    begin, end = seal
    digest = xxhash.xxh3_128(data[:begin])
    digest.update(BLANK)
    digest.update(data[end:])
    return digest.hexdigest().encode() == data[begin:end]


def _seal(data: bytes | bytearray) -> tuple[int, int] | None:
    """Where in a file its seal's digest lies: in the footer, whose length is said eight bytes before the end."""
    found = [*_SEALED.finditer(data, max(0, len(data) - 8 - int.from_bytes(data[-8:-4], "little")))]
    return found[-1].span(1) if found else None


def _damaged(path: Path) -> SuiteError:
    analysed = path.parent.parent.name == "results"
    remedy = "suite analyse makes it again" if analysed else "run the study again with --fresh"
    return SuiteError(f"{path} is missing or damaged", remedy)


def _columns(table: pa.Table) -> dict[str, Any]:
    return {name: _values(table.column(name)) for name in table.column_names}


def _values(column: pa.ChunkedArray) -> Any:
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)
    return column.to_numpy() if numeric and column.null_count == 0 else column.to_pylist()
