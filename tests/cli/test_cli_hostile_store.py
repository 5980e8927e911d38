"""A store that somebody has edited by hand: pipes, links, odd names and records, and a question whose asker is gone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main

from ..faults.processes import descendants, left_after

Suite = Callable[..., Result]


@pytest.fixture
def run(suite: Suite) -> Path:
    """A finished run, its path as it is printed."""
    return Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"]).absolute()


@pytest.fixture
def in_time(workplace: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a command line in a process that is given up after a while."""

    def begin(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "suite", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    return begin


def replaced_by_a_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def test_a_pipe_in_place_of_the_lock_keeps_nobody_waiting(
    run: Path, in_time: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    replaced_by_a_pipe(run / "lock")
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "status": "running"}))
    assert in_time("runs").returncode == 0
    done = in_time("run", "toy.squares", "--fresh")
    assert done.returncode == 1 and "cannot write" in done.stderr.splitlines()[-1]


def test_a_pipe_or_an_endless_file_in_place_of_a_table_is_a_damaged_table(run: Path, suite: Suite) -> None:
    table = next(run.glob("tables/*.parquet"))
    replaced_by_a_pipe(table)
    for command in (["query", "SELECT count(*) FROM runs"], ["report", run.name[:8]], ["compare", run.name, run.name]):
        assert "MemoryError" not in suite(*command).output
    table.unlink()
    table.symlink_to("/dev/zero")
    assert "MemoryError" not in suite("report", run.name[:8]).output


def test_an_empty_key_is_not_the_only_run(run: Path, suite: Suite) -> None:
    for command in (["runs", "rm", "", "--yes"], ["runs", "note", "", "x"], ["runs", "show", ""]):
        refused = suite(*command)
        assert refused.exit_code == 2 and "the key of the run is empty" in refused.stderr
    assert run.exists()


def test_nothing_is_removed_or_written_through_a_link(run: Path, suite: Suite, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (run / "tables").rename(outside)
    (run / "tables").symlink_to(outside)
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    refused = suite("run", "toy.squares", "--fresh")
    assert refused.exit_code == 2 and "tables is a link" in refused.stderr
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


def test_a_path_with_a_star_stands_for_itself(run: Path, suite: Suite) -> None:
    pytest.importorskip("duckdb", reason="pip install 'suite-robustness[query]'")
    for name in ("s*", "sB"):
        shutil.copytree(run, Path(name) / run.parent.name / run.name)
    shutil.copytree(run, run.with_name("a*"))
    shutil.copytree(run, run.with_name("ab"))
    table = next(run.glob("tables/*.parquet")).stem
    for root in ("s*", "runs"):
        answer = suite("query", f"SELECT run, count(*) AS n FROM rows_{table} GROUP BY ALL", "--json", "--runs", root)
        assert answer.exit_code == 0, answer.stderr
        assert len({row["n"] for row in json.loads(answer.stdout)}) == 1


def test_control_characters_do_not_reach_a_terminal(run: Path, suite: Suite) -> None:
    record = json.loads((run / "run.json").read_text())
    changed = {**record, "error": "\x1b]0;owned\x07", "facts": {"\x1b[2J": 1}}
    (run / "run.json").write_text(json.dumps(changed))
    suite("runs", "note", run.name, "x\x1b]0;t\x07")
    for command in (
        ["runs", "show", run.name], ["runs", "tag", run.name, "good"], ["query", 'SELECT 1 AS "a\x1b[31mb"'],
    ):  # fmt: skip
        shown = CliRunner().invoke(main, command, prog_name="suite", color=True)
        assert "\x1b]" not in shown.output and "\x1b[2J" not in shown.output and "\x1b[31m" not in shown.output


@pytest.mark.parametrize(
    "odd", [{"code": {"git": 7}}, {"code": {"git": {"a": 1}}}, {"argv": 7}, {"peak_memory_bytes": "x"}], ids=str
)
def test_odd_facts_of_a_record_are_left_out(run: Path, suite: Suite, odd: dict[str, object]) -> None:
    record = json.loads((run / "run.json").read_text())
    if "code" in odd:
        odd = {"code": {**record["code"], **odd["code"]}}  # type: ignore[dict-item]
    (run / "run.json").write_text(json.dumps({**record, **odd}))
    assert suite("runs", "show", run.name).exit_code == 0


def test_a_page_never_replaces_what_a_run_is_made_of(run: Path, suite: Suite) -> None:
    before = (run / "run.json").read_bytes()
    refused = suite("report", run.name, "-o", str(run / "run.json"))
    assert refused.exit_code == 2 and "is in a run's folder" in refused.stderr
    assert (run / "run.json").read_bytes() == before


def test_who_answers_a_question_ends_with_who_asked(
    run: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("duckdb", reason="pip install 'suite-robustness[query]'")
    temporary = workplace / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"
    asking = subprocess.Popen([sys.executable, "-m", "suite", "query", endless], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not (answering := descendants(asking.pid)) or not any(temporary.iterdir()):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.5)  # it reads its question
    asking.send_signal(signal.SIGKILL)
    asking.wait()
    assert not left_after(2.0, answering)
    assert not any(temporary.iterdir())
