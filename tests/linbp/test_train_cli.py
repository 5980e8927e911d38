"""`suite run linbp.train` and `linbp.adv_train` as typed: tables, resume, torn checkpoints, divergence, faults."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from matplotlib.figure import Figure

Finish = Callable[..., Any]
Study = Callable[..., Result]

TINY = "--models two-layer(width=20) --epochs 3 --seeds 2 --train-limit 300 --test-limit 100"
ADVERSARIAL = "--model two-layer(width=20) --epochs 2 --seeds 2 --train-limit 200 --test-limit 60"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures cost more than tiny trainings, and only some tests look at them."""
    for name in ("train_figures.curves", "train_figures.differences", "adv_figures.curves"):
        monkeypatch.setattr(f"modules.linbp.{name}", lambda *_: Figure((0.1, 0.1)))


def curve(run: Any, **chosen: Any) -> list[tuple[Any, ...]]:
    """The numbers of one training."""
    names = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
    kept = [row for row in run.rows("curves") if all(row[name] == value for name, value in chosen.items())]
    return [tuple(row[name] for name in names) for row in kept]


def test_a_run_is_whole(study: Study, finished_study: Finish) -> None:
    result = study("linbp.train", TINY)
    assert result.exit_code == 0, result.stderr
    assert "Trainings on digits, 2 seeds: how each ended" in result.stdout
    assert "A rule minus bp, paired by seed" in result.stdout
    run = finished_study("linbp.train", TINY)
    assert {name: len(run.rows(name)) for name in run.shown["tables"]} == {
        "curves": 2 * 2 * 3,
        "outcomes": 4,
        "bands": 2 * 4 * 3,
        "differences": 4 * 3,
        "claims": 2 + 4 * 3,
    }
    assert set(run.shown["figures"]) == {"train_curves", "test_curves", "differences"}
    assert all(Path(file).stat().st_size > 5_000 for file in run.shown["figures"].values())
    assert run.manifest["facts"]["samples"] == {"train": 300, "test": 100}
    assert not list((run.path / "checkpoints").iterdir())
    for row in run.rows("curves"):
        assert 0 <= row["train_accuracy"] <= 1 and row["train_loss"] > 0 and row["learning_rate"] == 0.1


@pytest.mark.usefixtures("undrawn")
def test_all_rules_begin_alike_and_see_the_same_batches(finished_study: Finish) -> None:
    run = finished_study("linbp.train", TINY, "--gradients bp,linbp(start=none),linbp")
    for seed in (0, 1):
        plain, none, linear = (
            curve(run, seed=seed, gradient=gradient) for gradient in ("bp", "linbp(start=none)", "linbp")
        )
        assert plain == none
        assert plain != linear
    assert curve(run, seed=0, gradient="bp") != curve(run, seed=1, gradient="bp")


@pytest.mark.usefixtures("undrawn")
def test_a_seed_is_a_seed_whichever_comes_first(finished_study: Finish) -> None:
    typed = "--models two-layer(width=20) --epochs 1"
    run = finished_study("linbp.train", typed, "--seeds 2")
    other = finished_study("linbp.train", typed, "--seed 1 --seeds 1 --gradients linbp")
    assert curve(other, seed=1, gradient="linbp") == curve(run, seed=1, gradient="linbp")
    assert other.rows("claims") == [] and "differences" not in other.shown["figures"]


@pytest.mark.usefixtures("undrawn")
def test_divergence_is_a_result_and_the_others_go_on(finished_study: Finish) -> None:
    run = finished_study("linbp.train", TINY, "--factors 1,1e36 --seeds 1")
    outcomes = {(row["factor"], row["gradient"]): row for row in run.rows("outcomes")}
    assert {row["outcome"] for key, row in outcomes.items() if key[0] == 1} == {"converged"}
    wild = outcomes[1e36, "linbp"]
    assert (wild["outcome"], wild["epochs"], wild["train_loss"]) == ("diverged", 1, None)
    assert [row["factor"] for row in run.rows("outcomes")] == [1, 1, 1e36, 1e36]


def test_factors_that_differ_in_a_late_digit_are_different_parts_of_a_run() -> None:
    from modules.linbp.train_scene import Cell

    names = [str(Cell("mlp", factor, 0, "bp")) for factor in (1.0, 1.0000001, 0.1)]
    assert names == ["mlp x1 seed 0 bp", "mlp x1.0000001 seed 0 bp", "mlp x0.1 seed 0 bp"]


@pytest.mark.usefixtures("undrawn")
def test_stretch_trains_small_factors_longer(finished_study: Finish) -> None:
    run = finished_study("linbp.train", TINY, "--factors 0.5,1,2 --stretch --seeds 1 --gradients bp --epochs 2")
    rates = [(row["factor"], row["epoch"], row["learning_rate"]) for row in run.rows("curves")]
    assert rates == [(0.5, e, 0.05) for e in (1, 2, 3, 4)] + [(f, e, 0.1 * f) for f in (1.0, 2.0) for e in (1, 2)]


def killed_and_continued(
    study: str, typed: str, finished_study: Finish, workplace: Path, tamper: Callable[[Path], None]
) -> tuple[Any, Any]:
    """A run killed within a training and continued after `tamper`, and the same run undisturbed."""
    program = [sys.executable, "-c", "from suite.host.cli import main; main()", "run", study, *typed.split()]
    folder = workplace / "runs" / study
    alike = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums round by the number of threads

    def half_way() -> list[Path]:
        """Checkpoints of the training that is under way, once another one is done."""
        done = {path.stem for path in folder.glob("*/parts/*")}
        return [path for path in folder.glob("*/checkpoints/*.previous") if done and path.stem not in done]

    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=alike) as victim:
        deadline = time.monotonic() + 90
        while True:
            assert victim.poll() is None and time.monotonic() < deadline
            if half_way():
                os.kill(victim.pid, signal.SIGSTOP)  # look again while it stands still: it may have moved on meanwhile
                if half_way():
                    break
                os.kill(victim.pid, signal.SIGCONT)
            time.sleep(0.002)
        os.kill(victim.pid, signal.SIGKILL)
    assert not list(folder.glob("*/tables/*"))
    (checkpoint,) = half_way()
    tamper(checkpoint.with_suffix(""))
    continued = finished_study(study, typed)
    assert continued.path == checkpoint.parents[1]
    undisturbed = finished_study(study, typed, "--runs", str(workplace / "elsewhere"))
    return continued, undisturbed


@pytest.mark.usefixtures("undrawn")
def test_killed_with_a_torn_checkpoint_it_falls_back_says_so_and_ends_in_the_same_bytes(
    finished_study: Finish, workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def truncate(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:1000] if path.exists() else b"cut")

    typed = "--models two-layer(width=20) --epochs 40 --seeds 1 --train-limit 300 --test-limit 50"
    continued, undisturbed = killed_and_continued("linbp.train", typed, finished_study, workplace, truncate)
    assert re.search(r"the training checkpoint \S+ is damaged", caplog.text)
    assert "continuing from the previous checkpoint" in caplog.text
    assert continued.table_bytes() == undisturbed.table_bytes()


@pytest.mark.usefixtures("undrawn")
def test_adversarial_training_killed_continues_to_the_same_bytes(finished_study: Finish, workplace: Path) -> None:
    typed = "--model two-layer(width=20) --epochs 15 --seeds 1 --train-limit 100 --test-limit 40 --apgd-steps 3"
    continued, undisturbed = killed_and_continued("linbp.adv_train", typed, finished_study, workplace, lambda _: None)
    assert continued.table_bytes() == undisturbed.table_bytes()


@pytest.mark.parametrize(
    ("study_name", "typed", "told"),
    [
        ("linbp.train", "--models lenet", "unknown model 'lenet'"),
        ("linbp.train", "--models mlp@weights.safetensors", "--models"),
        ("linbp.train", "--models lenet5", "lenet5 cannot take the 8 x 8 images"),
        ("linbp.train", "--models mlp,mlp", "given twice"),
        ("linbp.train", "--gradients bp,linbp(start=layer9)", "has no module 'layer9'"),
        ("linbp.train", "--gradients bp,linbp(start=7)", "out of range"),
        ("linbp.train", "--factors 0", "--factors"),
        ("linbp.train", "--factors 1,nan", "--factors"),
        ("linbp.train", "--factors 1e-30 --stretch", "--stretch trains 1e-30 x learning rate"),
        ("linbp.train", "--models resnet20 --train-limit 129", "last batch of one sample"),
        ("linbp.train", "--epochs 0", "--epochs"),
        ("linbp.adv_train", "--strategies bp --gradient softplus(beta=10)", "--gradient does nothing"),
        ("linbp.train", "--seeds 0", "--seeds"),
        ("linbp.train", "--protocol journal", "--protocol"),
        ("linbp.train", "--dataset nowhere", "nowhere"),
        ("linbp.adv_train", "--strategies bp,weight", "--strategies"),
        ("linbp.adv_train", "--gradient linbp(start=layer9)", "has no module 'layer9'"),
        ("linbp.adv_train", "--eps 0", "--eps"),
        ("linbp.adv_train", "--learning-rate -1", "--learning-rate"),
        ("linbp.adv_train", "--norm l2 --apgd-steps 10", "--norm linf"),
        ("linbp.adv_train", "--watch-collapse 1", "give 2 or more"),
        ("linbp.adv_train", "--watch-collapse -1", "--watch-collapse"),
    ],
)
def test_bad_input_is_one_line_before_any_work(
    study: Study, workplace: Path, study_name: str, typed: str, told: str
) -> None:
    result = study(study_name, typed)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and told in line
    assert not (workplace / "runs").exists()


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
    assert len(run.rows("claims")) == 3 * 4
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
    assert all(row["low"] < row["mean"] < row["high"] for row in bands)


@pytest.mark.usefixtures("undrawn")
def test_a_collapse_is_looked_for_only_when_asked_and_ends_the_training(
    finished_study: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = f"{ADVERSARIAL} --seeds 1 --strategies bp --epochs 3"
    plain = finished_study("linbp.adv_train", typed)
    watched = finished_study("linbp.adv_train", typed, "--watch-collapse 3")
    seen = {"one_step_accuracy", "many_steps_accuracy"}
    assert not seen & set(plain.rows("curves")[0]) and seen < set(watched.rows("curves")[0])
    without = [{name: value for name, value in row.items() if name not in seen} for row in watched.rows("curves")]
    assert without == plain.rows("curves")  # looking changes nothing
    assert all(row["many_steps_accuracy"] <= row["one_step_accuracy"] + 0.05 for row in watched.rows("curves"))

    told = iter([(0.4, 0.5), (0.02, 0.7), (0.0, 0.9)])

    def spoilt(*_: object) -> dict[str, float]:
        many, one = next(told)
        return {"many_steps_accuracy": many, "one_step_accuracy": one}

    monkeypatch.setattr("modules.linbp.adv_scene.one_and_many", spoilt)
    broken = finished_study("linbp.adv_train", typed, "--watch-collapse 4")
    assert [row["many_steps_accuracy"] for row in broken.rows("curves")] == [0.4, 0.02]
    assert [(row["outcome"], row["epochs"]) for row in broken.rows("outcomes")] == [("collapsed", 2)]
    assert "collapsed" in broken.manifest["headline"].values()
