"""`suite run lazy_regime.single_step` as typed: tables, figures, both directions, the released protocol, refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result

from modules.lazy_regime.single_step import measure
from modules.lazy_regime.single_step.config import SingleStepConfig
from modules.linbp.gradient import linbp
from suite.data import load
from suite.gradients import bp
from tests.conftest import Finished

pytestmark = pytest.mark.usefixtures("undrawn")

Study = Callable[..., Result]
FinishedStudy = Callable[..., Finished]
NAME = "lazy_regime.single_step"
SMALL = "--sizes 3,6 --widths 40,80 --c0s 0,1,4 --networks 3 --epochs 60"


@pytest.mark.drawn
def test_tables_figures_and_both_directions(finished_study: FinishedStudy) -> None:
    done = finished_study(NAME, SMALL)
    nets = done.rows("nets")
    assert len(nets) == 2 * 2 * 3 * 3 * 2
    assert all(row["distance"] <= row["c0"] * 1.0001 for row in nets)
    assert {row["d"] for row in nets} == {9, 36}
    assert all(row["left"] for row in nets if row["c0"] <= 1)
    at_start = [row for row in nets if row["c0"] == 0]
    assert all(row["steps"] == 0 and row["distance"] == 0 and "first step" in row["note"] for row in at_start)
    assert len(done.rows("points")) == 3 * 2 * 108
    true = {(row["run"], row["id"]): row for row in done.rows("points") if row["direction"] == "bp"}
    for row in done.rows("points"):
        if row["direction"] == "linbp":
            assert 0 < row["cosine"] < 1
            assert row["margin"] == true[row["run"], row["id"]]["margin"]
    lengths = {(row["run"], row["gradient"]) for row in done.rows("points") if row["direction"] == "linbp"}
    spread = {run: [length for of, length in lengths if of == run] for run in range(3)}
    assert all(max(values) - min(values) < 1e-4 for values in spread.values())  # LinBP's direction is a fixed vector
    assert {row["quantity"] for row in done.rows("slopes")} >= {"gradient", "eta", "delta"}
    for name in ("by_dimension", "by_radius", "histograms", "directions"):
        assert Path(done.shown["figures"][name]).stat().st_size > 10_000


def test_one_net_is_what_it_is_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    def columns(**options: Any) -> list[dict[str, Any]]:
        config = SingleStepConfig(sizes=(4,), widths=(40,), epochs=20, **options)
        task = measure.tasks_of(config, load("digits"), torch.device("cpu"))[4]
        return [measure.measured(config, task, 40, runs, linbp) for runs in measure.portions(config, task, 40)]

    (together,) = columns(c0s=(1, 4), networks=4)
    monkeypatch.setattr(measure, "_TRAINED_BYTES", 1)
    monkeypatch.setattr(measure, "_POINT_BYTES", 4 * 40 * 7)
    alone = columns(c0s=(4,), networks=3)
    assert len(alone) == 3
    for run, of_net in enumerate(alone):
        kept = (together["c0"] == 4) & (together["run"] == run)
        for name in ("steps", "distance", "delta", "gradient", "cosine", "margin"):
            np.testing.assert_allclose(together[name][kept], of_net[name], rtol=1e-3, atol=1e-5)


def test_the_released_protocol(finished_study: FinishedStudy) -> None:
    """Biases, pixels as they are, the first epoch outside, the line search, wrong points as zeros."""
    small = (
        "--sizes 4 --widths 40 --c0s 1 --networks 2 --epochs 30 --no-unit-norm --biases --stop outside --gradient bp"
    )
    searched = finished_study(NAME, small, "--flip line-search --misclassified zero")
    assert all(row["distance"] > 1 and row["left"] for row in searched.rows("nets"))
    config = SingleStepConfig.model_validate({**searched.manifest["config"], "flip": "exact"})
    task = measure.tasks_of(config, load("digits"), torch.device("cpu"))[4]
    exact = measure.measured(config, task, 40, [0, 1], bp)
    for row, delta in zip(searched.rows("points"), exact["delta"], strict=True):
        assert delta > 4.99 if row["delta"] == np.inf else -1e-6 < row["delta"] - delta < 0.001001
    for row in searched.rows("nets"):
        right = (exact["run"] == row["run"]) & (exact["margin"] > 0) & (exact["delta"] < 4.99)
        wrong = (exact["run"] == row["run"]) & (exact["margin"] <= 0)
        assert row["delta"] == pytest.approx(exact["delta"][right].sum() / (right | wrong).sum(), abs=0.001)
    inside = next(row for row in searched.rows("claims") if "lazy ball" in row["claim"])
    assert (inside["value"], inside["verdict"]) == (0.0, "differs")
    assert "directions" not in searched.shown["tables"] and "directions" not in searched.shown["figures"]


def test_nothing_correctly_classified_is_recorded(
    finished_study: FinishedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measure.measured

    def all_wrong(*arguments: Any) -> dict[str, Any]:
        columns = whole(*arguments)
        return {**columns, "margin": -abs(columns["margin"]), "delta": columns["delta"] + np.inf}

    monkeypatch.setattr(measure, "measured", all_wrong)
    done = finished_study(NAME, "--sizes 4,6 --widths 40 --c0s 1 --networks 2 --epochs 5")
    assert all(row["n"] == 0 and "no test point" in row["note"] for row in done.rows("nets"))
    assert all(row["verdict"] == "cannot be told" for row in done.rows("claims"))


def test_a_killed_run_continues_to_the_same_bytes(
    study: Study, finished_study: FinishedStudy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = "--sizes 3,5 --widths 30 --c0s 2 --networks 2 --epochs 10 --gradient bp"
    whole, calls = measure.measured, []

    def breaks(*arguments: Any) -> dict[str, Any]:
        calls.append(arguments)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return whole(*arguments)

    monkeypatch.setattr(measure, "measured", breaks)
    assert study(NAME, small).exit_code == 1
    resumed = finished_study(NAME, small)
    assert len(calls) == 3
    kept = resumed.table_bytes()
    monkeypatch.setattr(measure, "measured", whole)
    assert finished_study(NAME, small, "--fresh").table_bytes() == kept


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("--classes 0,x", "no class 'x'"),
        ("--classes 0,0", "two different"),
        ("--classes 0", "two different"),
        ("--sizes 29", "8 x 8"),
        ("--sizes 0", "sizes"),
        ("--widths 0", "widths"),
        ("--widths 1000000", "memory"),
        ("--c0s -1", "c0s"),
        ("--epochs 0", "epochs"),
        ("--networks 1", "networks"),
        ("--stop never", "stop"),
        ("--gradient linbpp", "linbp"),
        ("--test-limit 1", "test_limit"),
    ],
)
def test_bad_input_is_refused_before_the_first_write(study: Study, workplace: Path, typed: str, named: str) -> None:
    result = study(NAME, typed)
    assert result.exit_code == 2, result.output
    assert named.replace("_", "-") in result.stderr.replace("_", "-")
    assert not list(workplace.rglob("run.json"))


def test_images_of_nothing_are_refused(study: Study, workplace: Path) -> None:
    from PIL import Image

    for split in ("train", "test"):
        for name, value in (("black", 0), ("white", 255)):
            folder = workplace / "images" / split / name
            folder.mkdir(parents=True)
            Image.new("L", (8, 8), value).save(folder / "one.png")
    result = study(NAME, f"--dataset folder:{workplace / 'images'} --classes black,white --sizes 4 --no-unit-norm")
    assert result.exit_code == 2
    assert "zero everywhere" in result.stderr


def test_real_digits_at_full_size_fall_to_small_steps(
    real: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUITE_DATA", str(real("data/mnist").parent))
    config = SingleStepConfig(sizes=(28,), c0s=(5,), epochs=20, train_limit=1000, test_limit=60)
    task = measure.tasks_of(config, load("mnist"), torch.device("cpu"))[28]
    columns = measure.measured(config, task, 100, [0, 1], linbp)
    right = columns["margin"] > 0
    assert right.mean() > 0.5
    assert columns["delta"][right].max() < 0.5
