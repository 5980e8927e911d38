"""`suite run pgd_dynamics.convergence` and `.rules` as typed: tables, figures, warnings and refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from suite.host.cli import main

Run = Callable[[str], Result]
SMALL = "--m 60 --d 3 --networks 4 --starts 2 --schedule-steps 40 --etas 2,1,0.5 --ratio 0.5 --steps 2000"


@pytest.fixture
def suite_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`suite run pgd_dynamics.WORDS` in an empty folder."""
    monkeypatch.setenv("SUITE_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return lambda words: CliRunner().invoke(main, ["run", *f"pgd_dynamics.{words}".split()], prog_name="suite")


def rows(result: Result, table: str) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    read: list[dict[str, Any]] = pq.read_table(json.loads(result.stdout)["tables"][table]).to_pylist()
    return read


def test_convergence_gives_exponents_claims_and_figures(suite_run: Run) -> None:
    result = suite_run(f"convergence {SMALL} --ratio 0.1 --etas 1,0.5 --json")
    claims = {row["claim"]: row for row in rows(result, "claims")}
    assert claims["the output is on the sphere with |Gamma| < sqrt(eta)"]["value"] == 1
    assert claims["beside the output is a strict local minimum of L"]["value"] == 1
    assert claims["contraction per step is 1 - eta' kappa"]["verdict"] == "reproduced"
    exponents = {row["quantity"]: row for row in rows(result, "rates")}
    for beta in (1, 2, 4, 8):
        row = exponents[f"D_s in s + z, beta = {beta} kappa"]
        assert row["exponent"] == pytest.approx(row["expected"], rel=0.05)
    trajectories = rows(result, "trajectories")
    assert len({(row["network"], row["start"], row["eta"]) for row in trajectories}) == len(trajectories)
    figures = json.loads(result.stdout)["figures"]
    assert {Path(file).stem for file in (figures if isinstance(figures, list) else figures.values())} >= {"phases"}


@pytest.mark.parametrize("options", ["--loss logistic --y 0", "--gradient linbp --steps 300", "--etas 0.5 --starts 1"])
def test_other_settings_work(suite_run: Run, options: str) -> None:
    assert rows(suite_run(f"convergence {SMALL} {options} --json"), "claims")


def test_a_users_loss_is_loaded_and_its_edits_make_another_run(suite_run: Run, tmp_path: Path) -> None:
    source = tmp_path / "own_loss_of_a_user.py"
    source.write_text("def cubic(f, y):\n    return (f - y).abs() ** 3\n")
    command = f"convergence {SMALL} --networks 2 --loss import:own_loss_of_a_user:cubic --json"
    slopes = [row["slope"] for row in rows(suite_run(command), "networks")]
    source.write_text("def cubic(f, y):\n    return 2.0 * (f - y).abs() ** 3\n")
    assert [row["slope"] for row in rows(suite_run(command), "networks")] == pytest.approx([2 * s for s in slopes])


def test_a_loss_without_values_is_a_recorded_result(suite_run: Run, tmp_path: Path) -> None:
    (tmp_path / "loss_without_values.py").write_text("def nothing(f, y):\n    return (f - y) ** 2 * float('nan')\n")
    result = suite_run(f"convergence {SMALL} --loss import:loss_without_values:nothing --json")
    assert not any(row["finite"] for row in rows(result, "trajectories"))
    assert {row["verdict"] for row in rows(result, "claims")} & {"cannot be told"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--ratio 0", "ratio"),
        ("--scale=-1", "scale"),
        ("--m 0", "--m"),
        ("--d 0", "--d"),
        ("--etas 0", "etas"),
        ("--loss cubic", "unknown loss 'cubic'"),
        ("--loss import:no_such_module_here:f", "no module no_such_module_here"),
        ("--loss import:math", "import:package.module:function"),
        ("--loss import:math_of_nobody.deep:f", "math_of_nobody"),
        ("--loss logistic --y 3", "logistic"),
        ("--y 0 --ratio 100", "the loss has slope 0"),
    ],
)
def test_bad_input_ends_in_one_line_before_any_work(suite_run: Run, tmp_path: Path, options: str, said: str) -> None:
    result = suite_run(f"convergence {SMALL} {options}")
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").rglob("*.json"))


def test_it_warns_of_steps_that_overshoot_and_of_what_the_theorem_does_not_cover(suite_run: Run) -> None:
    result = suite_run(f"convergence {SMALL} --etas 60 --m 10 --d 5 --steps 50")
    assert result.exit_code == 0, result.stderr
    assert "overshoots: above 2 eps / max|dL|" in result.stderr
    assert "Theorem 3.1 asks for eta < eps^2" in result.stderr
    assert "d^(5/2) = 56" in result.stderr


def test_rules_answers_for_every_landscape(suite_run: Run) -> None:
    result = suite_run("rules --m 60 --networks 3 --starts 2 --steps 60 --dims 2 --scales 0.001,30 --json")
    answers = {(row["activation"], row["scale"]): row for row in rows(result, "answers")}
    assert len(answers) == 4
    assert answers["softplus", 0.001]["gain_over_bp"] == pytest.approx(1, abs=1e-2)
    assert answers["softplus", 30]["asymmetry"] > answers["softplus", 0.001]["asymmetry"]
