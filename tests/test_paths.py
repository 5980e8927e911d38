"""Paths that no file system takes, or that nobody should have, are one line wherever they are typed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import suite as front
from suite import data, models
from suite.errors import SuiteError
from suite.host.store import check_writable, find_runs
from suite.models.weights import read_weights
from suite.paths import cache_root, data_root, runs_at, runs_root, usable

BAD = {"long": "x" * 300, "deep": "/".join(["x" * 100] * 50), "NUL": "a\0b", "newline": "a\nb", "no bytes": "a\ud800"}
DOORS: dict[str, Callable[[str], Any]] = {
    "usable": usable,
    "runs_at": lambda name: runs_at(Path(name)).__enter__(),
    "folder": lambda name: data.load(f"folder:{name}"),
    "data set": data.load,
    "weights": lambda name: read_weights(Path(f"{name}.pt")),
    "model": lambda name: models.load(f"digits-cnn@{name}.pt", data.load("digits")),
    "file of code": lambda name: models.load(f"./{name}.py:make", data.load("digits")),
    "module": lambda name: models.load(f"import:{name}:make", data.load("digits")),
    "run's model": lambda name: models.load(f"run:{name}/m", data.load("digits")),
    "load": front.load,
    "load from": lambda name: front.load("key", runs=name),
    "runs": lambda name: front.runs(runs=name),
    "store": lambda name: find_runs(Path(name)),
    "output": lambda name: check_writable(Path(name)),
    "run": lambda name: front.run("linbp.attack", runs=name),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.usefixtures("workplace")
def test_bad_paths_are_one_line_at_every_door(door: str, bad: str) -> None:
    with pytest.raises(SuiteError) as caught:
        DOORS[door](BAD[bad])
    line = str(caught.value)
    assert line.isprintable() and len(line) < 800


@pytest.mark.parametrize("root", [data_root, cache_root, runs_root])
def test_roots_from_the_environment_are_looked_at(root: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SUITE_{root.__name__.removesuffix('_root').upper()}", "x" * 300)
    with pytest.raises(SuiteError, match=r"too long for a path \(give another name\)"):
        root()


def test_names_that_file_systems_take_are_taken() -> None:
    for name in ("a b", "ä" * 100, os.fsdecode(b"\xff"), "/".join("x" * 200), "."):
        assert usable(name) == Path(name)


@pytest.mark.usefixtures("workplace")
def test_folders_where_files_are_expected() -> None:
    for name in ("net.py", "net.pt"):
        Path(name).mkdir()
    for ref in ("net.py:make", "digits-cnn@net.pt"):
        with pytest.raises(SuiteError, match=r"no (file|weights)"):
            models.load(ref, data.load("digits"))


def test_an_error_has_no_control_characters_and_no_endless_words() -> None:
    error = SuiteError(f"no \x1b[31m{'x' * 10_000}\u202e", f"a\n  b {'y' * 300}")
    assert error.what == f"no \\x1b[31m{'x' * 75}...{'x' * 39}\\u202e"
    assert error.remedy == f"a\n  b {'y' * 300}" and str(error) == f"{error.what} ({error.remedy})"
