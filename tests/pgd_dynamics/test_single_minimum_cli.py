"""`suite run pgd_dynamics.single_minimum` as typed: tables, figures, resume, warnings and refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main

Run = Callable[[str], Result]
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
