"""`suite run pgd_dynamics.escape` as typed: numbers that agree, resume, refused input."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main

ESCAPE = "escape --samples 3 --seeds 1 --steps 60 --descent 100 --scales 0.1,1 --ratios 0.01,1 --train-limit 60"

Suite = Callable[..., Result]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def suite(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """`suite run pgd_dynamics.…` in an empty folder."""
    for name in [name for name in os.environ if name.startswith("SUITE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SUITE_CACHE", str(cache))
    monkeypatch.setenv("SUITE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(typed: str) -> Result:
        return CliRunner().invoke(main, f"run pgd_dynamics.{typed}".split(), prog_name="suite")

    return run


def tables(result: Result) -> dict[str, list[dict[str, Any]]]:
    """The tables of a run that was typed with --json."""
    assert result.exit_code == 0, result.stderr
    files = json.loads(result.stdout)["tables"]
    return {name: pq.read_table(file).to_pylist() for name, file in files.items()}


def test_escape_finds_minima_and_leaves_them(suite: Suite) -> None:
    result = suite(f"{ESCAPE} --epochs 0,1 --gradient linbp(start=all) --json")
    found = tables(result)
    assert set(found) == {
        "training", "maxima", "found", "ascents", "escape", "curves", "comparisons", "claims",
    }  # fmt: skip
    assert len(found["maxima"]) == 2 * 2 * 2 * 3  # scales, epochs, ratios, samples
    minima = [row for row in found["maxima"] if row["kind"] == "minimum"]
    assert minima and all(row["angle"] <= 1e-4 and row["lowest"] > row["residual"] for row in minima)
    assert len(found["ascents"]) == 4 * len(minima)  # step rules and gradient rules
    assert sum(row["minimum"] for row in found["found"]) == len(minima)
    for row in found["ascents"]:
        assert row["best_loss"] >= row["end_loss"] and row["end_radius"] <= 1 + 1e-9
        if (row["gradient"], row["epoch"], row["ratio"]) == ("bp", 0, 0.01):  # a small ball: nearly linear
            assert row["end_loss"] > row["start_loss"]
            assert row["stationary"] and row["apart"] == 0
            if row["rule"] == "unit":
                assert 35 <= row["to_90"] <= 38  # 0.9 * 2 / 0.05 = 36 on a linear loss
    assert [row["epoch"] for row in found["training"]] == [1, 1]
    shown = json.loads(result.stdout)
    assert shown["headline"]["starts"] == len(found["maxima"])
    assert all(Path(file).stat().st_size > 5_000 for file in shown["figures"].values())
    assert len(shown["figures"]) == 2 * 3


def test_escape_from_a_relu_network_is_checked_by_perturbation(suite: Suite) -> None:
    found = tables(suite(f"{ESCAPE} --epochs 0 --activation relu --step-rules unit --json"))
    assert {row["kind"] for row in found["maxima"]} <= {"minimum", "lower nearby"}
    assert all(row["lowest"] is None for row in found["maxima"])
    assert "training" not in found
    assert {row["rule"] for row in found["escape"]} == {"unit"}


def test_escape_continues_to_the_same_numbers(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = f"{ESCAPE} --epochs 1 --scales 1 --step-rules unit --json"
    whole = tables(suite(typed))
    with monkeypatch.context() as patch:
        patch.setattr("modules.pgd_dynamics.escape_scene.Scene.ascents", lambda *_: 1 / 0)
        broken = suite(f"{typed} --fresh")
    assert broken.exit_code == 1 and "the same command continues it" in broken.stderr
    assert tables(suite(typed)) == whole


def test_a_warning_names_the_bound_where_steps_are_longer_than_the_ball(suite: Suite) -> None:
    result = suite(f"{ESCAPE} --epochs 0 --step-rules raw --eta 1000")
    assert result.exit_code == 0, result.stderr
    assert "eta = 1000: the first raw step is longer than the ball is wide in" in result.stderr
    assert "eta < eps^2" in result.stderr


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("escape --scales 0,1", "greater than 0"),
        ("escape --ratios -1", "greater than 0"),
        ("escape --eta 0", "greater than 0"),
        ("escape --epochs -1", "greater than or equal to 0"),
        ("escape --epochs 1,1", "twice"),
        ("escape --step-rules raw,long", "'raw' or 'unit'"),
        ("escape --gradient nothing", "nothing"),
        ("escape --model digits-cnn(width=3)", "width"),
        ("escape --model resnet20", "--activation relu"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(
    suite: Suite, tmp_path: Path, typed: str, says: str
) -> None:
    result = suite(typed)
    assert result.exit_code == 2
    assert says in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").rglob("*.*"))


def test_losses_that_are_not_finite_end_the_run(suite: Suite) -> None:
    result = suite(f"{ESCAPE} --epochs 0 --scales 1e300,1e301")
    assert result.exit_code in (1, 2) and result.stderr.count("Traceback") == 0
    assert "finite" in result.stderr or "no start was accepted" in result.stderr
