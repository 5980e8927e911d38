"""How many processes a command line may ask for."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from suite.errors import SuiteError
from suite.host.cli import main
from suite.host.executors import executor


def test_more_processes_than_cores_bear_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    for kind in ("local", "ray"):  # a Ray of its own starts as many
        with pytest.raises(SuiteError, match=r"--jobs 81: more than 80 processes for 10 cores \(write at most 80"):
            executor(kind, 81, None, "cpu").__enter__()
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with pytest.raises(SuiteError, match="more than 64 processes for 1 cores"):
        executor("local", 65, None, "cpu").__enter__()
    with executor("local", 1, None, "cpu") as work:
        assert work.places == 1


@pytest.mark.parametrize("typed", ["--jobs 10001", "--jobs 0", "--within 1e308", "--within nan", "--within -1"])
def test_numbers_without_sense_are_one_line(typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["reproduce", *typed.split(), "--dry-run"], prog_name="suite")
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        result.stderr.startswith(f"error: invalid value for '{typed.partition(' ')[0]}' ")
        and result.stderr.count("\n") == 1
    )
