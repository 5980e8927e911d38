"""`suite run linbp.adv_train` as typed: tables, resume, collapse, divergence, faults."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from matplotlib.figure import Figure

Finish = Callable[..., Any]
Study = Callable[..., Result]
Killed = Callable[..., tuple[Any, Any]]

ADVERSARIAL = "--model two-layer(width=20) --epochs 2 --seeds 2 --train-limit 200 --test-limit 60"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures cost more than tiny trainings, and only some tests look at them."""
    monkeypatch.setattr("modules.linbp.adv_train.figures.lines", lambda *_, **__: Figure((0.1, 0.1)))


def test_adversarial_training_is_whole(finished_study: Finish) -> None:
    run = finished_study("linbp.adv_train", ADVERSARIAL, "--apgd-steps 5 --eps 0.1 --step-size 0.03")
    rows = run.rows("curves")
    assert len(rows) == 3 * 2 * 2
    for row in rows:
        assert row["robust_accuracy"] <= row["clean_accuracy"]
        assert (row["apgd_accuracy"] is None) == (row["epoch"] == 1)
        if row["epoch"] == 2:
            assert row["apgd_accuracy"] <= row["robust_accuracy"]
    first = {row["strategy"]: row["train_loss"] for row in rows if (row["seed"], row["epoch"]) == (0, 1)}
    assert set(first) == {"bp", "weights", "weights+examples"} and len(set(first.values())) == 3
    for row in run.rows("outcomes"):
        assert row["robust_accuracy_low"] < row["robust_accuracy"] < row["robust_accuracy_high"]
        assert row["n"] == 60
    assert len(run.rows("comparisons")) == 3 * 4 and len(run.rows("claims")) == 5
    assert Path(run.shown["figures"]["robust_curves"]).stat().st_size > 5_000


@pytest.mark.usefixtures("undrawn")
def test_strategies_without_a_rule_are_one_and_the_same(finished_study: Finish) -> None:
    run = finished_study("linbp.adv_train", ADVERSARIAL, "--gradient linbp(start=none)")
    numbers = {
        strategy: [
            (row["train_loss"], row["robust_accuracy"]) for row in run.rows("curves") if row["strategy"] == strategy
        ]
        for strategy in ("bp", "weights", "weights+examples")
    }
    assert numbers["bp"] == numbers["weights"] == numbers["weights+examples"]


@pytest.mark.usefixtures("undrawn")
def test_adversarial_training_that_diverges_is_a_result(finished_study: Finish) -> None:
    run = finished_study("linbp.adv_train", ADVERSARIAL, "--learning-rate 1e36 --seeds 1")
    assert {row["outcome"] for row in run.rows("outcomes")} == {"diverged"}
    assert len(run.rows("outcomes")) == 3


@pytest.mark.usefixtures("undrawn")
def test_one_seed_has_bands_over_the_test_images(finished_study: Finish) -> None:
    run = finished_study("linbp.adv_train", ADVERSARIAL, "--seeds 1 --strategies bp --norm l2 --eps 0.5")
    bands = [row for row in run.rows("bands") if row["metric"] == "robust_accuracy"]
    assert {(row["n"], row["over"]) for row in bands} == {(60, "test images")}
    assert all(row["low"] < row["value"] < row["high"] for row in bands)


@pytest.mark.usefixtures("undrawn")
def test_a_collapse_is_looked_for_only_when_asked_and_ends_the_training(
    finished_study: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = f"{ADVERSARIAL} --seeds 1 --strategies bp --epochs 3"
    plain = finished_study("linbp.adv_train", typed)
    watched = finished_study("linbp.adv_train", typed, "--watch-collapse 3")
    seen = {"one_step_accuracy", "many_steps_accuracy", "collapsed"}
    assert not seen & set(plain.rows("curves")[0]) and seen < set(watched.rows("curves")[0])
    without = [{name: value for name, value in row.items() if name not in seen} for row in watched.rows("curves")]
    assert without == plain.rows("curves")  # looking changes nothing
    assert all(row["many_steps_accuracy"] <= row["one_step_accuracy"] + 0.05 for row in watched.rows("curves"))

    readings = iter([(0.4, 0.5), (0.02, 0.7), (0.0, 0.9)])

    def spoilt(*_: object) -> dict[str, float]:
        many, one = next(readings)
        return {"many_steps_accuracy": many, "one_step_accuracy": one}

    monkeypatch.setattr("modules.linbp.adv_train.adversarial_trainings.one_and_many", spoilt)
    broken = finished_study("linbp.adv_train", typed, "--watch-collapse 4")
    assert [row["many_steps_accuracy"] for row in broken.rows("curves")] == [0.4, 0.02]
    assert [(row["outcome"], row["epochs"]) for row in broken.rows("outcomes")] == [("collapsed", 2)]
    assert "collapsed" in broken.shown["headline"].values()


@pytest.mark.usefixtures("undrawn")
def test_adversarial_training_killed_continues_to_the_same_bytes(killed_and_continued: Killed) -> None:
    typed = "--model two-layer(width=20) --epochs 15 --seeds 1 --train-limit 100 --test-limit 40 --apgd-steps 3"
    continued, undisturbed = killed_and_continued("linbp.adv_train", typed, lambda _: None)
    assert continued.table_bytes() == undisturbed.table_bytes()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--strategies bp --gradient softplus(beta=10)", "--gradient does nothing"),
        ("--strategies bp,weight", "--strategies"),
        ("--gradient linbp(start=layer9)", "has no module 'layer9'"),
        ("--eps 0", "--eps"),
        ("--learning-rate -1", "--learning-rate"),
        ("--norm l2 --apgd-steps 10", "--norm linf"),
        ("--watch-collapse 1", "give 2 or more"),
        ("--watch-collapse -1", "--watch-collapse"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, message: str) -> None:
    result = study("linbp.adv_train", typed)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert not (workplace / "runs").exists()
