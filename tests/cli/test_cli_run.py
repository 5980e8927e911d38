"""`run` and `runs`: values from everywhere, results on stdout, resume after kill -9."""

import fcntl
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from click.testing import Result

Suite = Callable[..., Result]
Process = Callable[..., "CompletedProcess[str]"]

KILL_BEFORE_THE_LAST_WRITE = """
import os, signal
from suite.host.run import Run
manifest = Run._manifest
Run._manifest = lambda run, status: (
    os.kill(os.getpid(), signal.SIGKILL) if status == "finished" else manifest(run, status)
)
"""


def config_of(result: Result) -> Any:
    """The config that a `run --json` ended up with."""
    assert result.exit_code == 0, result.stderr
    return json.loads((Path(json.loads(result.stdout)["run"]) / "run.json").read_text())["config"]


def test_prints_the_shown_table_headline_and_place(suite: Suite) -> None:
    lines = suite("run", "toy.squares").stdout.splitlines()
    assert lines[:8] == [
        "Squares",
        "",
        "number  square",
        "------  ------",
        "     1       1",
        "     2       4",
        "     3       9",
        "     0       0",
    ]
    assert lines[9] == "headline: largest = 9; nothing = -"
    assert lines[-1].startswith("run:") and "(finished, " in lines[-1]


@pytest.mark.parametrize(("before", "after"), [(None, "passive"), ("active", "active")])
def test_threads_that_wait_sleep_unless_the_environment_says_otherwise(
    before: str | None, after: str, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if before:
        monkeypatch.setenv("OMP_WAIT_POLICY", before)
    assert suite("list").exit_code == 0
    assert os.environ["OMP_WAIT_POLICY"] == after


def test_json_is_one_object_with_paths_that_exist(suite: Suite) -> None:
    result = suite("run", "toy.squares", "--json")
    shown = json.loads(result.stdout)
    assert list(shown) == ["run", "study", "status", "headline", "seen", "tables", "figures", "models"]
    assert shown["study"] == "toy.squares"
    assert shown["status"] == "finished"
    assert shown["headline"] == {"largest": 9, "nothing": None}
    assert Path(shown["tables"]["squares"]).is_file()


def test_a_finished_run_is_returned_and_fresh_starts_over(suite: Suite, workplace: Path) -> None:
    first = suite("run", "toy.squares", "--json")
    again = suite("run", "toy.squares", "--json", "--batch", "2")  # the batch size is not in the key
    assert again.stdout == first.stdout
    assert "already finished" in again.stderr
    assert (workplace / "computed").read_text().split() == ["1", "2", "3"]
    assert suite("run", "toy.squares", "--json", "--fresh").stdout == first.stdout
    assert (workplace / "computed").read_text().split() == ["1", "2", "3"] * 2
    assert (
        json.loads(suite("run", "toy.squares", "--json", "--seed", "1").stdout)["run"]
        != json.loads(first.stdout)["run"]
    )


def test_option_wins_over_environment_over_toml_over_preset_over_default(
    suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config_of(suite("run", "toy.squares", "--json"))["numbers"] == [1, 2, 3]
    layers = ["run", "toy.squares", "--json", "--preset", "large"]
    assert config_of(suite(*layers))["numbers"] == [10, 20]
    (workplace / "a.toml").write_text('numbers = [4]\neps = ["8/255", 0.5]')
    layers += ["--config", "a.toml"]
    config = config_of(suite(*layers))
    assert (config["numbers"], config["eps"], config["fast"]) == ([4], [8 / 255, 0.5], True)
    monkeypatch.setenv("SUITE_NUMBERS", "5,6")
    monkeypatch.setenv("SUITE_FAST", "no")
    config = config_of(suite(*layers))
    assert (config["numbers"], config["fast"]) == ([5, 6], False)
    config = config_of(suite(*layers, "--numbers", "7", "--fast"))
    assert (config["numbers"], config["fast"]) == ([7], True)


def test_runs_folder_by_option(suite: Suite, workplace: Path) -> None:
    shown = json.loads(suite("run", "toy.squares", "--json", "--runs", "elsewhere").stdout)
    assert Path(shown["run"]).parent == Path("elsewhere/toy.squares")
    assert "toy.squares" in suite("runs", "--runs", "elsewhere").stdout
    assert "toy.squares" in suite("runs", "--runs", "elsewhere", "list").stdout
    assert "toy.squares" in suite("runs", "list", "--runs", "elsewhere").stdout
    assert suite("runs").stdout.startswith("no runs")


def test_runs_lists_and_shows(suite: Suite, workplace: Path) -> None:
    assert suite("runs").stdout == f"no runs in {workplace / 'runs'}\n"
    path = Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])
    listed = suite("runs", "list").stdout.splitlines()
    assert listed[0].split() == ["study", "key", "status", "when", "headline", "options", "tags", "note"]
    assert listed[2].split()[:3] == ["toy.squares", path.name, "finished"]
    assert listed[2].endswith("largest = 9; nothing = -")  # nothing but defaults
    suite("run", "toy.squares", "--step-size", "8/255", "--numbers", "4,5")
    assert "; nothing = -  numbers=4,5 step_size=8/255\n" in suite("runs").stdout
    shown = suite("runs", "show", path.name[:6]).stdout
    assert "engine  toy\n" in shown and f"files in {path}\n  tables/squares.parquet  4 rows\n" in shown
    unknown = suite("runs", "show", "zzz")
    assert unknown.exit_code == 2 and "no run 'zzz'" in unknown.stderr


@pytest.mark.nightly
def test_killed_at_any_part_then_continued_gives_the_same_tables(
    process: Process, suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = json.loads(suite("run", "toy.squares", "--json", "--runs", "undisturbed").stdout)
    (workplace / "computed").unlink()
    for number in ("1", "3"):
        monkeypatch.setenv("TOY_FATE", f"kill@{number}")
        assert process("run", "toy.squares").returncode == -9
        assert "interrupted" in suite("runs").stdout
    monkeypatch.delenv("TOY_FATE")
    assert process("run", "toy.squares", first=KILL_BEFORE_THE_LAST_WRITE).returncode == -9
    assert list(workplace.glob("runs/*/*/tables/squares.parquet"))
    assert "interrupted" in suite("runs").stdout
    done = process("run", "toy.squares", "--json")
    assert done.returncode == 0
    table = Path(json.loads(done.stdout)["tables"]["squares"])
    assert table.read_bytes() == Path(undisturbed["tables"]["squares"]).read_bytes()
    assert (workplace / "computed").read_text().split() == ["1", "2", "3"]  # each once


def test_a_second_process_on_the_same_run_waits(suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_FATE", "crash@2")
    suite("run", "toy.squares")
    monkeypatch.delenv("TOY_FATE")
    with next(Path("runs").glob("*/*/lock")).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        threading.Timer(1.0, held.close).start()
        result = suite("run", "toy.squares")
    assert "another process is working on " in result.stderr and "waiting for it" in result.stderr
    assert result.exit_code == 0 and "already finished" not in result.stderr
    assert (workplace / "computed").read_text().split() == ["1", "2", "3"]  # it went on where the other stopped
