"""`suite run phase_transition.overfitting` as typed: whole, a real collapse, resumed, diverged, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from modules.phase_transition.overfitting import figures
from modules.phase_transition.trainings import Trainings

Finish = Callable[..., Any]
Study = Callable[..., Result]

NAME = "phase_transition.overfitting"
TINY = (
    "--model two-layer(width=8) --train-limit 40,60 --epochs 4 --watched 30 --test-limit 40 --seeds 2 "
    "--eps 0.1 --fast-eps 0.1,0.2 --attack pgd(steps=2,reach=2.5)"
)
SPOILT = (
    "--model two-layer(width=100) --optimiser adam --learning-rate 0.01 --train-limit 400 --epochs 14 --seeds 1 "
    "--eps 0.1 --fast fgm(reach=2) --fast-eps 0.05,0.5 --watched 100 --test-limit 50"
)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gaps", "collapses"):
        monkeypatch.delattr(figures, name)


def test_a_run_is_whole(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY)
    rows = run.rows("epochs")
    assert len(rows) == 2 * 2 * 4 * 4 and {row["kind"] for row in rows} == {"clean", "many steps", "one step"}
    assert {name: len(run.rows(name)) for name in run.shown["tables"] if name != "claims"} == {
        "epochs": 64,
        "onsets": 2 * 2 * 3,
        "gaps": len(run.rows("gaps")),
        "growth": 2 * 2 * 2,
        "collapses": 2 * 2 * 3,
        "stability": 2 * 3,
        "unstable": 4,
        "means": 4,
    }
    assert set(run.shown["figures"]) == {"gaps", "collapses"}
    assert all(Path(file).stat().st_size > 5_000 for file in run.shown["figures"].values())
    assert run.manifest["facts"]["reference_epoch"] == 3
    assert not list((run.path / "checkpoints").iterdir())
    for row in rows:
        assert (row["one_step_accuracy"] is None) == (row["eps"] == 0)
        assert (row["robust_test_loss"] is None) == (row["kind"] == "one step")
        if row["kind"] == "many steps":
            assert row["robust_test_loss"] > row["clean_test_loss"]
        if row["kind"] == "clean":
            assert row["robust_test_loss"] == pytest.approx(row["clean_test_loss"])


@pytest.mark.usefixtures("undrawn")
def test_a_training_that_collapses_is_ended_and_told(finished_study: Finish) -> None:
    """FGSM of half the pixels' range hides its gradient within some epochs; a small one does not."""
    run = finished_study(NAME, SPOILT)
    epochs = {eps: [r for r in run.rows("epochs") if (r["kind"], r["eps"]) == ("one step", eps)] for eps in (0.05, 0.5)}
    assert len(epochs[0.05]) == 14 and 1 < len(epochs[0.5]) < 14
    last = epochs[0.5][-1]
    assert last["one_step_accuracy"] >= 0.2 and last["watched_accuracy"] <= last["one_step_accuracy"] / 4
    assert all(
        row["one_step_accuracy"] < 0.2 or row["watched_accuracy"] > row["one_step_accuracy"] / 4
        for row in epochs[0.05] + epochs[0.5][:-1]
    )
    (row,) = run.rows("unstable")
    assert (row["unstable_eps"], row["outcome"]) == (0.5, "found")
    assert run.shown["headline"] == {"smallest unstable eps, n = 400": "0.5"}
    on = finished_study(NAME, SPOILT, "--no-stop")
    longer = [r for r in on.rows("epochs") if (r["kind"], r["eps"]) == ("one step", 0.5)]
    assert len(longer) == 14 and longer[: len(epochs[0.5])] == [
        {**row, "selected": there["selected"]} for row, there in zip(epochs[0.5], longer, strict=False)
    ]
    assert on.rows("onsets") == run.rows("onsets")
    assert on.rows("unstable") == run.rows("unstable") and on.rows("collapses") == run.rows("collapses")


@pytest.mark.usefixtures("undrawn")
def test_broken_off_anywhere_it_ends_in_the_same_bytes(
    study: Study, finished_study: Finish, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = f"{TINY} --seeds 1 --train-limit 40"
    undisturbed = finished_study(NAME, typed, "--runs", str(workplace / "elsewhere"))
    true = Trainings.adversarial_loss
    for after in (11, 5):
        calls = iter(range(after))

        def broken(*arguments: Any, calls: Any = calls, **named: Any) -> Any:
            if next(calls, None) is None:
                raise RuntimeError("broken off")
            return true(*arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(Trainings, "adversarial_loss", broken)
            result = study(NAME, typed)
        assert result.exit_code == 1 and "broken off" in result.stderr
    assert finished_study(NAME, typed).table_bytes() == undisturbed.table_bytes()


@pytest.mark.usefixtures("undrawn")
def test_divergence_is_recorded_and_left_out(
    study: Study, finished_study: Finish, caplog: pytest.LogCaptureFixture
) -> None:
    typed = f"{TINY} --learning-rate 1e38 --seeds 1 --train-limit 40"
    run = finished_study(NAME, typed)
    assert all(row["diverged"] for row in run.rows("epochs"))
    assert {name for name in run.shown["tables"] if run.rows(name)} == {"epochs", "onsets"} and not run.shown["figures"]
    assert caplog.text.count("diverged: left out") == 4
    assert study(NAME, typed).exit_code == 0


@pytest.mark.usefixtures("undrawn")
def test_other_objectives_rules_and_norms(finished_study: Finish) -> None:
    typed = f"{TINY} --seeds 1 --train-limit 40 --norm l2 --eps 0.5 --fast-eps 0.5 --epochs 1"
    plain = finished_study(NAME, typed)
    for changed in ("--loss mart(beta=2)", "--gradient linbp", "--select test"):
        other = finished_study(NAME, typed, changed)
        assert [r["watched_loss"] for r in other.rows("epochs")] != [r["watched_loss"] for r in plain.rows("epochs")]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("--eps 0", "--eps"),
        ("--eps 8", "write 8/255"),
        ("--fast-eps 12", "write 12/255"),
        ("--fast-eps 0.1,0.1", "given twice"),
        ("--train-limit 500,2000", "give at most"),
        ("--reference 25", "--reference 25 of 24 epochs"),
        ("--fast fgm(reach=0)", "reach=0"),
        ("--fast fgms", "unknown attack 'fgms'"),
        ("--loss trades(beta=0)", "beta=0"),
        ("--loss mart(beta=-1)", "beta=-1"),
        ("--gradient linbp(start=layer9)", "has no module 'layer9'"),
        ("--optimiser sgd", "give --learning-rate"),
        ("--test-limit 0", "--test-limit"),
    ],
)
def test_bad_input_is_one_line_before_any_work(refused: Callable[..., str], typed: str, told: str) -> None:
    assert told in refused(NAME, typed)
