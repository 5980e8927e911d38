"""`suite run linbp.train` as typed: tables, resume, torn checkpoints, divergence, faults."""

import re
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from matplotlib.figure import Figure

from modules.linbp.train.trainings import Cell

Finish = Callable[..., Any]
Study = Callable[..., Result]
Killed = Callable[..., tuple[Any, Any]]

TINY = "--models two-layer(width=20) --epochs 3 --seeds 2 --train-limit 300 --test-limit 100"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures cost more than tiny trainings, and only some tests look at them."""
    monkeypatch.setattr("modules.linbp.train.figures.lines", lambda *_, **__: Figure((0.1, 0.1)))


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
        "comparisons": 4 * 2,
        "convergence": 2,
    }
    assert set(run.shown["figures"]) == {"train_curves", "test_curves", "differences"}
    assert all(Path(file).stat().st_size > 5_000 for file in run.shown["figures"].values())
    assert run.manifest["facts"]["samples"] == {"train": 300, "test": 100}
    assert not list((run.path / "checkpoints").iterdir())
    for row in run.rows("curves"):
        assert 0 <= row["train_accuracy"] <= 1 and row["train_loss"] > 0 and row["learning_rate"] == 0.1


def test_several_rates_are_compared_at_the_best_ones(study: Study, finished_study: Finish) -> None:
    typed = f"{TINY} --factors 0.1,1,10"
    assert "with each rule at its best learning rate" in study("linbp.train", typed).stdout
    run = finished_study("linbp.train", typed)
    assert len(run.rows("best_rates")) == 4 * 2 and len(run.rows("claims")) == 2 * 2
    assert {row["source"] for row in run.rows("claims")} == {"ours"}
    assert Path(run.shown["figures"]["rates"]).stat().st_size > 5_000
    assert {row["factor"] for row in run.rows("best_rates")} <= {0.1, 1.0, 10.0}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("study_name", ["linbp.train", "linbp.adv_train"])
def test_bfloat16_trains_by_other_numbers(finished_study: Finish, study_name: str) -> None:
    """Both options reach the recipe, and the weights: the losses differ by the rounding of bfloat16, and by no more."""
    small = "digits-cnn --epochs 1 --seeds 1 --train-limit 200 --test-limit 50"
    typed = f"--model{'s' * (study_name == 'linbp.train')} {small}"
    plain, rounded = (
        finished_study(study_name, typed),
        finished_study(study_name, f"{typed} --bfloat16 --channels-last"),
    )
    recipes = rounded.manifest["facts"].get("recipes", {"": rounded.manifest["facts"].get("recipe")})
    assert all(recipe["bfloat16"] and recipe["channels_last"] for recipe in recipes.values())
    for one, other in zip(plain.rows("curves"), rounded.rows("curves"), strict=True):
        assert one["train_loss"] != other["train_loss"] == pytest.approx(one["train_loss"], rel=0.03)


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
    assert "comparisons" not in other.shown["tables"] and "differences" not in other.shown["figures"]


@pytest.mark.usefixtures("undrawn")
def test_divergence_is_a_result_and_the_others_go_on(finished_study: Finish) -> None:
    run = finished_study("linbp.train", TINY, "--factors 1,1e36 --seeds 1")
    outcomes = {(row["factor"], row["gradient"]): row for row in run.rows("outcomes")}
    assert {row["outcome"] for key, row in outcomes.items() if key[0] == 1} == {"converged"}
    wild = outcomes[1e36, "linbp"]
    assert (wild["outcome"], wild["epochs"]) == ("diverged", 1) and not isfinite(wild["train_loss"])
    assert [row["factor"] for row in run.rows("outcomes")] == [1, 1, 1e36, 1e36]


def test_factors_that_differ_in_a_late_digit_are_different_parts_of_a_run() -> None:
    names = [str(Cell("mlp", factor, 0, "bp")) for factor in (1.0, 1.0000001, 0.1)]
    assert names == ["mlp x1 seed 0 bp", "mlp x1.0000001 seed 0 bp", "mlp x0.1 seed 0 bp"]


@pytest.mark.usefixtures("undrawn")
def test_stretch_trains_small_factors_longer(finished_study: Finish) -> None:
    run = finished_study("linbp.train", TINY, "--factors 0.5,1,2 --stretch --seeds 1 --gradients bp --epochs 2")
    rates = [(row["factor"], row["epoch"], row["learning_rate"]) for row in run.rows("curves")]
    assert rates == [(0.5, e, 0.05) for e in (1, 2, 3, 4)] + [(f, e, 0.1 * f) for f in (1.0, 2.0) for e in (1, 2)]


@pytest.mark.usefixtures("undrawn")
def test_killed_with_a_torn_checkpoint_it_falls_back_says_so_and_ends_in_the_same_bytes(
    killed_and_continued: Killed, caplog: pytest.LogCaptureFixture
) -> None:
    def truncate(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:1000] if path.exists() else b"cut")

    typed = "--models two-layer(width=20) --epochs 40 --seeds 1 --train-limit 300 --test-limit 50"
    continued, undisturbed = killed_and_continued("linbp.train", typed, truncate)
    assert re.search(r"the training checkpoint \S+ is damaged", caplog.text)
    assert "continuing from the previous checkpoint" in caplog.text
    assert continued.table_bytes() == undisturbed.table_bytes()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--models lenet", "unknown model 'lenet'"),
        ("--models mlp@weights.safetensors", "--models"),
        ("--models lenet5", "lenet5 cannot take the 8 x 8 images"),
        ("--models mlp,mlp", "given twice"),
        ("--gradients bp,linbp(start=layer9)", "has no module 'layer9'"),
        ("--gradients bp,linbp(start=7)", "out of range"),
        ("--factors 0", "--factors"),
        ("--factors 1,nan", "--factors"),
        ("--factors 1e-30 --stretch", "--stretch trains 1e-30 x learning rate"),
        ("--models resnet20 --train-limit 129", "last batch of one sample"),
        ("--epochs 0", "--epochs"),
        ("--seeds 0", "--seeds"),
        ("--protocol journal", "--protocol"),
        ("--dataset nowhere", "nowhere"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, message: str) -> None:
    result = study("linbp.train", typed)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert not (workplace / "runs").exists()
