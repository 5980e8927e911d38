"""`suite runs` as typed: which runs, in which order, and how they fit a terminal."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from suite.host.cli import terminal
from suite.host.cli.times import format_age, parse_since

Suite = Callable[..., Result]
AGES = {"1": timedelta(hours=1), "2": timedelta(days=3), "3": timedelta(days=40)}


@pytest.fixture
def store(suite: Suite, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Three runs of different ages by seed, the last of which failed: seed -> key."""
    keys = dict[str, str]()
    for seed, age in AGES.items():
        if seed == "3":
            monkeypatch.setenv("TOY_FATE", "crash@3")
        suite("run", "toy.squares", "--seed", seed, "--step-size", "8/255")
        run = next(path for path in workplace.glob("runs/*/*") if path.name not in keys.values())
        record = json.loads((run / "run.json").read_text())
        record["timings"] |= {"started": (datetime.now(UTC) - age).isoformat(), "seconds": float(seed)}
        (run / "run.json").write_text(json.dumps(record))
        keys[seed] = run.name
    monkeypatch.delenv("TOY_FATE")
    return keys


def listed(suite: Suite, *arguments: str) -> list[Any]:
    """The seeds of the runs that are listed, in their order."""
    result = suite("runs", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return [row["options"]["seed"] for row in json.loads(result.stdout)]


@pytest.mark.parametrize(
    ("arguments", "seeds"),
    [
        ([], [3, 2, 1]),
        (["--study", "toy"], [3, 2, 1]),
        (["--study", "toy.opinion"], []),
        (["--status", "failed"], [3]),
        (["--since", "2d"], [1]),
        (["--since", "100h", "--status", "finished"], [2, 1]),
        (["--since", (datetime.now(UTC) - timedelta(days=10)).strftime("%Y-%m-%d")], [2, 1]),
        (["--sort", "seconds"], [1, 2, 3]),
        (["--sort", "status"], [3, 2, 1]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_which_runs_in_which_order(suite: Suite, store: dict[str, str], arguments: list[str], seeds: list[int]) -> None:
    assert listed(suite, *arguments) == listed(suite, "list", *arguments) == seeds


def test_rows_for_programs(suite: Suite, store: dict[str, str], workplace: Path) -> None:
    row = json.loads(suite("runs", "--json").stdout)[-1]
    assert row["run"] == f"toy.squares/{store['1']}" and row["headline"] == {"largest": 9, "nothing": None}
    assert row["options"] == {"seed": 1, "step_size": 8 / 255} and row["seconds"] == 1.0
    assert (Path(row["path"]) / "run.json").is_file()


def test_a_terminal_gets_lines_that_fit_it(
    suite: Suite, store: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = suite("runs").stdout
    monkeypatch.setattr(terminal, "width", lambda: 60)
    fitted = suite("runs").stdout.splitlines()
    assert max(map(len, fitted)) <= 60 < max(map(len, whole.splitlines()))
    assert fitted[0].split() == ["study", "key", "status", "age", "options", "headline"]
    assert fitted[4].split()[:5] == ["toy.squares", store["1"][:8], "finished", "1", "h"]
    assert "…" in fitted[4] and "…" not in whole
    assert suite("runs", "--wide").stdout == whole


def test_keys_are_shown_as_long_as_it_takes(
    suite: Suite, store: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path("runs/toy.squares") / store["1"]
    run.rename(run.with_name(store["2"][:11] + "_____"))
    monkeypatch.setattr(terminal, "width", lambda: 80)
    shown = {line.split()[1] for line in suite("runs").stdout.splitlines()[2:]}
    assert shown == {store["2"][:12], store["3"][:12], store["2"][:11] + "_"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since", "soon"], "--since: 'soon' is no date and no age (write 2026-11-28, 12h or 2d)"),
        (["--since", "9999999d"], "is no date and no age"),
        (["--study", "toy.squars"], "--study: unknown study 'toy.squars' (did you mean toy.squares"),
        (["--status", "done"], "error: invalid value for '--status'"),
        (["--study", "toy", "show", "a"], "options follow the verb: suite runs show"),
    ],
)
def test_what_is_refused(suite: Suite, arguments: list[str], told: str) -> None:
    result = suite("runs", *arguments)
    assert (result.exit_code, result.stdout) == (2, "") and told in result.stderr


def test_nothing_that_is_meant(suite: Suite, store: dict[str, str]) -> None:
    assert suite("runs", "--status", "running").stdout.startswith("no runs that are meant in ")


@pytest.mark.parametrize(
    ("age", "text"), [(1, "now"), (300, "5 min"), (3 * 3600, "3 h"), (47 * 3600, "47 h"), (12 * 86400, "12 d")]
)
def test_ages_are_read_as_they_are_typed(age: int, text: str) -> None:
    then = datetime.now(UTC) - timedelta(seconds=age)
    assert format_age(then) == text
    if text != "now":
        assert abs(parse_since(text, "--since") - then) < timedelta(seconds=5)
