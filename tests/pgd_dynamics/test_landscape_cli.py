"""`suite run pgd_dynamics.landscape` and `.single_minimum` as typed: tables, figures, resume, warnings and refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner, Result

from modules.pgd_dynamics.landscape import LandscapeConfig
from modules.pgd_dynamics.landscape_scene import Scene
from suite.host.cli import main

Run = Callable[[str], Result]
SMALL = "landscape --m 40 --networks 4 --escapes 2 --steps 40 --scales 0.01,10 --ratios 1,10 --atlas-starts 2"
SPHERES = "single_minimum --dims 2,4 --widths 30 --networks 5 --starts 6 --radii 0.3,3 --resamples 20"


@pytest.fixture
def suite_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`suite run pgd_dynamics.WORDS` in an empty folder."""
    monkeypatch.setenv("SUITE_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return lambda words: CliRunner().invoke(main, ["run", *f"pgd_dynamics.{words}".split()], prog_name="suite")


def shown(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def rows(result: dict[str, Any], table: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = pq.read_table(result["tables"][table]).to_pylist()
    return read


def test_the_landscape_has_panels_counts_and_an_atlas(suite_run: Run) -> None:
    result = shown(suite_run(f"{SMALL} --json"))
    counts = {(row["scale"], row["ratio"]): row for row in rows(result, "counts")}
    assert set(counts) == {(0.01, 1.0), (0.01, 10.0), (10.0, 1.0), (10.0, 10.0)}
    assert all(row["undecided"] == 0 and row["n"] == 4 for row in counts.values())
    assert counts[10.0, 10.0]["minima"] > counts[0.01, 1.0]["minima"]
    first = [row for row in rows(result, "minima") if row["network"] == 0]
    marks = rows(result, "extrema")
    for row in first:
        cell = [mark for mark in marks if (mark["scale"], mark["ratio"]) == (row["scale"], row["ratio"])]
        assert sum(mark["kind"] == "maximum" for mark in cell) == row["minima"]
    assert {(row["activation"], row["gradient"]) for row in rows(result, "atlas")} == {
        (name, field) for name in ("relu", "softplus(10)", "softplus") for field in ("bp", "linbp")
    }
    for name in ("landscapes", "counts", "atlas"):
        assert (Path(result["run"]) / "figures" / f"{name}.png").stat().st_size > 10_000
    assert shown(suite_run(f"{SMALL} --json"))["run"] == result["run"]


def test_another_loss_has_no_crossing_and_a_step_that_leaps_over_the_ball_is_said(suite_run: Run) -> None:
    result = suite_run(f"{SMALL} --loss logistic --y 0 --eta 5 --scales 1 --ratios 0.1,10 --json")
    assert all(row["one_sign"] for row in rows(shown(result), "minima"))
    assert "overshoots" in result.stderr
    assert "scale 1 ratio 0.1" in result.stderr


def test_columns_depend_on_the_seed_alone() -> None:
    def columns(**options: Any) -> dict[str, Any]:
        config = LandscapeConfig(m=30, **options)
        return Scene(config, torch.device("cpu")).minima(10.0, 1.0, range(4))

    assert columns()["eps_over_tau"] == columns(networks=9, escapes=1)["eps_over_tau"]
    assert columns()["eps_over_tau"] != columns(seed=1)["eps_over_tau"]


def test_a_users_loss_equals_the_same_loss_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loss_in_the_plane.py").write_text("def half(f, y):\n    return (f - y) ** 2 / 2\n")
    monkeypatch.chdir(tmp_path)
    names = ("quadratic", "import:loss_in_the_plane:half")
    scenes = [Scene(LandscapeConfig(m=30, loss=name), torch.device("cpu")) for name in names]
    known, own = (scene.minima(1.0, 10.0, range(4))["minima"] for scene in scenes)
    assert known == own


def test_spheres_have_shares_thresholds_and_an_exact_count_in_the_plane(suite_run: Run) -> None:
    result = shown(suite_run(f"{SPHERES} --json"))
    minima = rows(result, "minima")
    assert len(minima) == 2 * 2 * 2 * 5
    assert all((row["exact"] is None) == (row["d"] == 4) for row in minima)
    assert all(row["exact"] is None or row["found"] <= row["exact"] for row in minima)
    theorem = rows(result, "claims")[0]
    assert theorem["verdict"] == "holds"
    assert (Path(result["run"]) / "figures" / "threshold.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("landscape --scales 0", "scales"),
        ("landscape --ratios -1", "ratios"),
        ("landscape --m 0", "m"),
        ("landscape --scales 1e6 --ratios 10", "rounding"),
        ("landscape --loss logistic --y 2", "no label"),
        ("landscape --loss cubic", "cubic"),
        ("landscape --y 1e308", "not finite"),
        ("single_minimum --dims 1", "dims"),
        ("single_minimum --dims 0", "dims"),
        ("single_minimum --widths 0", "widths"),
        ("single_minimum --losses square", "square"),
        ("single_minimum --radii 0", "radii"),
    ],
)
def test_bad_input_is_refused_before_the_first_write(suite_run: Run, tmp_path: Path, words: str, named: str) -> None:
    result = suite_run(words)
    assert result.exit_code == 2
    assert named in result.stderr
    assert not list((tmp_path / "runs").rglob("run.json"))


def test_a_loss_without_slope_is_refused(suite_run: Run, tmp_path: Path) -> None:
    (tmp_path / "loss_without_slope.py").write_text("def flat(f, y):\n    return 0 * f\n")
    result = suite_run("landscape --loss import:loss_without_slope:flat")
    assert result.exit_code == 2
    assert "no slope" in result.stderr
