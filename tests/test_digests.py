from collections.abc import Callable
from pathlib import Path

import pytest

from suite import digests
from suite.digests import file_digest, json_digest


def test_the_digest_is_that_of_the_published_function(tmp_path: Path) -> None:
    """The value for nothing is in the specification's test vectors."""
    (tmp_path / "empty").touch()
    assert file_digest(tmp_path / "empty") == "99aa06d3014798d86001c324468d497f"


def test_one_flipped_bit_is_seen(tmp_path: Path) -> None:
    content = bytearray(1 << 20)
    (tmp_path / "whole").write_bytes(content)
    content[777_777] ^= 4
    (tmp_path / "flipped").write_bytes(content)
    assert file_digest(tmp_path / "whole") != file_digest(tmp_path / "flipped")


def test_a_file_is_read_once_unless_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole: Callable[..., object] = digests.hashlib.file_digest

    def spied(file: object, kind: object) -> object:
        read.append("")
        return whole(file, kind)

    monkeypatch.setattr("suite.digests.hashlib.file_digest", spied)
    path = tmp_path / "file"
    path.write_bytes(b"a")
    assert file_digest(path) == file_digest(path)
    assert len(read) == 1
    before = file_digest(path)
    path.write_bytes(b"ab")
    assert file_digest(path) != before
    assert len(read) == 2


def test_a_value_has_one_digest_whatever_the_order_of_its_keys() -> None:
    assert json_digest({"a": 1, "b": [None, 0.1]}) == json_digest({"b": [None, 0.1], "a": 1})
    assert json_digest({"a": 1}) != json_digest({"a": "1"})
