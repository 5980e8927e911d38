"""Stored tables that were damaged since: unchanged data or a SuiteError, never other numbers."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.errors import SuiteError
from suite.tables import frame_bytes, is_whole, read_columns, read_frame

FRAME = pl.DataFrame({"eps": [0.1, 0.2, None], "fooled": [True, False, True], "name": ["a", "b", "c"], "n": [1, 2, 3]})
WHOLE = frame_bytes(FRAME)


def flipped(place: int) -> bytes:
    """The file with one bit turned over."""
    data = bytearray(WHOLE)
    data[place // 8] ^= 1 << place % 8
    return bytes(data)


damages = st.one_of(
    st.integers(0, 8 * len(WHOLE) - 1).map(flipped),
    st.integers(0, len(WHOLE) - 1).map(lambda end: WHOLE[:end]),
    st.tuples(st.integers(0, len(WHOLE)), st.binary(min_size=1, max_size=60)).map(
        lambda at: WHOLE[: at[0]] + at[1] + WHOLE[at[0] + len(at[1]) :]
    ),
    st.binary(max_size=200),
)


@given(damages)
def test_damage_is_told_or_the_table_is_as_it_was(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "damaged.parquet"
    path.write_bytes(data)
    try:
        found = read_frame(path)
    except SuiteError as error:
        assert "is missing or damaged" in str(error)
        assert read_columns(path) is None and not is_whole(path)
    else:
        assert found.equals(FRAME) and is_whole(path)


@pytest.mark.parametrize("name", [b"fooled", b"eps", b"parquet-cpp"])
def test_the_footer_is_as_safe_as_the_pages(tmp_path: Path, name: bytes) -> None:
    """Parquet's own checksums know nothing of names and types: a column could change its name."""
    at = WHOLE.rfind(name)
    (tmp_path / "damaged.parquet").write_bytes(flipped(8 * at))
    with pytest.raises(SuiteError, match="is missing or damaged"):
        read_frame(tmp_path / "damaged.parquet")


def test_equal_frames_give_equal_files_and_strangers_files_are_taken(tmp_path: Path) -> None:
    assert frame_bytes(FRAME.clone()) == WHOLE
    FRAME.write_parquet(tmp_path / "strange.parquet")
    assert read_frame(tmp_path / "strange.parquet").equals(FRAME) and is_whole(tmp_path / "strange.parquet")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    assert not is_whole(tmp_path)
    with pytest.raises(SuiteError, match="is missing or damaged"):
        read_frame(tmp_path)
