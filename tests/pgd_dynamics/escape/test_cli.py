"""`suite run pgd_dynamics.escape` as typed: numbers that agree, resume, refused input."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from modules.pgd_dynamics.escape.balls import balls

pytestmark = pytest.mark.usefixtures("undrawn")

ESCAPE = "--samples 3 --seeds 1 --steps 60 --descent 100 --scales 0.1,1 --ratios 0.01,1 --train-limit 60"

Finish = Callable[..., Any]


@pytest.mark.drawn
def test_escape_finds_minima_and_leaves_them(finished_study: Finish) -> None:
    run = finished_study("pgd_dynamics.escape", f"{ESCAPE} --epochs 0,1 --gradient linbp(start=all)")
    assert set(run.shown["tables"]) == {
        "training", "maxima", "trajectories", "starts", "ascents", "escape", "curves", "comparisons", "claims",
    }  # fmt: skip
    points, ascents = run.rows("maxima"), run.rows("ascents")
    assert len(points) == 2 * 2 * 2 * 3  # scales, epochs, ratios, samples
    minima = [row for row in points if row["kind"] == "minimum"]
    assert minima and all(row["angle"] <= 1e-4 and row["lowest"] > row["residual"] for row in minima)
    assert len(ascents) == 4 * len(minima)  # step rules and gradient rules
    assert sum(row["minimum"] for row in run.rows("starts")) == len(minima)
    for row in ascents:
        assert row["best_loss"] >= row["end_loss"] and row["end_radius"] <= 1 + 1e-9
        if (row["gradient"], row["epoch"], row["ratio"]) == ("bp", 0, 0.01):  # a small ball: nearly linear
            assert row["end_loss"] > row["start_loss"]
            assert row["stationary"] and row["apart"] == 0
            if row["rule"] == "unit":
                assert 35 <= row["to_90"] <= 38  # 0.9 * 2 / 0.05 = 36 on a linear loss
    assert [row["epoch"] for row in run.rows("training")] == [1, 1]
    assert {row["verdict"] for row in run.rows("claims")} == {"cannot be told"}  # of one network
    assert run.shown["headline"]["starts"] == len(points)
    drawn = list((run.path / "results" / "figures").glob("*.png"))
    assert len(drawn) == 2 * 3 and all(file.stat().st_size > 5_000 for file in drawn)


def test_escape_from_a_relu_network_is_checked_by_perturbation(finished_study: Finish) -> None:
    run = finished_study("pgd_dynamics.escape", f"{ESCAPE} --epochs 0 --activation relu --step-rules unit")
    assert {row["kind"] for row in run.rows("maxima")} <= {"minimum", "lower nearby"}
    assert all(row["lowest"] is None for row in run.rows("maxima"))
    assert "training" not in run.shown["tables"]
    assert {row["rule"] for row in run.rows("escape")} == {"unit"}


def test_escape_continues_to_the_same_numbers(
    study: Callable[..., Result], finished_study: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = f"{ESCAPE} --epochs 1 --scales 1 --step-rules unit"
    whole = finished_study("pgd_dynamics.escape", typed).table_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("modules.pgd_dynamics.escape.ascents.balls", _fails_at_the_second_call())
        broken = study("pgd_dynamics.escape", f"{typed} --fresh")
    assert broken.exit_code == 1 and "the same command continues it" in broken.stderr
    assert finished_study("pgd_dynamics.escape", typed).table_bytes() == whole


def _fails_at_the_second_call() -> Callable[..., Any]:
    """The first network's minima are found and stored; its ascents break."""
    calls = iter((balls,))
    return lambda *arguments: next(calls)(*arguments)


def test_a_warning_names_the_bound_where_steps_are_longer_than_the_ball(study: Callable[..., Result]) -> None:
    result = study("pgd_dynamics.escape", f"{ESCAPE} --epochs 0 --step-rules raw --eta 1000")
    assert result.exit_code == 0, result.stderr
    assert "eta = 1000: the first raw step is longer than the ball is wide in" in result.stderr
    assert "eta < eps^2" in result.stderr


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--scales 0,1", "greater than 0"),
        ("--ratios -1", "greater than 0"),
        ("--eta 0", "greater than 0"),
        ("--epochs -1", "greater than or equal to 0"),
        ("--epochs 1,1", "twice"),
        ("--step-rules raw,long", "'raw' or 'unit'"),
        ("--gradient nothing", "nothing"),
        ("--model digits-cnn(width=3)", "width"),
        ("--model resnet20", "--activation relu"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(refused: Callable[..., str], typed: str, says: str) -> None:
    assert says in refused("pgd_dynamics.escape", typed)


def test_losses_that_are_not_finite_end_the_run(study: Callable[..., Result]) -> None:
    result = study("pgd_dynamics.escape", f"{ESCAPE} --epochs 0 --scales 1e300,1e301")
    assert result.exit_code in (1, 2) and result.stderr.count("Traceback") == 0
    assert "finite" in result.stderr or "no start was accepted" in result.stderr
