"""TOML files: read, or refused in a line."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.errors import SuiteError
from suite.host.toml import read_toml

PIECES = [
    "a",
    "b.c",
    " = ",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'''",
    "\n",
    "1",
    "9" * 30,
    "nan",
    "1979-05-27",
    ",",
    "#",
    "\\u0000",
]
toml = st.one_of(
    st.binary(max_size=100), st.lists(st.sampled_from(PIECES), max_size=30).map(lambda x: "".join(x).encode())
)


@given(toml)
def test_any_bytes_are_toml_or_an_error(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "file.toml"
    file.write_bytes(data)
    with suppress(SuiteError):
        assert isinstance(read_toml(file, "", "mend it"), dict)


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"a = " + b"[" * 5000, "nested"), (b"a = " + b"[" * 60 + b"]" * 60, "nested"),
     (b".".join([b"a"] * 200) + b" = 1", "nested"), (b"a = " + b"1" * 5000, "is not TOML"),
     (b"#" * (2**20 + 1), "larger than 1024 KiB")],
    ids=["open", "deep", "dotted", "digits", "large"],
)  # fmt: skip
def test_hostile_files_are_refused(tmp_path: Path, data: bytes, why: str) -> None:
    file = tmp_path / "file.toml"
    file.write_bytes(data)
    with pytest.raises(SuiteError, match=why):
        read_toml(file, "", "mend it")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(SuiteError, match="cannot read"):
        read_toml(Path(name), "", "mend it")
