"""`suite runs tag`, `untag` and `note`: beside the run, which stays as it is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Suite = Callable[..., Result]


@pytest.fixture
def run(suite: Suite) -> Path:
    """A finished run."""
    return Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])


def test_tags_and_notes_leave_key_results_and_record_alone(suite: Suite, run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert suite("runs", "tag", run.name, "thesis", "b.1").stdout == f"toy.squares/{run.name}: b.1, thesis\n"
    assert suite("runs", "note", run.name[:5], "one\n line").exit_code == 0
    assert {path: path.read_bytes() for path in before} == before
    assert {path for path in run.rglob("*") if path.is_file()} == {*before, run / "notes.json"}
    assert "already finished" in suite("run", "toy.squares").stderr
    (row,) = json.loads(suite("runs", "--json").stdout)
    assert (row["tags"], row["note"]) == (["b.1", "thesis"], "one line")
    assert suite("runs").stdout.splitlines()[2].endswith("b.1,thesis  one line")

    assert suite("run", "toy.squares", "--fresh").exit_code == 0
    assert json.loads(suite("runs", "--json").stdout)[0]["tags"] == ["b.1", "thesis"]
    suite("runs", "untag", run.name, "thesis", "b.1")
    assert suite("runs", "note", run.name, "").exit_code == 0
    assert {path for path in run.rglob("*") if path.is_file()} == {*before}


def test_runs_are_found_by_their_tag(suite: Suite, run: Path) -> None:
    suite("run", "toy.squares", "--seed", "1")
    suite("runs", "tag", run.name, "thesis")
    (row,) = json.loads(suite("runs", "--tag", "thesis", "--json").stdout)
    assert row["key"] == run.name
    assert "no runs that are meant" in suite("runs", "--tag", "other").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tag", "", "../up"], "'../up' is no tag (letters, digits, "),
        (["tag", "", "x" * 51], "is no tag"),
        (["untag", "", "thesi"], "has no tag 'thesi' (did you mean thesis?)"),
        (["note", "", "x" * 2001], "a note of 2001 characters (write at most 2000)"),
        (["tag", "zzz", "a"], "no run 'zzz'"),
    ],
)
def test_what_is_refused(suite: Suite, run: Path, arguments: list[str], told: str) -> None:
    suite("runs", "tag", run.name, "thesis")
    result = suite("runs", *(each or run.name for each in arguments))
    assert (result.exit_code, result.stdout) == (2, "") and told in result.stderr


@pytest.mark.parametrize("content", ["{half", "[]", '{"tags": ["a b"], "note": ""}', '{"tags": [], "note": 3}'])
def test_notes_that_cannot_be_trusted_are_one_warning(suite: Suite, run: Path, content: str) -> None:
    (run / "notes.json").write_text(content)
    result = suite("runs", "--json")
    assert json.loads(result.stdout)[0]["tags"] == []
    assert (
        [line for line in result.stderr.splitlines() if line.startswith("cannot use ")]
        == [line for line in result.stderr.splitlines() if str(run / "notes.json") in line]
        != []
    )
