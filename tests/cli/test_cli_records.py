"""Records of runs that are damaged or mean ill: a warning, and every verb goes on with the others."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import suite as front

Suite = Callable[..., Result]

BAD: dict[str, Any] = {
    "nested": b"[" * 100_000,
    "large": b" " * (16 * 2**20 + 1),
    "no_text": b'{"study": "\xff"}',
    "digits": b"1" * 5000,
    "seed": {"seed": 10**30},
    "negative_seed": {"seed": -1},
    "fact": {"facts": {"deep": [{"n": 2**63}]}},
    "started": {"timings": {"started": "yesterday", "seconds": 1.0}},
    "year": {"timings": {"started": "0001-01-01T00:00:00+23:00", "seconds": 1.0}},
    "table": {"tables": {"a\0b": {"file": "tables/a.parquet", "rows": 1}}},
    "long": {"tables": {"a" * 300: {"file": "tables/a.parquet", "rows": 1}}},
    "path": {"tables": {"../a": {"file": "tables/a.parquet", "rows": 1}}},
    "outside": {"tables": {"a": {"file": "tables/../../a.parquet", "rows": 1}}},
    "rows": {"tables": {"a": {"file": "tables/a.parquet", "rows": "7"}}},
    "classes": {"classes": ["a"]},
    "key": {"key": "a\nb"},
}


@pytest.fixture
def store(suite: Suite, workplace: Path) -> Path:
    """A store of one good run and bad ones of all kinds."""
    good = Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])
    record = json.loads((good / "run.json").read_text())
    for name, wrong in BAD.items():
        bad = good.with_name(name)
        shutil.copytree(good, bad)
        (bad / "run.json").write_bytes(wrong if isinstance(wrong, bytes) else json.dumps({**record, **wrong}).encode())
    return good


@pytest.mark.parametrize(
    "verb",
    [
        ("runs",),
        ("query", "SELECT count(*) FROM runs WHERE status = 'finished'"),
        ("report", "--all"),
        ("reproduce", "toy.squares", "--within", "0", "--any-code"),
        ("analyse", "--all"),
        ("sweep", "toy.squares", "--grid", "seed=0,1", "--dry-run"),
    ],
    ids=lambda verb: verb[0],
)
def test_every_bad_record_is_one_warning(suite: Suite, store: Path, verb: tuple[str, ...]) -> None:
    result = suite(*verb)
    assert result.exit_code == 0, result.output
    warnings = [line for line in result.stderr.splitlines() if line.startswith("cannot use ")]
    assert {Path(line.split(": ")[0]).parent.name for line in warnings} == {*BAD} and len(warnings) == len(BAD)
    assert max(map(len, warnings)) < 400


def test_bad_records_are_no_runs_of_a_session(store: Path) -> None:
    assert front.runs()["run"].to_list() == [f"toy.squares/{store.name}"]


def test_a_record_that_is_no_regular_file_is_not_opened(suite: Suite, store: Path) -> None:
    (store / "run.json").unlink()
    (store / "run.json").symlink_to("/dev/zero")
    assert f"cannot use {store / 'run.json'}: it is no regular file" in suite("runs").stderr


def test_damaged_results_are_a_warning_and_made_again(suite: Suite, workplace: Path) -> None:
    run = Path(json.loads(suite("run", "toy.squares", "--json").stdout)["run"])
    results = run / "results" / "results.json"
    whole = results.read_bytes()
    results.write_bytes(whole[: len(whole) // 2])
    listed = suite("runs")
    assert listed.exit_code == 0 and run.name in listed.stdout
    told = [line for line in listed.stderr.splitlines() if line.startswith("cannot use ")]
    assert told == [f"cannot use {results}: it is not JSON (suite analyse makes it again)"]
    assert suite("analyse", "--all").exit_code == 0
    assert results.read_bytes() == whole and "cannot use" not in suite("runs").stderr
