"""`suite run phase_transition.epsilon_star` as typed: whole runs, comparisons, search, resume, divergence, faults."""

import logging
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from suite.host.preparing import prepare
from suite.host.registry import Registry
from suite.host.run import Run

NAME = "phase_transition.epsilon_star"
TINY = "--model two-layer(width=20) --train-limit 60 --epochs 2 --seeds 2 --eps 0.02,0.2 --attack pgd(steps=2)"
Study = Callable[..., Result]
Finish = Callable[..., Any]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("losses", "eps_star"):
        monkeypatch.delattr(f"modules.phase_transition.epsilon_star.figures.{name}")


def test_a_run_is_whole(study: Study, finished_study: Finish) -> None:
    typed = (TINY, "--train-limit 40,80 --gradient bp,linbp --watched 50")
    result = study(NAME, *typed)
    assert result.exit_code == 0, result.stderr
    assert "eps_star in units of 1/255, mean over seeds and 95 % interval" in result.stdout
    run = finished_study(NAME, *typed)
    trainings = 2 * 2 * (1 + 2 * 2)  # sizes, seeds, clean and two strengths by two rules
    assert {name: len(run.rows(name)) for name in run.shown["tables"]} == {
        "epochs": 2 * trainings,
        "losses": trainings,
        "crossings": 2 * 2 * 2 * 2,
        "eps_star": 2 * 2 * 2,
        "comparisons": 2 * 2 * 2,
        "costs": 2 * 2 * 3,  # clean, and two rules
        "means": 2 * (1 + 2 * 2),
        "claims": 3 * 2 * 2,  # two sizes by each rule and measure, and what eps_star of each kind rests on
    }
    assert set(run.shown["figures"]) == {"losses", "eps_star"}
    assert all(Path(file).stat().st_size > 5_000 for file in run.shown["figures"].values())
    assert not list((run.path / "checkpoints").iterdir())
    for row in run.rows("losses"):
        assert row["selected"] and row["train_loss"] > 0 and 0 <= row["watched_accuracy"] <= 1
        assert (row["gradient"] == "") == (row["eps"] == 0)
    assert {row["claim"] for row in run.rows("claims")} == {
        "with more training samples eps_star is smaller",
        "the loss rises like eps^1",
        "eps_star is the same by either measure",
    }


@pytest.mark.usefixtures("undrawn")
def test_cells_of_one_seed_begin_alike_whatever_else_is_run(finished_study: Finish) -> None:
    both = finished_study(NAME, TINY, "--train-limit 40,60")
    one = finished_study(NAME, TINY, "--seed 1 --seeds 1 --eps 0.2")

    def numbers(run: Any, eps: float) -> list[float]:
        return [
            row["train_loss"] for row in run.rows("epochs") if (row["seed"], row["samples"], row["eps"]) == (1, 60, eps)
        ]

    assert numbers(one, 0.2) == numbers(both, 0.2) and numbers(one, 0.0) == numbers(both, 0.0)


@pytest.mark.usefixtures("undrawn")
def test_a_stopped_search_continues_to_the_same_bytes(
    finished_study: Finish, study: Study, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = (
        TINY,
        "--search bisect --tolerance 0.3 --eps 0.3 --seeds 1",
        "--train-limit 20 --epochs 30 --learning-rate 0.5 --watched 50",
    )
    undisturbed = finished_study(NAME, *typed, "--runs", str(workplace / "elsewhere"))
    tried = sorted({row["eps"] for row in undisturbed.rows("epochs")})
    assert len(tried) > 4 and tried[0] == 0
    once, parts = Run.once, [0]

    def stops(self: Run, name: str, compute: Callable[[], Any]) -> dict[str, Any]:
        parts[0] += 1
        if parts[0] == 4:
            raise KeyboardInterrupt
        return once(self, name, compute)

    monkeypatch.setattr(Run, "once", stops)
    assert study(NAME, *typed).exit_code != 0
    monkeypatch.setattr(Run, "once", once)
    continued = finished_study(NAME, *typed)
    assert continued.table_bytes() == undisturbed.table_bytes()
    (found,) = [row for row in continued.rows("crossings") if row["measure"] == "running"]
    assert found["outcome"] == "bracketed"
    assert found["at_most"] - found["at_least"] <= 0.3 * max(found["eps_star"], 1 / 255) + 1e-12


@pytest.mark.usefixtures("undrawn")
def test_no_crossing_is_a_bound(finished_study: Finish, caplog: pytest.LogCaptureFixture) -> None:
    run = finished_study(NAME, TINY, "--eps 1e-9 --train-limit 20 --epochs 30 --learning-rate 0.5 --watched 50")
    rows = [row for row in run.rows("eps_star") if row["measure"] == "running"]
    assert rows[0]["outcome"] == "above" and rows[0]["value"] is None and rows[0]["at_most"] == inf
    assert next(iter(run.shown["headline"].values())).startswith("> ")
    assert caplog.text.count("no crossing, eps_star > 1e-09") == 2
    typed = "--eps 0.9 --train-limit 20 --epochs 30 --learning-rate 0.5 --watched 50 --seeds 1"
    run = finished_study(NAME, TINY, typed)
    assert "eps_star < 0.9, the least eps" in caplog.text
    assert [row["at_least"] for row in run.rows("crossings")] == [0, 0]


@pytest.mark.usefixtures("undrawn")
def test_a_diverged_training_is_recorded_and_left_out(finished_study: Finish, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="suite"):
        run = finished_study(NAME, TINY, "--learning-rate 1e30")
    assert {row["diverged"] for row in run.rows("losses")} == {True}
    assert {row["outcome"] for row in run.rows("eps_star")} == {"none"}
    assert caplog.text.count("diverged: left out") == 6
    named = {"255 eps_star of two-layer(width=20), n = 60": "no training left"}
    assert run.shown["headline"] == {**named, "eps_star": None}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "typed",
    [
        "--loss trades(beta=2)",
        "--loss mart --norm l2 --eps 0.2,1",
        "--select test --watched 60 --attack-mode train --attack fgm",
        "--optimiser sgd --learning-rate 0.01 --batch-size 16",
        "--optimiser adam --learning-rate 0.001",
    ],
)
def test_every_way_to_train_runs(finished_study: Finish, typed: str) -> None:
    run = finished_study(NAME, TINY, "--seeds 1", typed)
    measures = [row["measure"] for row in run.rows("eps_star")]
    assert len(measures) == (3 if "mart" in typed else 2)
    clean, *_ = run.rows("losses")
    assert (clean["clean_test_loss"] == pytest.approx(clean["clean_test_objective"])) == ("mart" not in typed)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("--loss trades(beta=0)", "beta=0 of the loss trades"),
        ("--loss mart(beta=-1)", "beta=-1 of the loss mart"),
        ("--loss squared", "unknown loss 'squared'"),
        ("--attack pgd(steps=0)", "steps=0"),
        ("--eps 8", "write 8/255, or --norm l2"),
        ("--norm l2 --eps 0.5,128", "wider than the set of all images"),
        ("--eps 0", "--eps"),
        ("--train-limit 2000", "give at most 1057"),
        ("--train-limit 1200", "200 held out"),
        ("--train-limit 1258 --select test", "give at most 1257"),
        ("--watched 1257", "leaves none to train on"),
        ("--select test --watched 541", "--watched 541 of 540 test samples"),
        ("--gradient bp,linbp(start=layer9)", "has no module 'layer9'"),
        ("--optimiser adam", "give --learning-rate"),
        ("--seeds 0", "--seeds"),
        ("--search newton", "--search"),
        ("--tolerance 2", "--tolerance"),
        ("--model lenet", "unknown model 'lenet'"),
        ("--model resnet20 --train-limit 65 --batch-size 32", "last batch of one sample"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, told: str) -> None:
    result = study(NAME, TINY, typed)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and told in line
    assert not (workplace / "runs").exists()


def test_another_configuration_is_another_run(study: Study, workplace: Path) -> None:
    """Resume with another configuration cannot happen: the key of a run says all that it depends on."""
    keys = [
        prepare(NAME, EpsilonStarConfig(**changes), Registry(), root=workplace, device="cpu").key
        for changes in ({}, {"loss": "trades"}, {"loss": "trades(beta=6.0)"}, {"watched": 100}, {"seeds": 2})
    ]
    assert keys[1] == keys[2] and len(set(keys)) == 4
