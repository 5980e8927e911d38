"""`suite runs rm`, `gc` and `du`: only with --yes, only what the suite made, never a run that is worked on."""

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from suite.host.text import format_bytes

Suite = Callable[..., Result]


@pytest.fixture
def run(suite: Suite) -> Path:
    """A finished run, its path as it is printed."""
    return Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])


@pytest.fixture
def failed(suite: Suite, run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A failed run to which nothing was written for 40 days."""
    monkeypatch.setenv("TOY_FATE", "crash@3")
    suite("run", "toy.squares", "--seed", "1")
    monkeypatch.delenv("TOY_FATE")
    path = next(path for path in run.parent.iterdir() if path != run)
    aged(path, 40)
    return path


def aged(path: Path, days: float) -> None:
    """Sets the times of a file, or of all below a folder, back."""
    then = time.time() - days * 86400
    for each in [path, *path.rglob("*")]:
        os.utime(each, (then, then), follow_symlinks=False)


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if not path.is_dir() or path.is_symlink()}


def test_nothing_is_removed_without_yes(suite: Suite, run: Path, failed: Path, workplace: Path) -> None:
    before = files(workplace)
    told = suite("runs", "rm", run.name)
    assert told.exit_code == 0 and told.stdout.startswith(f"would remove toy.squares/{run.name}, ")
    assert told.stderr.endswith("nothing was removed: --yes does it\n")
    assert "would remove" in suite("runs", "gc").stdout
    assert files(workplace) == before


def test_yes_never_comes_from_the_environment(
    suite: Suite, run: Path, failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUITE_YES", "1")
    suite("runs", "rm", run.name)
    suite("runs", "gc")
    assert run.is_dir() and failed.is_dir()


def test_a_run_is_removed_whole_and_no_other(suite: Suite, run: Path, failed: Path) -> None:
    suite("runs", "tag", run.name, "old")
    assert suite("runs", "rm", run.name, f"toy.squares/{run.name}", "--yes").stdout.count("removed") == 1
    assert not run.exists() and (failed / "run.json").is_file()
    assert suite("runs", "rm", failed.name, "--yes").exit_code == 0
    assert not run.parent.exists() and run.parents[1].is_dir()


@pytest.mark.parametrize(
    "name",
    [
        "mine.txt",
        "tables/mine.parquet",
        "results/figures/mine.png",
        "mine/run.json",
        "link",
        ".mine.tmp",
        "parts/mine-1.parquet",
    ],
)
def test_files_of_others_stay_and_are_said(suite: Suite, run: Path, workplace: Path, name: str) -> None:
    mine = run / name
    mine.parent.mkdir(exist_ok=True)
    (workplace / "precious").mkdir()
    (workplace / "precious" / "file").touch()
    mine.symlink_to(workplace / "precious") if name == "link" else mine.touch()
    told = suite("runs", "rm", run.name, "--yes")
    assert told.exit_code == 0 and f"stays, with its folder: {mine} (not made by the suite)" in told.stdout
    assert files(run) == {mine} and (workplace / "precious" / "file").is_file()


def test_a_folder_that_leads_out_of_the_store_is_refused(suite: Suite, run: Path, workplace: Path) -> None:
    elsewhere = workplace / "elsewhere"
    run.rename(elsewhere)
    run.symlink_to(elsewhere)
    result = suite("runs", "rm", run.name, "--yes")
    assert result.exit_code == 2 and f"{run} leads out of " in result.stderr
    assert (elsewhere / "run.json").is_file()
    aged(elsewhere, 400)
    (elsewhere / "run.json").unlink()
    assert suite("runs", "gc", "--yes").stdout.startswith("nothing to remove")
    assert (elsewhere / "tables" / "squares.parquet").is_file()


def test_a_run_that_is_worked_on_is_never_removed(suite: Suite, run: Path, failed: Path) -> None:
    (failed / "run.json").write_text((failed / "run.json").read_text().replace('"failed"', '"running"'))
    aged(failed, 40)
    with (failed / "lock").open() as held, (run / "lock").open() as other:
        fcntl.flock(held, fcntl.LOCK_EX)
        fcntl.flock(other, fcntl.LOCK_EX)  # of a finished run that is analysed anew
        told = suite("runs", "rm", run.name, failed.name, "--yes")
        assert told.exit_code == 2 and f"toy.squares/{failed.name} is running" in told.stderr
        told = suite("runs", "rm", run.name, "--yes")
        assert told.exit_code == 2 and "another process is working on" in told.stderr
        assert suite("runs", "gc", "--yes").stdout.startswith("nothing to remove")
    assert (failed / "run.json").is_file() and (run / "run.json").is_file()


def test_gc_removes_old_unfinished_runs_parts_without_a_record_and_temporary_files(
    suite: Suite, run: Path, failed: Path
) -> None:
    parts = run.with_name("0123456789abcdef") / "parts"
    parts.mkdir(parents=True)
    (run / "parts").rename(parts / "x")
    next((parts / "x").iterdir()).rename(parts / "square-of-1-0123456789ab.parquet")
    for left in (parts / "x").iterdir():
        left.unlink()
    (parts / "x").rmdir()
    aged(parts.parent, 40)
    mine = run / ".mine.tmp"
    mine.touch()
    aged(mine, 40)
    leftovers = [run / ".run.json.7-0123abcd.tmp", run.parents[1] / "experiments" / ".a.json.7-0123abcd.tmp"]
    fresh = run / ".run.json.8-0123abcd.tmp"
    for path in [*leftovers, fresh]:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for path in leftovers:
        aged(path, 1)
    found = json.loads(suite("runs", "gc", "--yes", "--json").stdout)
    assert {(Path(row["path"]), row["why"]) for row in found["garbage"]} == {
        (failed, "failed"), (parts.parent, "no record"), *((path, "temporary") for path in leftovers),
    }  # fmt: skip
    assert found["removed"] and found["failed"] == []
    assert not failed.exists() and not parts.parent.exists() and not any(path.exists() for path in leftovers)
    assert fresh.exists() and mine.exists() and suite("runs", "show", run.name).exit_code == 0


@pytest.mark.parametrize("spared", ["young", "tagged", "mine", "damaged"])
def test_what_gc_spares(suite: Suite, failed: Path, spared: str) -> None:
    if spared == "young":
        assert suite("runs", "gc", "--older-than", "41d", "--yes").stdout.startswith("nothing to remove")
    if spared == "tagged":
        suite("runs", "tag", failed.name, "why")
    if spared == "mine":
        (failed / "mine.txt").touch()
    if spared == "damaged":
        (failed / "run.json").write_text("{half")
    aged(failed, 40)
    if spared != "young":
        assert suite("runs", "gc", "--yes").stdout.startswith("nothing to remove")
    assert (failed / "run.json").is_file()


def test_sizes_add_up(suite: Suite, run: Path, failed: Path, workplace: Path) -> None:
    (workplace / "cache" / "data").mkdir(parents=True)
    (workplace / "cache" / "data" / "x.npy").write_bytes(b"0" * 2500)
    (workplace / "cache" / "data" / "loop").symlink_to(workplace)
    found = json.loads(suite("runs", "du", "--json").stdout)
    assert set(found["runs"]) == {f"toy.squares/{path.name}" for path in (run, failed)}
    assert found["store"] == found["studies"]["toy.squares"] == sum(found["runs"].values())
    assert found["store"] == sum(path.stat().st_size for path in files(run.parents[1]))
    assert 2500 <= found["cache"]["data"] < 4000
    lines = suite("runs", "du").stdout.splitlines()
    assert lines[0].startswith("store  ") and lines[4].split()[0] == "toy.squares" and "data" in lines[-2]


def test_bytes() -> None:
    assert [format_bytes(size) for size in (0, 999, 1000, 1540, 99_600, 20 * 10**6, 3 * 10**12)] == [
        "0 B", "999 B", "1.0 kB", "1.5 kB", "100 kB", "20 MB", "3.0 TB",
    ]  # fmt: skip
