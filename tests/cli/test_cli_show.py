"""`suite runs show`: a run for people, and all of it for programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from suite.host.cli import terminal

Suite = Callable[..., Result]


@pytest.fixture
def run(suite: Suite) -> Path:
    """A finished run with an option that is not the default."""
    return Path(json.loads(suite("run", "toy.squares", "--step-size", "8/255", "--json").stdout)["run"])


def test_a_run_for_people(suite: Suite, run: Path) -> None:
    suite("runs", "tag", run.name, "thesis")
    lines = suite("runs", "show", run.name[:6]).stdout.splitlines()
    assert lines[:2] == [f"toy.squares/{run.name}: finished", "The square of every number."]
    titles = ["what people say", "settings that differ from the defaults", "settings at their defaults", "headline",
              "Squares", "what was noted", f"files in {run}", "where it comes from"]  # fmt: skip
    assert [line for line in lines[2:] if line and not line.startswith((" ", "-", "number"))] == titles
    below = {title: lines[lines.index(title) + 1] for title in titles}
    assert below["what people say"] == "  tags  thesis"
    assert below["settings that differ from the defaults"] == "  step_size  8/255  (default 0.25)"
    assert below["headline"].split() == ["largest", "9"]


def test_a_run_for_programs(suite: Suite, run: Path) -> None:
    suite("runs", "note", run.name, "looked at twice")
    content = json.loads(suite("runs", "show", run.name, "--json").stdout, parse_constant=pytest.fail)
    record = json.loads((run / "run.json").read_text())
    assert {name: content[name] for name in ("config", "code", "facts", "argv")} == {
        name: record[name] for name in ("config", "code", "facts", "argv")
    }
    assert (content["status"], content["note"], content["options"]) == (
        "finished", "looked at twice", {"step_size": 8 / 255},
    )  # fmt: skip
    assert content["claims"] == [] and content["headline"] == {"largest": 9, "nothing": None}


def test_claims_are_for_programs_too(suite: Suite) -> None:
    run = Path(json.loads(suite("run", "toy.opinion", "--json").stdout)["run"])
    content = json.loads(suite("runs", "show", run.name, "--json").stdout)
    assert content["claims"] and {"claim", "verdict", "published"} <= {*content["claims"][0]}


def test_a_failed_run_says_why(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_FATE", "crash@3")
    suite("run", "toy.squares")
    lines = suite("runs", "show", "toy.squares/").stdout.splitlines()
    assert lines[0].endswith(": failed") and lines[2] == "error: ZeroDivisionError: division by apples"


def test_it_fits_a_terminal(suite: Suite, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "width", lambda: 80)
    suite("runs", "note", run.name, "word " * 60)
    lines = suite("runs", "show", run.name).stdout.splitlines()
    assert max(len(line) for line in lines if not line.startswith("files in ")) <= 80
    assert sum(line.split()[-1:] == ["word"] for line in lines) > 2
