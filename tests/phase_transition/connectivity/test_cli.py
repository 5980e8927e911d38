"""`suite run phase_transition.connectivity` as typed: whole, resumed, diverged, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from modules.phase_transition.connectivity import figures
from modules.phase_transition.connectivity.curve import Surface
from modules.phase_transition.trainings import Trainings

Finish = Callable[..., Any]
Study = Callable[..., Result]

NAME = "phase_transition.connectivity"
TINY = (
    "--model two-layer(width=8) --train-limit 60 --epochs 3 --watched 30 --loss-limit 40 --grid 4 --seeds 2 "
    "--eps 0,0.1 --attack pgd(steps=2,reach=2.5) --batch-size 20"
)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("paths", "barriers", "planes"):
        monkeypatch.delattr(figures, name)


def test_a_run_is_whole(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY)
    assert {name: len(run.rows(name)) for name in run.shown["tables"]} == {
        "ends": 2 * 3,
        "paths": 2 * 2 * 2 * 61,
        "plane": 2 * 16,
        "marks": 2 * (3 + 61),
        "barriers": 2 * 2 * 2,
        "means": 4,
        "profiles": 4 * 61,
        "claims": 1,
    }
    assert set(run.shown["figures"]) == {"paths", "barriers", "planes"}
    assert all(Path(file).stat().st_size > 5_000 for file in run.shown["figures"].values())
    assert not list((run.path / "checkpoints").iterdir())
    loss = {(r["eps"], r["seed"], r["path"], r["t"]): r["loss"] for r in run.rows("paths")}
    for eps in (0.0, 0.1):
        for seed in (0, 1):
            for t in (0.0, 1.0):  # both paths lead from the one model to the other
                assert loss[eps, seed, "curve", t] == loss[eps, seed, "segment", t]
            assert loss[eps, seed, "curve", 0.0] == loss[0.0, seed, "curve", 0.0]
            assert loss[eps, seed, "curve", 0.5] != loss[eps, seed, "segment", 0.5]
    assert loss[0.0, 0, "curve", 1.0] != loss[0.0, 0, "curve", 0.0]  # eps 0 is another clean model
    assert all(row["barrier"] >= 0 and row["excess"] >= row["barrier"] - 1e-9 for row in run.rows("barriers"))
    marks = {(row["eps"], row["what"]): (row["x"], row["y"]) for row in run.rows("marks")}
    assert marks[0.1, "start"] == (0, 0) and marks[0.1, "end"][1] == pytest.approx(0) and marks[0.1, "middle"][1] > 0


@pytest.mark.usefixtures("undrawn")
def test_a_shared_start_is_nearer_than_an_own_one(finished_study: Finish) -> None:
    typed = f"{TINY} --eps 0 --seeds 1 --epochs 1"
    width = {}
    for how in ("shared", "own"):
        marks = finished_study(NAME, typed, f"--initialisation {how}").rows("marks")
        width[how] = next(row["x"] for row in marks if row["what"] == "end")
    assert 0 < width["shared"] < width["own"] / 3


@pytest.mark.usefixtures("undrawn")
def test_the_endpoint_is_that_epoch_of_the_longer_training(finished_study: Finish) -> None:
    typed = f"{TINY} --seeds 1 --eps 0.1"
    at = finished_study(NAME, typed, "--endpoint 2")
    assert [row["epoch"] for row in at.rows("ends")] == [2, 2]
    last = finished_study(NAME, typed, "--endpoint 3")
    assert [row["epoch"] for row in last.rows("ends")] == [3, 3]
    assert at.rows("ends")[0]["train_loss"] > last.rows("ends")[0]["train_loss"]
    chain = finished_study(NAME, typed, "--endpoint 3 --curve polychain")
    assert chain.rows("ends") == last.rows("ends")
    segments = [[r["loss"] for r in run.rows("paths") if r["path"] == "segment"] for run in (chain, last)]
    assert segments[0] == segments[1]


@pytest.mark.usefixtures("undrawn")
def test_broken_off_anywhere_it_ends_in_the_same_bytes(
    study: Study, finished_study: Finish, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = f"{TINY} --seeds 1"
    undisturbed = finished_study(NAME, typed, "--runs", str(workplace / "elsewhere"))

    def breaks(owner: type, name: str, after: int) -> None:
        calls, true = iter(range(after)), getattr(owner, name)

        def broken(*arguments: Any, **named: Any) -> Any:
            if next(calls, None) is None:
                raise RuntimeError("broken off")
            return true(*arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, broken)
            result = study(NAME, typed)
        assert result.exit_code == 1 and "broken off" in result.stderr

    breaks(Trainings, "adversarial_loss", 5)  # within the training of an end
    breaks(Surface, "at", 130)  # on the plane of the first link
    breaks(Surface, "at", 20)  # on a path of the second
    assert finished_study(NAME, typed).table_bytes() == undisturbed.table_bytes()


@pytest.mark.usefixtures("undrawn")
def test_divergence_is_recorded_and_left_out(
    study: Study, finished_study: Finish, caplog: pytest.LogCaptureFixture
) -> None:
    typed = f"{TINY} --learning-rate 1e36 --seeds 1"
    run = finished_study(NAME, typed)
    assert all(row["diverged"] for row in run.rows("ends"))
    assert not run.rows("paths") and not run.rows("plane") and not run.rows("barriers")
    assert "diverged: left out" in caplog.text
    assert study(NAME, typed).exit_code == 0  # there is nothing to print
    bent = finished_study(NAME, TINY, "--curve-learning-rate 1e36 --seeds 1")
    assert not any(row["diverged"] for row in bent.rows("ends"))
    assert not bent.rows("barriers") and not bent.shown["figures"]
    assert "the curve to eps 0.1, seed 0 diverged" in caplog.text


@pytest.mark.usefixtures("undrawn")
def test_other_losses_and_norms(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY, "--loss trades(beta=1) --norm l2 --eps 0.5 --seeds 1")
    assert len(run.rows("barriers")) == 2


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("--eps -0.1", "--eps"),
        ("--eps 8", "write 8/255"),
        ("--eps 0.1,0.1", "given twice"),
        ("--eps 20 --norm l2", "wider than the set of all images"),
        ("--train-limit 2000", "give at most"),
        ("--train-limit 0", "--train-limit"),
        ("--endpoint 16", "--endpoint 16 of 15 epochs"),
        ("--grid 1", "--grid"),
        ("--curve spline", "--curve"),
        ("--initialisation random", "--initialisation"),
        ("--loss trades(beta=0)", "beta=0"),
        ("--loss mart(beta=-1)", "beta=-1"),
        ("--gradient linbp(start=layer9)", "has no module 'layer9'"),
        ("--model wrn34(width=1) --train-limit 129", "last batch of one sample"),
        ("--optimiser sgd", "give --learning-rate"),
        ("--curve-learning-rate 0", "--curve-learning-rate"),
    ],
)
def test_bad_input_is_one_line_before_any_work(refused: Callable[..., str], typed: str, told: str) -> None:
    assert told in refused(NAME, typed)
