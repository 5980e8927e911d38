"""`suite run linbp.theory_attack` as a researcher types it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main

pytestmark = pytest.mark.usefixtures("undrawn")

Study = Callable[..., Result]
Finish = Callable[..., Any]
ATTACK = "--repeats 12 --steps 6 --d1 15 --d2 8 --d3 4 --step-size-raw 0.01"
FIGURES = {"distance_by_step", "ahead_by_step", "condition_by_step"}


@pytest.fixture(scope="module")
def by_step(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The table of that name of ATTACK, run once."""
    place = str(tmp_path_factory.mktemp("runs"))
    result = CliRunner().invoke(main, ["run", "linbp.theory_attack", *ATTACK.split(), "--runs", place, "--json"])
    rows: list[dict[str, Any]] = pq.read_table(json.loads(result.stdout)["tables"]["by_step"]).to_pylist()
    return rows


def series(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], list[float]]:
    """Means at all steps by mode, dynamics and rule."""
    found: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        found.setdefault((row["mode"], row["dynamics"], row["gradient"]), []).append(row["value"])
    return found


def cells(run: Any, table: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in run.rows(table)]


@pytest.mark.drawn
def test_the_attack_prints_claims_with_verdicts_and_stores_its_tables(study: Study, finished_study: Finish) -> None:
    result = study("linbp.theory_attack", ATTACK)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "What the paper says and what 12 runs say (95 % intervals)"
    assert {"claim", "setting", "value", "low", "high", "n", "source", "verdict", "note"} <= {*lines[2].split()}
    assert sum("Theorem 1, Fig. 1" in line for line in lines) == 12  # 3 modes, 2 dynamics, mean and share
    assert sum("Eq. 21" in line for line in lines) == 4
    assert all(any(word in line for word in ("reproduced", "differs", "cannot be told")) for line in lines[4:22])

    run = finished_study("linbp.theory_attack", ATTACK)  # the same run, not computed again
    assert set(run.shown["tables"]) == {
        "distances", "first_gradients", "by_step", "ahead", "condition", "claims"
    }  # fmt: skip
    assert set(run.shown["figures"]) == FIGURES
    assert all(Path(file).stat().st_size > 5000 for file in run.shown["figures"].values())
    assert len(run.rows("by_step")) == 3 * 2 * 2 * 7 and len(run.rows("ahead")) == 3 * 2 * 7
    assert len(run.rows("condition")) == 2 * 2 * 2 * 6 and len(run.rows("first_gradients")) == 12
    assert len(run.rows("distances")) == 12 * 3 * 7
    start = {row["value"] for row in run.rows("by_step") if row["step"] == 0}
    assert len(start) == 1  # all modes, rules and dynamics begin at the same place
    assert set(cells(run, "condition", "units", "dynamics")) == {
        (units, dynamics) for units in ("d2", "d2 d3") for dynamics in ("simulated", "expected")
    }
    assert {name.split(",")[0] for name in run.shown["headline"]} == {"LinBP ahead at step 6"}


def test_some_modes_only(finished_study: Finish, by_step: list[dict[str, Any]]) -> None:
    """They are the same as among all; without raw updates there is no Eq. 21."""
    run = finished_study("linbp.theory_attack", ATTACK, "--modes sign,l2")
    alone, together = series(run.rows("by_step")), series(by_step)
    assert alone.keys() == {key for key in together if key[0] != "raw"}
    for key, means in alone.items():
        assert means == pytest.approx(together[key], rel=1e-12)
    assert set(run.shown["figures"]) == FIGURES - {"condition_by_step"}
    assert "condition" not in run.shown["tables"]


def test_protocols_differ_in_raw_steps_alone(finished_study: Finish, by_step: list[dict[str, Any]]) -> None:
    code = series(finished_study("linbp.theory_attack", ATTACK, "--protocol code").rows("by_step"))
    paper = series(by_step)
    assert {key[0] for key in paper if paper[key] != code[key]} == {"raw"}


def test_an_attack_that_diverges_is_a_result(finished_study: Finish) -> None:
    """Steps far too long without clip end in inf and NaN: counted, behind, no crash and no warning."""
    run = finished_study("linbp.theory_attack", ATTACK, "--no-clip --step-size-raw 10 --steps 300 --modes raw,sign")
    last = [row for row in run.rows("by_step") if row["step"] == 300 and row["mode"] == "raw"]
    assert {row["diverged"] for row in last} == {12} and {row["value"] for row in last} == {None}
    assert run.shown["headline"]["runs that diverged, raw, simulated linbp"] == 12
    assert run.shown["headline"]["LinBP ahead at step 300, sign"] is not None
    ours = [row for row in run.rows("claims") if row["setting"] == "raw, simulated, step 300"]
    assert [(row["verdict"], row["value"]) for row in ours] == [("cannot be told", None)] * 2


@pytest.mark.parametrize(
    ("typed", "option"),
    [
        ("--mu nan", "--mu"),
        ("--mu 1e7", "--mu"),
        ("--sigma1 0", "--sigma1"),
        ("--sigma2 -1", "--sigma2"),
        ("--d1 0", "--d1"),
        ("--d2 5000", "--d2"),
        ("--d3 2.5", "--d3"),
        ("--repeats 1", "--repeats"),
        ("--steps 0", "--steps"),
        ("--eps 0", "--eps"),
        ("--step-size-l2 -0.1", "--step-size-l2"),
        ("--modes raw,raw", "--modes"),
        ("--modes linf", "--modes"),
        ("--protocol both", "--protocol"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, option: str) -> None:
    result = study("linbp.theory_attack", typed)
    assert result.exit_code == 2
    assert result.stdout == "" and result.stderr.startswith(f"error: {option}: ") and result.stderr.count("\n") == 1
    assert not (workplace / "runs").exists()
