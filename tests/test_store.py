"""Run directories: keys, atomic files, damaged files, the lock."""

import errno
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.errors import SuiteError
from suite.files import atomic
from suite.host import manifest
from suite.host.provenance import git_state, peak_memory, versions
from suite.host.store import RunDirectory, check_writable, content_key, find_runs, plain
from suite.tables import read_columns, write_columns

COLUMNS = {
    "id": np.arange(5),
    "norm": np.array([0.1, 0.2, np.nan, 0.4, 0.5], np.float32),
    "fooled": np.array([True, False, True, True, False]),
    "rule": ["bp", "bp", "linbp", "linbp", "bp"],
    "first": [1, None, 3, None, 5],
}


def test_key_depends_on_content_not_on_order() -> None:
    assert content_key({"a": 1, "b": [0.5]}) == content_key({"b": [0.5], "a": 1})
    assert content_key({"a": 1}) != content_key({"a": 2})
    assert len(content_key({})) == 16


def test_plain_values_are_json() -> None:
    value = {"a": np.float32(0.5), "b": (np.int64(3), float("nan")), "c": float("inf"), "d": np.array(2.5)}
    assert plain(value) == {"a": 0.5, "b": [3, None], "c": None, "d": 2.5}


def test_columns_come_back_as_they_were(tmp_path: Path) -> None:
    returned = write_columns(tmp_path / "part.parquet", COLUMNS)
    read = read_columns(tmp_path / "part.parquet")
    assert read is not None
    for columns in (returned, read):
        for name, values in COLUMNS.items():
            if isinstance(values, np.ndarray):
                assert columns[name].dtype == values.dtype
                np.testing.assert_array_equal(columns[name], values)
            else:
                assert columns[name] == values


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc, which Linux has")
def test_reading_leaves_no_thread_behind(tmp_path: Path) -> None:
    """One that still holds what was read aborts the process where the interpreter ends meanwhile."""
    write_columns(tmp_path / "part.parquet", COLUMNS)
    code = """if True:
        import sys
        from pathlib import Path
        from suite.tables import column_names, read_columns, read_rows

        before = len(list(Path("/proc/self/task").iterdir()))
        for read in (read_columns, read_rows, column_names):
            assert read(Path(sys.argv[1]))
        print(len(list(Path("/proc/self/task").iterdir())) - before)
    """
    command = [sys.executable, "-c", code, str(tmp_path / "part.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_same_columns_same_bytes(tmp_path: Path) -> None:
    write_columns(tmp_path / "a", COLUMNS)
    write_columns(tmp_path / "b", COLUMNS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_damaged_files_are_never_trusted(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    assert read_columns(path) is None
    write_columns(path, {"x": np.random.default_rng(0).integers(0, 2**60, 1000)})
    content = path.read_bytes()
    for length in (0, 1, 7, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert read_columns(path) is None
    flipped = bytearray(content)
    flipped[200] ^= 1  # one bit in the values: only the checksum can tell
    path.write_bytes(flipped)
    assert read_columns(path) is None


def test_atomic_keeps_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SuiteError, match=r"cannot write .*: No space left on device \(free some space") as caught:
        write_columns(tmp_path / "part", COLUMNS)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_killed_while_writing_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom suite.files import atomic\n"
        f"with atomic(Path({str(tmp_path / 'run.json')!r})) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGKILL
    assert not (tmp_path / "run.json").exists()
    assert len(list(tmp_path.iterdir())) == 1  # the leftover
    directory = RunDirectory(tmp_path)
    directory.open()
    directory.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


def test_places_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_writable(tmp_path / "not" / "yet" / "there")
    (tmp_path / "file").touch()
    with pytest.raises(SuiteError, match="file is not a directory"):
        check_writable(tmp_path / "file" / "runs")
    with pytest.raises(SuiteError, match="cannot write"):
        RunDirectory(tmp_path / "file" / "runs").open()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(SuiteError, match=r"is read-only \(free some space, or choose another place: --runs DIR"):
        check_writable(tmp_path / "runs")


MANIFEST: dict[str, Any] = {
    "format": 2,
    "study": "a.study",
    "key": "key",
    "status": "finished",
    "config": {"seed": 0},
    "seed": 0,
    "device": "cpu",
    "inputs": {},
    "code": {"digest": "c0de", "git": None},
    "versions": {"python": "3"},
    "timings": {"started": "2026-01-01T00:00:00+00:00", "seconds": 1.5},
    "facts": {},
    "tables": {"rows": {"file": "tables/rows.parquet", "rows": 3}},
    "models": {"net": "models/net.safetensors"},
}


def test_status_and_lock(tmp_path: Path) -> None:
    directory, other = RunDirectory(tmp_path / "study" / "key"), RunDirectory(tmp_path / "study" / "key")
    assert directory.status() == "interrupted"
    assert not directory.path.exists()
    directory.open()
    directory.write({**MANIFEST, "status": "running"})
    assert other.status() == "running"
    with pytest.raises(SuiteError, match="another process is working on"):
        other.open()
    directory.close()
    assert other.status() == "interrupted"
    other.open()
    other.write({**MANIFEST, "facts": {"rate": float("nan")}})
    assert json.loads((directory.path / "run.json").read_text()) == {**MANIFEST, "facts": {"rate": None}}
    assert directory.status() == "finished"
    assert [run.path for run in find_runs(tmp_path)] == [directory.path]
    other.clear()
    assert directory.status() == "running"
    other.discard()
    assert not (tmp_path / "study").exists()


def test_damaged_manifest_is_not_finished(tmp_path: Path) -> None:
    assert RunDirectory(tmp_path).fault() == "no such file or directory"
    (tmp_path / "run.json").write_text('{"status": "finis')
    assert RunDirectory(tmp_path).status() == "interrupted"
    assert RunDirectory(tmp_path).fault() == "it is not JSON"


@pytest.mark.parametrize(
    ("edited", "why"),
    [
        ({"format": 3}, "it is of format 3 and this version reads 2: a newer suite has written it"),
        ({"timings": {}}, "timings.started: field required"),
        (
            {"timings": {"started": "2026-01-01T00:00:00+00:00", "seconds": "long"}},
            "timings.seconds: input should be a valid number",
        ),
        ({"tables": {"rows": "tables/rows.parquet"}}, "tables.rows: input should be a valid dictionary"),
        ({"tables": {"rows": {"file": "../../elsewhere", "rows": 1}}}, "tables.rows.file: the file is not in the run"),
        ({"models": {"net": "/etc/passwd"}}, "models.net: the file is not in the run's directory"),
        ({"seed": "x"}, "seed: input should be a valid integer"),
        ({"facts": None}, "facts: input should be a valid dictionary"),
        ({"status": "splendid"}, "status: input should be 'running', 'finished' or 'failed'"),
    ],
)
def test_manifests_edited_by_hand_or_of_a_newer_version_are_not_trusted(
    tmp_path: Path, edited: dict[str, Any], why: str
) -> None:
    run = RunDirectory(tmp_path)
    run.write(MANIFEST)
    assert run.read() == {**MANIFEST, **NO_RESULTS}
    assert run.fault() == ""
    run.write({**MANIFEST, **edited})
    assert run.fault().startswith(why)
    assert (run.read(), run.status()) == ({}, "interrupted")


NO_RESULTS: dict[str, Any] = {
    "headline": {}, "limits": {}, "seen": [], "shown": [], "figures": {}, "analysis": None
}  # fmt: skip

RESULTS: dict[str, Any] = {
    "code": "c1",
    "headline": {"rate": 0.5, "n": 3},
    "limits": {"rate": [0.25, None]},
    "tables": {"rates": {"file": "tables/rates.parquet", "rows": 1}},
    "shown": [{"table": "rates", "columns": [], "title": "Rates"}],
    "figures": {"curve": {"svg": "figures/curve.svg", "png": "figures/curve.png", "caption": ""}},
    "notes": [],
}


def test_a_record_costs_memory_of_its_size_and_a_pipe_no_waiting(tmp_path: Path) -> None:
    """A list of thousands of runs reads thousands of records."""
    (tmp_path / "run.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe.json")
    tracemalloc.start()
    try:
        assert manifest.read(tmp_path / "run.json") == ({}, "")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert manifest.read(tmp_path / "pipe.json")[1] == "it is no regular file"
    assert manifest.read(tmp_path / "run.json", most=1)[1] == "it is larger than 0 MiB"


def test_results_join_what_was_measured_and_are_replaced_as_a_whole(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.open()
    run.write(MANIFEST)
    old = {"old": {"svg": "figures/old.svg", "png": "figures/old.png", "caption": ""}}
    run.replace_results({"tables/rates.parquet": b"old", "figures/old.svg": b"x"}, {**RESULTS, "figures": old})
    run.replace_results({"tables/rates.parquet": b"new"}, RESULTS)
    content = run.read()
    assert content["headline"] == {"rate": 0.5, "n": 3} and content["limits"] == {"rate": [0.25, None]}
    assert content["analysis"] == {"code": "c1"}
    assert [*content["tables"]] == ["rates", "rows"]  # those of results first
    assert content["tables"]["rates"]["file"] == "results/tables/rates.parquet"
    assert content["figures"]["curve"]["svg"] == "results/figures/curve.svg"
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["lock", "results/results.json", "results/tables/rates.parquet", "run.json"]
    assert (tmp_path / "results/tables/rates.parquet").read_bytes() == b"new"
    run.close()


@pytest.mark.parametrize(
    "edited",
    [
        {"headline": None},
        {"limits": {"rate": [0.5]}},
        {"tables": {"x": {"file": "../../x", "rows": 1}}},
        {"figures": {"a": {"svg": "/etc/x"}}},
    ],
)
def test_results_that_cannot_be_trusted_are_none(tmp_path: Path, edited: dict[str, Any]) -> None:
    run = RunDirectory(tmp_path)
    run.open()
    run.write(MANIFEST)
    run.replace_results({}, {**RESULTS, **edited})
    assert (run.read()["headline"], run.read()["analysis"], run.status()) == ({}, None, "finished")
    run.close()


def test_provenance(tmp_path: Path) -> None:
    assert versions()["python"].split(".")[0] == "3"
    assert {"suite", "torch", "numpy", "foolbox"} <= versions().keys()
    assert not {"pytest", "mypy"} & versions().keys()
    assert 2**20 < peak_memory() < 2**45
    assert git_state(tmp_path) is None


def test_git_state_sees_edits(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", "-C", str(tmp_path), *author, *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "__init__.py").touch()
    assert git_state(tmp_path) is None  # in a checkout, but not tracked by it
    git("add", ".")
    git("commit", "-m", "first")
    clean = git_state(tmp_path)
    assert clean is not None and len(clean["revision"]) == 40 and clean["dirty"] is False
    (tmp_path / "__init__.py").write_text("x = 1")
    assert git_state(tmp_path) == {"revision": clean["revision"], "dirty": True}
