"""`suite run linbp.theory_attack` and `linbp.theory_train` as a researcher types them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main

Study = Callable[..., Result]
Finish = Callable[..., Any]
ATTACK = "--repeats 12 --steps 6 --d1 15 --d2 8 --d3 4 --step-size-raw 0.01"
TRAIN = "--repeats 6 --steps 30 --n 20 --d 4 --step-size 0.02"
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
        found.setdefault((row["mode"], row["dynamics"], row["gradient"]), []).append(row["mean"])
    return found


def cells(run: Any, table: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in run.rows(table)]


def test_the_attack_prints_claims_with_verdicts_and_stores_its_tables(study: Study, finished_study: Finish) -> None:
    result = study("linbp.theory_attack", ATTACK)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "What the paper says and what 12 runs say (95 % intervals)"
    assert lines[2].split() == [
        "claim", "source", "of", "dynamics", "step", "value", "low", "high", "n", "p_value", "verdict"
    ]  # fmt: skip
    assert sum("Theorem 1, Fig. 1" in line for line in lines) == 12  # 3 modes, 2 dynamics, mean and share
    assert sum("Eq. 21" in line for line in lines) == 4
    assert all(any(word in line for word in ("reproduced", "differs", "cannot be told")) for line in lines[4:22])

    run = finished_study("linbp.theory_attack", ATTACK)  # the same run, not computed again
    assert set(run.shown["tables"]) == {"by_step", "ahead", "condition", "claims", "first_gradients"}
    assert set(run.shown["figures"]) == FIGURES
    assert all(Path(file).stat().st_size > 5000 for file in run.shown["figures"].values())
    assert len(run.rows("by_step")) == 3 * 2 * 2 * 7 and len(run.rows("ahead")) == 3 * 2 * 7
    assert len(run.rows("condition")) == 2 * 2 * 6 and len(run.rows("first_gradients")) == 12
    start = {row["mean"] for row in run.rows("by_step") if row["step"] == 0}
    assert len(start) == 1  # all modes, rules and dynamics begin at the same place
    assert set(cells(run, "condition", "units", "trajectory")) == {
        (units, trajectory) for units in ("d2", "d2 d3") for trajectory in ("simulated", "expected")
    }
    assert {name.split(",")[0] for name in run.shown["headline"]} == {"LinBP ahead at step 6"}


def test_some_modes_only(finished_study: Finish, by_step: list[dict[str, Any]]) -> None:
    """They are the same as among all; without raw updates there is no Eq. 21."""
    run = finished_study("linbp.theory_attack", ATTACK, "--modes sign,l2")
    alone, together = series(run.rows("by_step")), series(by_step)
    assert alone.keys() == {key for key in together if key[0] != "raw"}
    for key, means in alone.items():
        assert means == pytest.approx(together[key], rel=1e-12)
    assert set(run.shown["figures"]) == FIGURES - {"condition_by_step"} and run.rows("condition") == []


def test_protocols_differ_in_raw_steps_alone(finished_study: Finish, by_step: list[dict[str, Any]]) -> None:
    code = series(finished_study("linbp.theory_attack", ATTACK, "--protocol code").rows("by_step"))
    paper = series(by_step)
    assert {key[0] for key in paper if paper[key] != code[key]} == {"raw"}


def test_an_attack_that_diverges_is_a_result(finished_study: Finish) -> None:
    """Steps far too long without clip end in inf and NaN: counted, behind, no crash and no warning."""
    run = finished_study("linbp.theory_attack", ATTACK, "--no-clip --step-size-raw 10 --steps 300 --modes raw,sign")
    last = [row for row in run.rows("by_step") if row["step"] == 300 and row["mode"] == "raw"]
    assert {row["diverged"] for row in last} == {12} and {row["mean"] for row in last} == {None}
    assert run.shown["headline"]["runs that diverged, raw, simulated linbp"] == 12
    assert run.shown["headline"]["LinBP ahead at step 300, sign"] is not None
    verdicts = {row["verdict"] for row in run.rows("claims") if row["of"] == "raw" and row["step"] == 300}
    assert all(verdict.startswith("cannot be told") for verdict in verdicts)


def test_the_training_shows_loss_and_distance(finished_study: Finish) -> None:
    run = finished_study("linbp.theory_train", TRAIN)
    assert set(run.shown["figures"]) == {"training_by_step", "ahead_by_step", "condition_by_step"}
    assert set(cells(run, "by_step", "quantity", "dynamics", "gradient")) == {
        ("l1 distance", dynamics, rule) for dynamics in ("simulated", "expected") for rule in ("bp", "linbp")
    } | {("loss", "simulated", rule) for rule in ("bp", "linbp")}
    assert {row["units"] for row in run.rows("condition")} == {"N"}
    assert {row["source"] for row in run.rows("claims")} == {"Theorem 2, Fig. 2b", "Fig. 2a", "Eq. 22"}
    falling = [row["mean"] for row in run.rows("by_step") if row["quantity"] == "l1 distance"][:31]
    assert falling[-1] < falling[0]


def test_a_training_protocol_is_two_options(finished_study: Finish) -> None:
    one, other = (
        finished_study("linbp.theory_train", TRAIN, typed)
        for typed in ("--protocol paper", "--samples fixed --loss sum")
    )
    assert one.rows("by_step") == other.rows("by_step") and one.path != other.path


def test_a_training_that_diverges_is_a_result(finished_study: Finish) -> None:
    run = finished_study("linbp.theory_train", TRAIN, "--step-size 1e5 --steps 200")
    last = [row for row in run.rows("by_step") if row["step"] == 200]
    assert {row["diverged"] for row in last if row["gradient"] == "linbp"} == {6}
    assert run.shown["headline"]["runs that diverged, loss, simulated linbp"] == 6


@pytest.mark.parametrize(
    ("name", "typed", "option"),
    [
        ("linbp.theory_attack", "--mu nan", "--mu"),
        ("linbp.theory_attack", "--mu 1e7", "--mu"),
        ("linbp.theory_attack", "--sigma1 0", "--sigma1"),
        ("linbp.theory_attack", "--sigma2 -1", "--sigma2"),
        ("linbp.theory_attack", "--d1 0", "--d1"),
        ("linbp.theory_attack", "--d2 5000", "--d2"),
        ("linbp.theory_attack", "--d3 2.5", "--d3"),
        ("linbp.theory_attack", "--repeats 1", "--repeats"),
        ("linbp.theory_attack", "--steps 0", "--steps"),
        ("linbp.theory_attack", "--eps 0", "--eps"),
        ("linbp.theory_attack", "--step-size-l2 -0.1", "--step-size-l2"),
        ("linbp.theory_attack", "--modes raw,raw", "--modes"),
        ("linbp.theory_attack", "--modes linf", "--modes"),
        ("linbp.theory_attack", "--protocol both", "--protocol"),
        ("linbp.theory_train", "--sigma1 inf", "--sigma1"),
        ("linbp.theory_train", "--n 0", "--n"),
        ("linbp.theory_train", "--d 1001", "--d"),
        ("linbp.theory_train", "--samples some", "--samples"),
        ("linbp.theory_train", "--step-size 0", "--step-size"),
        ("linbp.theory_train", "--seed -1", "--seed"),
    ],
)
def test_bad_input_is_one_line_before_any_work(
    study: Study, workplace: Path, name: str, typed: str, option: str
) -> None:
    result = study(name, typed)
    assert result.exit_code == 2
    assert result.stdout == "" and result.stderr.startswith(f"error: {option}: ") and result.stderr.count("\n") == 1
    assert not (workplace / "runs").exists()
