"""Models that `phase_transition.epsilon_star` keeps: those of its tables, also when it is stopped; what it costs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from modules.phase_transition.epsilon_star.results import costs
from suite import data, models
from suite.host.run import Run
from suite.training import evaluate, resident

NAME = "phase_transition.epsilon_star"
TINY = "--model two-layer(width=20) --train-limit 60 --epochs 3 --seeds 1 --eps 0.02,0.2 --attack pgd(steps=2)"
Finish = Callable[..., Any]


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("modules.phase_transition.epsilon_star.figures.losses")


def test_kept_models_are_those_of_the_table_in_the_order_of_training(finished_study: Finish) -> None:
    run = finished_study(NAME, TINY, "--keep-models")
    digits = data.load("digits")
    kept, rows = run.manifest["models"], run.rows("losses")
    assert len(kept) == len(rows) == 3
    for name, row in zip(kept, rows, strict=True):
        assert f"eps-{row['eps']!r}" in name
        model = models.load(f"run:{NAME}/{run.path.name}/{name}", digits)
        assert evaluate(model, *resident(digits.test, "cpu")).loss == pytest.approx(row["clean_test_loss"], rel=1e-6)
    assert not list((run.path / "checkpoints").iterdir())
    assert not finished_study(NAME, TINY).manifest["models"]


@pytest.mark.parametrize("stopped_at", ["once", "save_model", "record"])
def test_stopped_and_continued_it_keeps_the_same_models(
    finished_study: Finish,
    study: Callable[..., Result],
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    stopped_at: str,
) -> None:
    typed = (TINY, "--keep-models")
    undisturbed = finished_study(NAME, *typed, "--runs", str(workplace / "elsewhere"))
    does, calls = getattr(Run, stopped_at), [0]

    def stops(self: Run, *given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == (1 if stopped_at == "record" else 2):
            raise KeyboardInterrupt
        return does(self, *given, **named)

    monkeypatch.setattr(Run, stopped_at, stops)
    assert study(NAME, *typed).exit_code != 0
    monkeypatch.setattr(Run, stopped_at, does)
    continued = finished_study(NAME, *typed)
    kept = continued.manifest["models"]
    assert list(kept) == list(undisturbed.manifest["models"]) and len(kept) == 3
    for file in kept.values():
        assert (continued.path / file).read_bytes() == (undisturbed.path / file).read_bytes()


def test_passes_are_counted_by_hand() -> None:
    def epochs(gradient: str, eps: float, count: int) -> list[dict[str, Any]]:
        return [{"model": "m", "samples": 50, "gradient": gradient, "seed": 0, "eps": eps}] * count

    rows = [*epochs("", 0.0, 4), *epochs("bp", 0.1, 4), *epochs("bp", 0.2, 2), *epochs("linbp", 0.1, 4)]
    by_pgd = costs(pl.DataFrame(rows), EpsilonStarConfig(attack="pgd(steps=3,reach=2.5)"))
    counted = by_pgd.select("gradient", "trainings", "passes").rows()
    assert counted == [("", 1, 4 * 50), ("bp", 2, 6 * 50 * 4), ("linbp", 1, 4 * 50 * 4)]
    by_fgm = costs(pl.DataFrame(epochs("bp", 0.1, 4)), EpsilonStarConfig(attack="fgm(reach=1.25)"))
    assert by_fgm["passes"].to_list() == [4 * 50 * 2]
