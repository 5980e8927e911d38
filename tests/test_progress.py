"""Progress where stderr is no terminal."""

import itertools
import sys

import pytest

from suite.host import progress
from suite.host.progress import Progress, time_left


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
