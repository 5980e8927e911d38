"""`suite run pgd_dynamics.convergence` as typed: tables, figures, warnings and refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

pytestmark = pytest.mark.usefixtures("undrawn")

Finish = Callable[..., Any]
STUDY = "pgd_dynamics.convergence"
SMALL = "--m 60 --d 3 --networks 4 --starts 2 --schedule-steps 40 --etas 2,1,0.5 --ratio 0.5 --steps 2000"


@pytest.mark.drawn
def test_convergence_gives_exponents_claims_and_figures(finished_study: Finish) -> None:
    run = finished_study(STUDY, SMALL, "--ratio 0.1 --etas 1,0.5")
    claims = {row["claim"]: row for row in run.rows("claims")}
    assert claims["the output is on the sphere with |Gamma| < sqrt(eta)"]["value"] == 1
    assert claims["beside the output is a strict local minimum of L"]["value"] == 1
    assert claims["contraction per step is 1 - eta' kappa"]["value"] == 1
    exponents = {row["quantity"]: row for row in run.rows("rates")}
    for beta in (1, 2, 4, 8):
        row = exponents[f"D_s in s + z, beta = {beta} kappa"]
        assert row["value"] == pytest.approx(row["expected"], rel=0.05)
    trajectories = run.rows("trajectories")
    assert len({(row["network"], row["start"], row["eta"]) for row in trajectories}) == len(trajectories)
    figures = {file.stem for file in (run.path / "results" / "figures").glob("*.png")}
    assert figures == {"phases_of_ascent", "rates_in_eta", "schedule"}


@pytest.mark.parametrize("options", ["--loss logistic --y 0", "--gradient linbp --steps 300", "--etas 0.5 --starts 1"])
def test_other_settings_work(finished_study: Finish, options: str) -> None:
    assert finished_study(STUDY, SMALL, options).rows("claims")


def test_a_users_loss_is_loaded_and_its_edits_make_another_run(finished_study: Finish, workplace: Path) -> None:
    source = workplace / "own_loss_of_a_user.py"
    words = f"{SMALL} --networks 2 --loss import:own_loss_of_a_user:cubic"
    source.write_text("def cubic(f, y):\n    return (f - y).abs() ** 3\n")
    slopes = [row["slope"] for row in finished_study(STUDY, words).rows("networks")]
    source.write_text("def cubic(f, y):\n    return 2.0 * (f - y).abs() ** 3\n")
    twice = [row["slope"] for row in finished_study(STUDY, words).rows("networks")]
    assert twice == pytest.approx([2 * slope for slope in slopes])


def test_a_loss_without_values_is_a_recorded_result(finished_study: Finish, workplace: Path) -> None:
    (workplace / "loss_without_values.py").write_text("def nothing(f, y):\n    return (f - y) ** 2 * float('nan')\n")
    run = finished_study(STUDY, SMALL, "--loss import:loss_without_values:nothing")
    assert not any(row["finite"] for row in run.rows("trajectories"))
    assert {row["verdict"] for row in run.rows("claims")} == {"differs", "cannot be told"}


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
def test_bad_input_ends_in_one_line_before_any_work(refused: Callable[..., str], options: str, said: str) -> None:
    assert said in refused(STUDY, SMALL, options)


def test_it_warns_of_steps_that_overshoot_and_of_what_the_theorem_does_not_cover(study: Callable[..., Result]) -> None:
    result = study(STUDY, SMALL, "--etas 60 --m 10 --d 5 --steps 50")
    assert result.exit_code == 0, result.stderr
    assert "overshoots: above 2 eps / max|dL|" in result.stderr
    assert "Theorem 3.1 asks for eta < eps^2" in result.stderr
    assert "d^(5/2) = 56" in result.stderr
