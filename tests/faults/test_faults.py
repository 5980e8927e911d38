"""A full disk, a clock that goes back, a directory that is taken away, locks that are lost: told, and nothing wrong."""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from suite.host import preparing
from suite.host import run as measuring

from .states import state

Suite = Callable[[str], Result]
STUDY = "run tried.draws"


@pytest.fixture
def whole(suite: Suite, workplace: Path) -> dict[str, str]:
    """What the study leaves where nothing happens."""
    assert suite(STUDY).exit_code == 0
    found = state(workplace / "runs")
    shutil.rmtree(workplace / "runs")
    return found


class Nth:
    """A function that does something else at its n-th call."""

    def __init__(self, function: Callable[..., Any], at: int, instead: Callable[..., Any]) -> None:
        self.function, self.at, self.instead, self.calls = function, at, instead, 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls == self.at:
            self.instead(*arguments)
        return self.function(*arguments, **named)


@pytest.mark.parametrize("at", [1, 3, 7, 11, 13])
def test_a_disk_that_is_full_at_some_file_costs_a_line_and_the_same_command_continues(
    suite: Suite, workplace: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(preparing, "keep", lambda: None)  # what was parsed may be lost without a word
        sync = Nth(os.fsync, at, full)
        patch.setattr(os, "fsync", sync)
        failed = suite(STUDY)
    assert sync.calls >= at, "the study writes fewer files now"
    assert failed.exit_code in (1, 2) and "Traceback" not in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("error: cannot write ")
    assert "No space left on device (free some space, or" in failed.stderr.splitlines()[-1]
    assert suite(STUDY).exit_code == 0
    assert state(workplace / "runs") == whole


def test_a_clock_that_goes_back_changes_nothing_but_what_it_tells(
    suite: Suite, workplace: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Early(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Early":
            return cls(1970, 1, 1, tzinfo=tz)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "write_columns", Nth(measuring.write_columns, 3, dies))
        assert suite(STUDY).exit_code == 130
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(measuring, "datetime", Early)
    assert suite(STUDY).exit_code == 0
    assert state(workplace / "runs") == whole
    told = suite("runs --json")
    assert told.exit_code == 0 and not told.stderr


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_directory_that_is_removed_under_a_run(
    suite: Suite, workplace: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The run ends, well or in one line, and the same command makes what is lost."""

    def take_away(*_: object) -> None:
        shutil.rmtree(workplace / "runs")

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "write_columns", Nth(measuring.write_columns, at, take_away))
        first = suite(STUDY)
    assert first.exit_code in (0, 1) and "Traceback" not in first.stderr
    again = suite(f"{STUDY} --fresh")
    assert again.exit_code == 0
    assert state(workplace / "runs") == whole


def test_without_locks_a_run_is_as_with_them_after_one_warning(
    suite: Suite, workplace: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unknown)
    done = suite(STUDY)
    assert done.exit_code == 0 and done.stderr.count("this file system has no locks") == 1
    assert state(workplace / "runs") == whole


def test_what_somebody_puts_into_a_runs_folder_survives_fresh_and_analyse(suite: Suite, workplace: Path) -> None:
    assert suite(STUDY).exit_code == 0
    [run] = workplace.glob("runs/*/*")
    theirs = [run / name for name in ("notes.txt", "results/notes.txt", "tables/notes.txt", "plots/mine.svg")]
    for path in theirs:
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.name)
    for typed in (f"{STUDY} --fresh", f"analyse {run.name}", f"{STUDY} --fresh"):
        assert suite(typed).exit_code == 0
    assert [path.read_text() for path in theirs] == [path.name for path in theirs]
