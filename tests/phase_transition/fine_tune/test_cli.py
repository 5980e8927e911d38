"""`suite run phase_transition.fine_tune` as typed: tables, what trainings share, resume, divergence, bad input."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from modules.phase_transition.fine_tune import figures
from modules.phase_transition.fine_tune import study as declared
from modules.phase_transition.fine_tune.config import FineTuneConfig
from suite.training import loop

Finish = Callable[..., Any]
Study = Callable[..., Result]

NAME = "phase_transition.fine_tune"
TINY = (
    "--model two-layer(width=20) --train-limit 150 --watched 40 --epochs 5 --seeds 2 --attack pgd(steps=2) "
    "--eps 0.01,0.03 --scratch-eps 0.02 --learning-rate 0.3"
)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures cost more than tiny trainings, and only one test looks at them."""
    for name in ("losses", "eps_star"):
        monkeypatch.delattr(figures, name)


def losses(run: Any, **chosen: Any) -> list[tuple[Any, ...]]:
    """The course of trainings."""
    kept = [row for row in run.rows("epochs") if all(row[name] == value for name, value in chosen.items())]
    return [(row["seed"], row["eps"], row["epoch"], row["train_loss"], row["watched_loss"]) for row in kept]


def test_a_run_is_whole(study: Study, finished_study: Finish) -> None:
    result = study(NAME, TINY)
    assert result.exit_code == 0, result.stderr
    for told in ("eps_star by fine-tuning, 95 % intervals: two-layer(width=20) on digits", "What it costs: passes are",
                 "one costs at most 20% of one from scratch", "seconds of 1-point"):  # fmt: skip
        assert told in result.stdout
    run = finished_study(NAME, TINY)
    assert {name: len(run.rows(name)) for name in run.shown["tables"]} == {
        "epochs": 2 * (5 + 4 * 1 + 5),  # a fifth of the epochs is one
        "trainings": 2 * (1 + 4 + 1),
        "estimates": 2 * 2 * 2 * 4,
        "eps_star": 2 * 2 * 4,
        "costs": 6,
        "claims": 8 + 8 + 2,
        "table_4": 24,
    }
    assert all(Path(file).stat().st_size > 5_000 for file in run.shown["figures"].values())
    assert set(run.shown["figures"]) == {"losses", "eps_star"}
    assert not list((run.path / "checkpoints").iterdir())
    facts = run.manifest["facts"]
    assert facts["fine_tuning"]["schedule"] == "rise-fall" and facts["fine_tuning"]["epochs"] == 1
    assert facts["samples"] == {"train": 150, "watched": 40, "test": 540}
    assert len(facts["seconds"]) == 12 and all(seconds > 0 for seconds in facts["seconds"].values())


@pytest.mark.usefixtures("undrawn")
def test_passes_are_counted_as_trained(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY, "--tune-attack fgm,pgd(steps=3) --gradient bp --tune-epochs 2 --seeds 1")
    passes = {(row["how"], row["attack"].split("(")[0], row["eps"]): row["passes"] for row in run.rows("trainings")}
    assert passes == {
        ("clean", "", 0.0): 5 * 150,
        **{("fine-tuned", "fgm", eps): 2 * (150 * (1 + 1) + 40 * 2) for eps in (0.01, 0.03)},
        **{("fine-tuned", "pgd", eps): 2 * (150 * (3 + 1) + 40 * 2) for eps in (0.01, 0.03)},
        ("from scratch", "pgd", 0.02): 5 * (150 * (2 + 1) + 40 * 2),
    }


@pytest.mark.usefixtures("undrawn")
def test_the_learning_rate_rises_and_falls_back(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY, "--tune-epochs 10 --rise 0.5 --gradient bp --seeds 1 --eps 0.01 --no-from-scratch")
    rates = [row["learning_rate"] for row in run.rows("epochs") if row["how"] == "fine-tuned"]
    assert rates == pytest.approx([0.3 * share for share in (0, 0.2, 0.4, 0.6, 0.8, 1, 0.8, 0.6, 0.4, 0.2)])
    assert {row["learning_rate"] for row in run.rows("epochs") if row["how"] == "clean"} == {0.3}
    assert "claims" not in run.shown["tables"]


@pytest.mark.usefixtures("undrawn")
def test_fine_tuning_begins_from_the_clean_model(finished_study: Finish) -> None:
    """Without an attack to speak of, the loss goes on falling from where clean training left it."""
    run = finished_study(NAME, TINY, "--gradient bp --seeds 1 --no-from-scratch --eps 1e-6 --attack fgm")
    trainings = {row["how"]: row for row in run.rows("trainings")}
    clean, tuned = trainings["clean"], trainings["fine-tuned"]
    assert clean["train_loss"] > clean["attacked_train_loss"] > tuned["train_loss"] > tuned["attacked_train_loss"]
    assert tuned["train_loss"] > 0.8 * clean["attacked_train_loss"]


@pytest.mark.usefixtures("undrawn")
def test_trainings_do_not_depend_on_what_is_run_beside_them(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY)
    alone = finished_study(NAME, TINY, "--no-from-scratch --seed 1 --seeds 1 --gradient linbp --eps 0.03")
    assert losses(alone, how="clean") == losses(run, how="clean", seed=1)
    assert losses(alone, how="fine-tuned") == losses(run, how="fine-tuned", seed=1, gradient="linbp", eps=0.03)


@pytest.mark.usefixtures("undrawn")
def test_trainings_from_scratch_are_those_of_epsilon_star(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY)
    shared = TINY.split(" --eps")[0] + " --batch-size 64 --learning-rate 0.3 --eps 0.02"
    other = finished_study("phase_transition.epsilon_star", shared)
    for eps in (0.0, 0.02):
        mine = [row for row in losses(run, eps=eps) if row[1] == eps]
        assert sorted(mine) == sorted(losses(other, eps=eps)) and len(mine) == 2 * 5


@pytest.mark.usefixtures("undrawn")
def test_rules_that_replace_nothing_give_the_same_numbers(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY, "--gradient bp,linbp(start=none),linbp --no-from-scratch")
    plain, none, linear = (losses(run, gradient=name) for name in ("bp", "linbp(start=none)", "linbp"))
    assert plain == none and len(plain) == 4
    assert linear != plain


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("written", [3, 8, 10])
def test_interrupted_it_continues_to_the_same_bytes(
    study: Study, finished_study: Finish, workplace: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """Within the clean training, within the second fine-tuning, and within the training from scratch."""
    typed = f"{TINY} --tune-epochs 2 --seeds 1 --gradient bp"
    write, count = loop.write_checkpoint, iter(range(written))

    def fail(*arguments: Any) -> None:
        if next(count, None) is None:
            raise OSError("disk full")
        write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_checkpoint", fail)
        assert study(NAME, typed).exit_code == 1
    continued = finished_study(NAME, typed)
    undisturbed = finished_study(NAME, typed, "--runs", str(workplace / "elsewhere"))
    assert continued.path.name == undisturbed.path.name and continued.path != undisturbed.path
    assert continued.table_bytes() == undisturbed.table_bytes()
    assert None in continued.manifest["facts"]["seconds"].values(), "begun by another process"


@pytest.mark.usefixtures("undrawn")
def test_a_run_whose_trainings_all_diverge_is_a_result(finished_study: Finish, caplog: Any) -> None:
    run = finished_study(NAME, TINY.replace("--learning-rate 0.3", "--learning-rate 1e30"), "--gradient bp")
    assert all(row["diverged"] for row in run.rows("trainings"))
    assert run.rows("estimates") == [] and run.shown["figures"] == {}
    assert run.shown["headline"]["eps_star"] == "none: every clean training diverged"
    assert "without a clean test loss its seed has no threshold" in caplog.text


@pytest.mark.usefixtures("undrawn")
def test_what_is_not_bracketed_from_scratch_is_a_bound(finished_study: Finish, caplog: Any) -> None:
    run = finished_study(
        NAME, TINY, "--scratch-eps 1e-5 --gradient bp --epochs 30 --train-limit 60 --seeds 1 --eps 1e-5"
    )
    (star,) = [row for row in run.rows("eps_star") if (row["measure"], row["method"]) == ("running", "least-squares")]
    assert star["scratch"] is None and star["scratch_text"] == "> 1e-05" and star["ratio"] is None
    assert "from scratch eps_star > 1e-05, beyond --scratch-eps" in caplog.text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("--eps 2", "an l_inf eps of 2 is wider"),
        ("--scratch-eps 8", "an l_inf eps of 8 is wider"),
        ("--norm l2 --eps 60", "an l2 eps of 60 is wider"),
        ("--eps 0.1,0.1", "given twice"),
        ("--eps 0", "--eps"),
        ("--train-limit 5000", "5000 training samples of digits"),
        ("--loss trades(beta=0)", "beta=0 of the loss trades"),
        ("--loss mart(beta=-1)", "beta=-1 of the loss mart"),
        ("--tune-attack pgf", "unknown attack 'pgf'"),
        ("--attack pgd(steps=0)", "steps=0"),
        ("--gradient linbp(start=layer9)", "has no module 'layer9'"),
        ("--rise 1", "--rise"),
        ("--tune-epochs 0", "--tune-epochs"),
        ("--seeds 0", "--seeds"),
        ("--model lenet", "unknown model 'lenet'"),
        ("--optimiser sgd", "give --learning-rate"),
    ],
)
def test_bad_input_is_one_line_before_any_work(refused: Callable[..., str], typed: str, told: str) -> None:
    assert told in refused(NAME, typed)


@pytest.mark.parametrize("preset", ["quick", "mnist", "paper", "paper_10k", "paper_l2"])
def test_presets_are_valid(preset: str) -> None:
    config = FineTuneConfig(**declared.presets[preset])
    assert config.from_scratch and config.attack.startswith("pgd")
