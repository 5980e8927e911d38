"""What a run lets go: files that the suite made, whole results for whole results, and nothing where locks are lost."""

import errno
import fcntl
import os
from pathlib import Path
from typing import IO, Any

import pytest

from suite import locks
from suite.files import of_temporary, temporary_beside
from suite.host import store
from suite.host.store import RunDirectory
from suite.locks import made_once

from ..test_store import MANIFEST, RESULTS

EMPTY: dict[str, Any] = {**RESULTS, "tables": {}, "figures": {}, "shown": []}
THEIRS = ("notes.txt", "plots/a.svg", "tables/notes.txt", "parts/mine.parquet", "results/notes.txt", ".a.tmp", "x.lock")


def files(folder: Path) -> list[str]:
    """All files below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def write_all(run: RunDirectory) -> None:
    """Everything that a run holds, and what is somebody else's in every folder of it; the run is open then."""
    run.open()
    run.write({**MANIFEST, "tables": {"rows": {"file": "tables/rows.parquet", "rows": 3}}})
    run.replace_results({"tables/rates.parquet": b"", "figures/curve.svg": b"", "figures/curve.png": b""}, RESULTS)
    own = ("tables/rows.parquet", "models/net.safetensors", "parts/a-0123456789ab.parquet")
    for name in (*own, "checkpoints/net-0123456789ab", "checkpoints/net-0123456789ab.previous", *THEIRS):
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_text(name)


def test_only_files_of_the_suites_own_are_removed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "study" / "key")
    write_all(run)
    run.clear()
    assert files(run.path) == sorted([*THEIRS, "lock"])
    run.replace_results({}, EMPTY)
    assert (run.path / "results/notes.txt").read_text() == "results/notes.txt"
    run.discard()
    assert files(tmp_path) == [f"study/key/{name}" for name in sorted(THEIRS)]
    run.open()
    run.close()
    assert files(run.path) == sorted([*THEIRS, "lock"])


def test_a_record_that_names_others_files_is_not_believed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "study" / "key")
    run.open()
    (run.path / "notes.txt").touch()
    run.write({**MANIFEST, "tables": {"notes": {"file": "notes.txt", "rows": 1}}, "models": {"m": "notes.txt"}})
    run.clear()
    assert files(run.path) == ["lock", "notes.txt"]
    run.close()


@pytest.mark.parametrize("times", [1, 2])
def test_killed_between_two_results_either_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Before the new ones have their name the old ones get theirs back."""
    run = RunDirectory(tmp_path)
    write_all(run)
    rename, calls = Path.rename, list[Path]()

    def dies(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) > times:
            raise KeyboardInterrupt
        return rename(path, target)

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dies)
        patch.setattr(store, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            run.replace_results({}, {**EMPTY, "code": "c2"})
    run.close()
    assert "results.old" in {of_temporary(path.name) for path in tmp_path.glob(".*.tmp")}
    run.open()
    run.close()
    assert run.read()["analysis"] == {"code": "c1" if times == 1 else "c2"}
    assert (tmp_path / "results/notes.txt").exists()
    assert [path.name for path in tmp_path.glob(".*.tmp")] == [".a.tmp"]


def test_what_a_killed_maker_left_half_made_is_removed_by_the_next(tmp_path: Path) -> None:
    thing, other = tmp_path / "net(width=0.5).safetensors", tmp_path / "net(width=0.5)x.safetensors"
    ours = [temporary_beside(thing), temporary_beside(thing.with_suffix(".checkpoint"))]
    others = [temporary_beside(other), tmp_path / ".net(width=0.5).safetensors.tmp"]
    for path in (*ours, *others):
        path.touch()
    with made_once(thing, "the thing"):
        assert sorted(tmp_path.glob(".*.tmp")) == sorted(others)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network folders."""

    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unknown)


def test_without_locks_what_is_half_made_may_be_a_living_makers(tmp_path: Path, no_locks: None) -> None:
    left = temporary_beside(tmp_path / "thing")
    left.touch()
    with made_once(tmp_path / "thing", "the thing"):
        assert left.exists()


def test_without_locks_two_writers_do_each_other_no_harm(
    tmp_path: Path, no_locks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = RunDirectory(tmp_path), RunDirectory(tmp_path)
    first.open()
    copy = store._copy_others

    def meanwhile(results: Path, made: Path) -> None:
        monkeypatch.setattr(store, "_copy_others", copy)
        second.open()  # which sweeps nothing: what is half-written may be the first one's
        second.write(MANIFEST)
        second.replace_results({"tables/b.parquet": b"second"}, EMPTY)
        copy(results, made)

    monkeypatch.setattr(store, "_copy_others", meanwhile)
    first.replace_results({"tables/a.parquet": b"first"}, EMPTY)
    assert (tmp_path / "results/tables/a.parquet").read_bytes() == b"first"
    assert first.read()["analysis"] == {"code": "c1"}
    assert not list(tmp_path.glob(".*.tmp"))
    assert "this file system has no locks: processes that work there at once may do the same work" in caplog.text
    first.close()
    second.close()


def test_a_run_that_its_holder_discards_is_made_anew_by_who_waited_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = RunDirectory(tmp_path / "s" / "k"), RunDirectory(tmp_path / "s" / "k")
    first.open()

    def taken(file: IO[Any], patience: float) -> bool:
        if first.is_open:
            first.discard()
        return locks.taken(file, patience)

    monkeypatch.setattr(store, "taken", taken)
    second.open()
    assert second.status() == "running"  # by a lock that is there
    second.close()
