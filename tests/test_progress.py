"""Progress where stderr is no terminal."""

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from suite.host import progress, underway
from suite.host.progress import Progress, time_left
from suite.host.underway import Loop


def test_time_left_by_the_rate_so_far() -> None:
    assert time_left(30, 3, 4) == "0:00:10"
    assert time_left(3600, 1, 3) == "2:00:00"
    assert time_left(59.6, 1, 2) == "0:01:00"


def test_lines_say_how_many_and_how_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = itertools.count(0, 12)  # seconds from one look to the next
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert list(Progress().track([1, 2, 3], "steps")) == [1, 2, 3]
    lines = [f"steps: {done}/3, 0:00:{12 * (3 - done):02d} left" for done in (1, 2, 3)]
    assert capsys.readouterr().err.splitlines() == lines


def test_onlookers_are_told_of_all_loops_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told = [0.0], list[list[Loop]]()
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    work = Progress(lambda loops: told.append([replace(loop) for loop in loops]))
    for _ in work.track(range(2), "nets"):
        for _ in work.track(iter([1, 2, 3]), "epochs"):
            now[0] += 0.6
    assert told == [
        [Loop("nets", 2, 0)],
        [Loop("nets", 2, 0), Loop("epochs", None, 2)],
        [Loop("nets", 2, 1), Loop("epochs", None, 1)],
        [Loop("nets", 2, 1), Loop("epochs", None, 3)],
    ]


def test_a_note_is_read_as_it_was_written_and_forgotten(tmp_path: Path) -> None:
    loops = [Loop("nets", 2, 1), Loop("epochs", None, 4)]
    underway.note(tmp_path, loops)
    assert underway.loops_of(tmp_path) == loops
    underway.forget(tmp_path)
    assert underway.loops_of(tmp_path) == [] and [*tmp_path.iterdir()] == []
    underway.note(tmp_path / "gone", loops)  # no run fails for it


@pytest.mark.parametrize("text", ["", "{}", '[1, {"description": 1, "done": 0, "total": null}]', '[{"done": 1}]'])
def test_a_note_that_is_damaged_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / underway.FILE).write_text(text)
    assert underway.loops_of(tmp_path) == []
