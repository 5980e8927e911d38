"""What is remembered of thousands of records, and that nothing else than what lies on disk is ever told."""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.files import temporary_beside
from suite.host import records
from suite.host.records import read_all
from suite.host.store import RunDirectory, find_runs

COUNT = 120
RECORD: dict[str, Any] = {
    "format": 2, "study": "a.study", "status": "finished", "config": {"rate": 0.1 + 0.2}, "seed": 0, "device": "cpu",
    "inputs": {}, "code": {"digest": "c0de"}, "versions": {}, "facts": {"gap": None}, "tables": {}, "models": {},
    "timings": {"started": "2026-01-01T00:00:00+00:00", "seconds": 1.5},
}  # fmt: skip
RESULTS: dict[str, Any] = {
    "code": "c1",
    "headline": {"rate": 0.5},
    "tables": {},
    "shown": [],
    "figures": {},
    "notes": [],
}

Read = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs whose files count as settled, every third of them analysed, and a cache of its own."""
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(records, "SETTLED", 0.0)
    for number in range(COUNT):
        folder = tmp_path / "runs" / "a.study" / f"{number:016x}"
        (folder / "results").mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({**RECORD, "key": folder.name}))
        if number % 3 == 0:
            (folder / "results/results.json").write_text(json.dumps(RESULTS))
    time.sleep(0.02)  # more than a tick of the file system's clock
    return tmp_path / "runs"


def told(root: Path) -> Read:
    return [(run.name, content) for run, content in read_all(root)]


def on_disk(root: Path) -> Read:
    return [(run.name, run.read()) for run in find_runs(root)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were read since the test began."""
    done, read = list[str](), RunDirectory.read

    def counted(run: RunDirectory) -> dict[str, Any]:
        done.append(run.name)
        return read(run)

    monkeypatch.setattr(RunDirectory, "read", counted)
    return done


def test_each_is_read_once(store: Path, reads: list[str]) -> None:
    first = told(store)
    assert len(reads) == COUNT
    assert told(store) == first
    assert len(reads) == COUNT
    assert first == on_disk(store)


def test_few_runs_are_read_and_nothing_is_stored(store: Path, tmp_path: Path, reads: list[str]) -> None:
    for run in find_runs(store)[records.LEAST_NEW - 1 :]:
        (run.path / "run.json").unlink()
    assert told(store) == told(store) == on_disk(store)
    assert len(reads) == 3 * (records.LEAST_NEW - 1)
    assert not (tmp_path / "cache/records").exists()


def edited_in_place(run: Path) -> None:
    """Of the same size, and with its old time of writing."""
    path, before = run / "run.json", (run / "run.json").stat()
    with path.open("r+") as file:
        text = file.read().replace('"seed": 0', '"seed": 7')
        file.seek(0)
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def analysed(run: Path) -> None:
    (run / "results/results.json").write_text(json.dumps({**RESULTS, "headline": {"rate": 0.75}}))


def without_results(run: Path) -> None:
    (run / "results/results.json").unlink(missing_ok=True)


def damaged(run: Path) -> None:
    (run / "run.json").write_text("{")


@pytest.mark.parametrize("change", [edited_in_place, analysed, without_results, damaged])
@pytest.mark.parametrize("number", [0, 1])
def test_what_has_changed_is_read_again(
    store: Path, reads: list[str], number: int, change: Callable[[Path], None]
) -> None:
    told(store)
    reads.clear()
    change(find_runs(store)[number].path)
    assert told(store) == on_disk(store)
    assert len(reads) <= COUNT + 1


def test_a_folder_put_in_place_of_another_is_read(store: Path) -> None:
    told(store)
    first, second = (run.path for run in find_runs(store)[:2])
    second.rename(second.with_name("kept"))
    first.rename(second)
    assert told(store) == on_disk(store)


def test_what_cannot_be_trusted_is_warned_of_every_time(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    runs = find_runs(store)
    damaged(runs[0].path)
    (runs[3].path / "results/results.json").write_text("{}")
    time.sleep(0.02)
    for _ in range(3):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert told(store) == on_disk(store)
        assert sum("cannot use" in line for line in caplog.messages) == 4  # each twice: as told, and as on disk


def test_what_was_written_just_now_is_not_remembered(
    store: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SETTLED", 3600.0)
    told(store)
    told(store)
    assert len(reads) == 2 * COUNT


@pytest.mark.parametrize("at", [0, 15, 16, 100, -1])
def test_a_flipped_bit_in_the_memory_is_seen(store: Path, tmp_path: Path, at: int) -> None:
    told(store)
    (memory,) = (tmp_path / "cache/records").iterdir()
    data = bytearray(memory.read_bytes())
    data[at] ^= 1
    memory.write_bytes(data)
    assert told(store) == on_disk(store)


def test_a_cache_that_cannot_be_written_costs_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path / "file"))
    assert told(store) == on_disk(store)


def test_what_a_killed_process_left_half_written_goes_with_the_next_memory(store: Path, tmp_path: Path) -> None:
    told(store)
    (memory,) = (tmp_path / "cache/records").iterdir()
    memory.rename(temporary_beside(memory))
    told(store)
    assert [path.name for path in memory.parent.iterdir()] == [memory.name]
