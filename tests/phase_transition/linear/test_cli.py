"""`suite run phase_transition.linear` as a researcher types it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from modules.phase_transition.linear import measure
from suite.host.cli import main

pytestmark = pytest.mark.usefixtures("undrawn")

Study = Callable[..., Result]
Finish = Callable[..., Any]
NAME = "phase_transition.linear"
SMALL = (
    "--sizes 3/40,40/5 --growth 2/40,4/40,6/40,30/5,60/5,90/5 --test-sizes 2/40 --test-eps 0.1,1,3 --repeats 8 "
    "--null 20 --steps 20 --growth-repeats 20 --own-repeats 20"
)
TABLES = {
    "paths", "fine_tuned", "tested", "minima", "crossings", "eps_star", "per_data_set", "fine_tuning", "regimes",
    "by_step", "p_values", "growth", "ends", "half_way", "claims",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, Any]]:
    """SMALL in a folder of its own, run once: what it prints."""
    place = str(tmp_path_factory.mktemp("runs"))

    def run() -> dict[str, Any]:
        result = CliRunner().invoke(main, ["run", NAME, *SMALL.split(), "--runs", place, "--json"])
        assert result.exit_code == 0, result.stderr
        shown: dict[str, Any] = json.loads(result.stdout)
        return shown

    return run


@pytest.mark.drawn
def test_tables_figures_and_claims(whole: Callable[[], dict[str, Any]]) -> None:
    shown = whole()
    tables = {name: pq.read_table(file).to_pylist() for name, file in shown["tables"].items()}
    assert set(tables) == TABLES
    assert set(shown["figures"]) == {"paths", "p_values", "growth", "regimes"}
    assert all(Path(file).stat().st_size > 5000 for file in shown["figures"].values())
    assert len(tables["paths"]) == 2 * 8 * 4 * 20 and len(tables["by_step"]) == 2 * 4 * 20
    assert {row["value"] for row in tables["by_step"] if row["step"] == 1} == {0.0}
    located = {(row["d"], row["samples"]) for row in tables["eps_star"]}
    assert located == {(2, 40), (4, 40), (6, 40), (30, 5), (60, 5), (90, 5), (3, 40), (40, 5)}
    for row in tables["ends"]:
        assert row["over_std_low"] <= row["over_std"] <= row["over_std_high"] and row["data_sets"] == 8
    assert {row["verdict"] for row in tables["claims"]} <= {"reproduced", "differs", "cannot be told"}
    sources = {row["source"] for row in tables["claims"]}
    assert {"Theorem 1", "Fig. 2 left", "Fig. 2 right", "Fig. 3", "Lemma 1", "Lemma 2", "Theorems 1, 2"} <= sources
    assert len(shown["headline"]) == 4


def test_a_run_that_was_stopped_gives_the_same_tables(
    whole: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = whole()
    before = {name: Path(file).read_bytes() for name, file in shown["tables"].items()}
    run = Path(shown["run"])
    (run / "run.json").write_text((run / "run.json").read_text().replace('"finished"', '"failed"'))
    for part in sorted((run / "parts").iterdir())[::2]:
        part.unlink()
    computed = []
    minima = measure._minima
    monkeypatch.setattr(measure, "_minima", lambda *given: (computed.append(given[1:3]), minima(*given))[1])
    after = {name: Path(file).read_bytes() for name, file in whole()["tables"].items()}
    assert after == before
    assert 0 < len(computed) < 8


def test_a_training_that_diverges_is_left_out_with_a_warning(study: Study, finished_study: Finish) -> None:
    typed = f"{SMALL} --sizes 3/40 --growth 4/40 --eps 0.1,20 --test-eps 0.1,40 --step 0.9 --steps 60"
    result = study(NAME, typed)
    assert result.exit_code == 0, result.stderr
    assert "trainings diverged and are left out" in result.stderr
    run = finished_study(NAME, typed)
    ends = {(row["d"], row["eps_over_order"]): row for row in run.rows("ends")}
    assert ends[3, 20]["diverged"] == 8 and ends[3, 20]["over_std"] is None and ends[3, 20]["data_sets"] == 0
    assert ends[3, 0.1]["diverged"] == 0 and ends[3, 0.1]["over_std"] < 1
    p = [row for row in run.rows("p_values") if row["diverged"]]
    assert p and all(row["n"] + row["diverged"] == 8 for row in p)
    above = [row for row in run.rows("claims") if row["claim"].endswith("eps = 20 sqrt(d/n)")]
    assert [(row["verdict"], row["note"]) for row in above] == [
        ("cannot be told", "8 of 8 data sets are lost, which could turn the answer")
    ]


def test_an_infinite_eps_star_is_said_and_nothing_is_extrapolated(study: Study, finished_study: Finish) -> None:
    typed = f"{SMALL} --noise-variance 9 --growth-repeats 40 --sizes 40/5 --growth 90/5"
    assert "no crossing, eps_star is infinite" in study(NAME, typed).stderr
    rows = {row["d"]: row for row in finished_study(NAME, typed).rows("eps_star")}
    assert rows[90]["eps_star"] is None and rows[90]["bound"].startswith("is infinite")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--sizes 20", "--sizes"),
        ("--sizes 0/10", "--sizes"),
        ("--sizes 10/11", "no finite variance"),
        ("--sizes 3/40,3/40", "given twice"),
        ("--sizes 90000/90000000", "more than"),
        ("--eps 0", "--eps"),
        ("--eps 0.1,x", "--eps"),
        ("--test-eps -1", "--test-eps"),
        ("--repeats 1", "--repeats"),
        ("--null 3", "--null"),
        ("--step 0", "--step"),
        ("--repeats 9999 --steps 9999", "--steps"),
        ("--step 3", "--step"),
        ("--noise-variance 0", "--noise-variance"),
        ("--theta0-norm -1", "--theta0-norm"),
        ("--growth-repeats 5", "--growth-repeats"),
    ],
)
def test_bad_input_is_one_line_before_any_work(study: Study, workplace: Path, typed: str, said: str) -> None:
    result = study(NAME, typed)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and said in result.stderr and result.stderr.count("\n") == 1
    assert not (workplace / "runs").exists()
