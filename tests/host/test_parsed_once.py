"""Sources are parsed once: what they say is kept in the cache, by their content."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.files import temporary_beside
from suite.host.closure import code_digest
from suite.host.imports import memory
from suite.locks import making_nothing
from tests.host.conftest import Write

FILES = {"p/__init__.py": "", "p/a.py": "from p.b import x\n", "p/b.py": "x = 1  # one\n"}


@pytest.fixture
def parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the files that are parsed, with a cache of its own."""
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path / "cache"))
    names: list[str] = []
    parse = memory.parse
    monkeypatch.setattr(memory, "parse", lambda path, *rest: names.append(path.name) or parse(path, *rest))
    yield names


def digest() -> str:
    """As a new process tells it."""
    memory._read.clear()
    memory._kept.cache_clear()
    found = code_digest(["p.a"], ["p"])
    memory.keep()
    return found


def test_a_second_process_parses_what_has_changed(parsed: list[str], written: Write) -> None:
    root = written(FILES)
    first = digest()
    assert sorted(parsed) == ["__init__.py", "a.py", "b.py"]
    parsed.clear()
    assert digest() == first and not parsed
    (root / "p/b.py").write_text("x = 2  # one\n")
    assert digest() != first and parsed == ["b.py"]
    (root / "p/b.py").write_text("x = 1  # one\n")
    assert digest() == first and parsed == ["b.py"]


def test_a_damaged_memory_is_none(parsed: list[str], written: Write, tmp_path: Path) -> None:
    written(FILES)
    first = digest()
    (file,) = (tmp_path / "cache/sources").iterdir()
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    parsed.clear()
    assert digest() == first and len(parsed) == 3


def test_who_only_looks_keeps_nothing(parsed: list[str], written: Write, tmp_path: Path) -> None:
    written(FILES)
    with making_nothing():
        digest()
    assert parsed and not (tmp_path / "cache").exists()


def test_other_parsers_memories_are_not_read(
    parsed: list[str], written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(FILES)
    digest()
    parsed.clear()
    monkeypatch.setattr(memory, "_parser", lambda: "another")
    digest()
    assert len(parsed) == 3


def test_what_a_killed_process_left_half_written_goes_with_the_next_memory(
    parsed: list[str], written: Write, tmp_path: Path
) -> None:
    written(FILES)
    digest()
    (file,) = (tmp_path / "cache/sources").iterdir()
    file.rename(temporary_beside(file))
    digest()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_same_sources_make_the_same_memory_in_any_order(
    parsed: list[str], written: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was killed in between."""
    written(FILES)
    memories = []
    for number, order in enumerate((["p.a"], ["p.b", "p.a"])):
        monkeypatch.setenv("SUITE_CACHE", str(tmp_path / f"cache-{number}"))
        for name in order:
            memory._read.clear()
            memory._kept.cache_clear()
            code_digest([name], ["p"])
            memory.keep()
        (file,) = (tmp_path / f"cache-{number}/sources").iterdir()
        memories.append(file.read_bytes())
    assert memories[0] == memories[1]
