"""`suite run pgd_dynamics.input_scale` as typed: numbers that agree, resume, divergence, refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from modules.pgd_dynamics.input_scale.trainings import Cell, Trainings

pytestmark = pytest.mark.usefixtures("undrawn")

Finish = Callable[..., Any]
STUDY = "pgd_dynamics.input_scale"
SMALL = (
    "--scales 0.1,1 --learning-rates 0.01 --seeds 2 --epochs 2 --train-limit 60 --test-limit 20 "
    "--test-steps 2 --attack-steps 2"
)


@pytest.mark.drawn
def test_input_scale_compares_trainings(finished_study: Finish) -> None:
    run = finished_study(STUDY, SMALL)
    outcomes, summary = run.rows("outcomes"), run.rows("summary")
    assert len(run.rows("curves")) == 2 * 2 * 1 * 2 * 2  # kinds, scales, rates, seeds, epochs
    assert len(outcomes) == 8 and len(summary) == 4
    assert len(run.rows("comparisons")) == len(run.rows("claims")) == 2 * 2
    for row in summary:
        losses = [o["train_loss"] for o in outcomes if all(o[name] == row[name] for name in ("training", "scale"))]
        assert row["train_loss"] == pytest.approx(sum(losses) / 2) and row["best"]
    assert all(row["robust_loss"] > 0 for row in outcomes)
    figures = [*(run.path / "results" / "figures").glob("*.png")]
    assert {file.stem for file in figures} == {"training_loss", "rates"}
    assert all(file.stat().st_size > 5_000 for file in figures)


def test_an_interrupted_run_continues_to_the_same_numbers(
    finished_study: Finish, study: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finished_study(STUDY, SMALL, "--epochs 1").table_bytes()
    curve = Trainings.curve

    def breaks(trainings: Trainings, cell: Cell) -> dict[str, list[Any]]:
        return curve(trainings, cell) if cell.training == "adversarial" else 1 / 0  # type: ignore[return-value]

    with monkeypatch.context() as patch:
        patch.setattr(Trainings, "curve", breaks)
        broken = study(STUDY, SMALL, "--epochs 1 --fresh")
    assert broken.exit_code == 1 and "the same command continues it" in broken.stderr
    assert finished_study(STUDY, SMALL, "--epochs 1").table_bytes() == whole


def test_a_diverged_training_is_a_result(finished_study: Finish) -> None:
    run = finished_study(STUDY, SMALL, "--optimiser sgd --learning-rates 1e30")
    assert all(row["robust_loss"] is None for row in run.rows("curves"))
    for row in run.rows("summary"):
        assert row["diverged"] == 2 and not row["best"] and row["train_loss"] is None
    claims = run.rows("claims")
    assert len(claims) == 4 and {row["verdict"] for row in claims} == {"cannot be told"}
    assert all("lost" in row["note"] for row in claims)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--scales 1", "two or more"),
        ("--seeds 1", "greater than 1"),
        ("--learning-rates 0", "greater than 0"),
        ("--model resnet20", "--activation relu"),
    ],
)
def test_bad_input_ends_in_one_line_before_any_work(refused: Callable[..., str], options: str, said: str) -> None:
    assert said in refused(STUDY, options)
