"""`suite run linbp.theory_train` as a researcher types it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

pytestmark = pytest.mark.usefixtures("undrawn")

Study = Callable[..., Result]
Finish = Callable[..., Any]
TRAIN = "--repeats 6 --steps 30 --n 20 --d 4 --step-size 0.02"


@pytest.mark.drawn
def test_the_training_shows_loss_and_distance(finished_study: Finish) -> None:
    run = finished_study("linbp.theory_train", TRAIN)
    assert set(run.shown["figures"]) == {"training_by_step", "ahead_by_step", "condition_by_step"}
    assert {(row["quantity"], row["dynamics"], row["gradient"]) for row in run.rows("by_step")} == {
        ("l1 distance", dynamics, rule) for dynamics in ("simulated", "expected") for rule in ("bp", "linbp")
    } | {("loss", "simulated", rule) for rule in ("bp", "linbp")}
    assert {row["units"] for row in run.rows("condition")} == {"N"}
    assert {row["source"] for row in run.rows("claims")} == {"Theorem 2, Fig. 2b", "Fig. 2a", "Eq. 22"}
    falling = [row["value"] for row in run.rows("by_step") if row["quantity"] == "l1 distance"][:31]
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
    ("typed", "option"),
    [
        ("--sigma1 inf", "--sigma1"),
        ("--n 0", "--n"),
        ("--d 1001", "--d"),
        ("--samples some", "--samples"),
        ("--step-size 0", "--step-size"),
        ("--seed -1", "--seed"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, option: str) -> None:
    result = study("linbp.theory_train", typed)
    assert result.exit_code == 2
    assert result.stdout == "" and result.stderr.startswith(f"error: {option}: ") and result.stderr.count("\n") == 1
    assert not (workplace / "runs").exists()
