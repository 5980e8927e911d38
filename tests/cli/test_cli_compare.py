"""`suite compare` as typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

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
    assert "numbers  [1, 2, 3]  [1, 2, 4]" in shown and "rows that changed (0)" in shown
    alike = suite("compare", keys[0], keys[0]).stdout
    assert "the runs have the same settings, inputs and code" in alike


@pytest.mark.parametrize(("second", "told"), [("zzz", "no run 'zzz'"), ("", "begins 2 keys")])
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
