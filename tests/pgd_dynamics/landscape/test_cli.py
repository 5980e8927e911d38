"""`suite run pgd_dynamics.landscape` as typed: tables, figures, resume, warnings and refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

pytestmark = pytest.mark.usefixtures("undrawn")

Finish = Callable[..., Any]
SMALL = "--m 40 --networks 4 --escapes 2 --steps 40 --scales 0.01,10 --ratios 1,10 --atlas-starts 2"


@pytest.mark.drawn
def test_the_landscape_has_panels_counts_and_an_atlas(finished_study: Finish) -> None:
    run = finished_study("pgd_dynamics.landscape", SMALL)
    counts = {(row["scale"], row["ratio"]): row for row in run.rows("counts")}
    assert set(counts) == {(0.01, 1.0), (0.01, 10.0), (10.0, 1.0), (10.0, 10.0)}
    assert all(row["undecided"] == 0 and row["n"] == 4 for row in counts.values())
    assert counts[10.0, 10.0]["minima"] > counts[0.01, 1.0]["minima"]
    first = [row for row in run.rows("minima") if row["network"] == 0]
    marks = run.rows("extrema")
    for row in first:
        cell = [mark for mark in marks if (mark["scale"], mark["ratio"]) == (row["scale"], row["ratio"])]
        assert sum(mark["kind"] == "maximum" for mark in cell) == row["minima"]
    assert {(row["activation"], row["gradient"]) for row in run.rows("atlas")} == {
        (name, field) for name in ("relu", "softplus(10)", "softplus") for field in ("bp", "linbp")
    }
    figures = list((run.path / "results" / "figures").glob("*.png"))
    assert {figure.stem for figure in figures} == {"landscapes", "minima_by_ratio", "ascents_by_activation"}
    assert all(figure.stat().st_size > 10_000 for figure in figures)
    assert finished_study("pgd_dynamics.landscape", SMALL).path == run.path


def test_another_loss_has_no_crossing_and_a_step_that_leaps_over_the_ball_is_said(
    study: Callable[..., Result], finished_study: Finish
) -> None:
    words = f"{SMALL} --loss logistic --y 0 --eta 5 --scales 1 --ratios 0.1,10"
    stderr = study("pgd_dynamics.landscape", words).stderr
    assert "overshoots" in stderr
    assert "scale 1 ratio 0.1" in stderr
    assert all(row["one_sign"] for row in finished_study("pgd_dynamics.landscape", words).rows("minima"))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--scales 0", "scales"),
        ("--ratios -1", "ratios"),
        ("--m 0", "m"),
        ("--scales 1e6 --ratios 10", "rounding"),
        ("--loss logistic --y 2", "no label"),
        ("--loss cubic", "cubic"),
        ("--y 1e308", "not finite"),
    ],
)
def test_bad_input_is_refused_before_the_first_write(refused: Callable[..., str], words: str, named: str) -> None:
    assert named in refused("pgd_dynamics.landscape", words)


def test_a_loss_without_slope_is_refused(refused: Callable[..., str], workplace: Path) -> None:
    (workplace / "loss_without_slope.py").write_text("def flat(f, y):\n    return 0 * f\n")
    assert "no slope" in refused("pgd_dynamics.landscape", "--loss import:loss_without_slope:flat")
