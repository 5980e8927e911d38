"""`suite compare` as typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from suite.tables import write_columns

Suite = Callable[..., Result]


@pytest.fixture
def keys(suite: Suite) -> list[str]:
    """Two finished runs that differ in an option."""
    found = []
    for numbers in ("1,2,3", "1,2,4"):
        result = suite("run", "toy.squares", "--numbers", numbers, "--json")
        found.append(Path(json.loads(result.stdout)["run"]).name)
    return found


def test_what_differs(suite: Suite, keys: list[str]) -> None:
    result = suite("compare", *keys, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["settings"] == [{"what": "numbers", "first": [1, 2, 3], "second": [1, 2, 4]}]
    assert found["headline"][0] == {"headline": "largest", "first": 9, "second": 16}
    assert [(row["column"], row["n"], row["differ"]) for row in found["columns"]] == [("square", 3, 0), ("name", 2, 0)]


def test_for_people(suite: Suite, keys: list[str]) -> None:
    shown = suite("compare", keys[0][:8], f"toy.squares/{keys[1]}").stdout
    assert "numbers  1,2,3  1,2,4" in shown and "rows that changed (0)" in shown
    alike = suite("compare", keys[0], keys[0]).stdout
    assert "the runs have the same settings, inputs and code" in alike


@pytest.mark.parametrize(
    ("second", "told"), [("zzz", "no run 'zzz'"), ("toy.squares/", "begins 2 keys"), ("", "is empty")]
)
def test_what_is_refused(suite: Suite, keys: list[str], second: str, told: str) -> None:
    result = suite("compare", keys[0], second)
    assert result.exit_code == 2 and told in result.stderr


def test_unfinished_runs_are_not_compared(suite: Suite, keys: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_FATE", "crash@7")
    assert suite("run", "toy.squares", "--numbers", "6,7").exit_code == 1
    failed = next(
        path.parent.name for path in Path("runs/toy.squares").glob("*/run.json") if path.parent.name not in keys
    )
    result = suite("compare", keys[0], failed)
    assert result.exit_code == 2 and "is failed (compare finished runs)" in result.stderr


def test_nothing_comparable_is_exit_code_1_and_its_reason(suite: Suite, keys: list[str]) -> None:
    """Two runs of which no row belongs to a row of the other, and whose headlines share no number."""
    for key, offset in zip(keys, (0, 100), strict=True):
        run = Path("runs/toy.squares") / key
        write_columns(run / "tables" / "squares.parquet", {"number": [offset + 1, offset + 2], "square": [1, 4]})
        results = json.loads((run / "results" / "results.json").read_text())
        (run / "results" / "results.json").write_text(json.dumps({**results, "headline": {f"of {offset}": 1}}))
    result = suite("compare", *keys)
    assert result.exit_code == 1
    assert "not compared\n  squares  no row has the same number in both runs\n" in result.stdout
    assert result.stderr.endswith(
        "error: nothing of these runs can be compared (choose runs that share more settings)\n"
    )
    found = suite("compare", *keys, "--json")
    assert found.exit_code == 1 and json.loads(found.stdout)["comparable"] is False
    assert suite("compare", keys[0], keys[0], "--json").exit_code == 0
