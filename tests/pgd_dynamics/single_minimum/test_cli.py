"""`suite run pgd_dynamics.single_minimum` as typed: tables, figures and refusals."""

from collections.abc import Callable
from typing import Any

import pytest

SMALL = "--dims 2,4 --widths 30 --networks 6 --starts 6 --radii 0.3,3 --resamples 20"


def test_spheres_have_shares_thresholds_and_an_exact_count_in_the_plane(finished_study: Callable[..., Any]) -> None:
    run = finished_study("pgd_dynamics.single_minimum", SMALL)
    minima = run.rows("minima")
    assert len(minima) == 2 * 2 * 2 * 6
    assert len(run.rows("slopes")) == 2 * 6 and all(0 < row["slope"] < 2 for row in run.rows("slopes"))
    assert all((row["exact"] is None) == (row["d"] == 4) for row in minima)
    assert all(row["exact"] is None or row["found"] <= row["exact"] for row in minima)
    assert [(row["loss"], row["d"]) for row in run.rows("thresholds")] == [
        (loss, d) for loss in ("quadratic", "logistic") for d in (2, 4)
    ]
    theorem = run.rows("claims")[0]
    assert (theorem["source"], theorem["value"]) == ("Theorem 5.1", 1.0)
    figures = list((run.path / "results" / "figures").glob("*.png"))
    assert {figure.stem for figure in figures} == {"single_by_radius", "threshold_by_dimension"}
    assert all(figure.stat().st_size > 10_000 for figure in figures)


def test_without_a_plane_nothing_is_counted_exactly(finished_study: Callable[..., Any]) -> None:
    run = finished_study("pgd_dynamics.single_minimum", SMALL, "--dims 3 --losses logistic")
    assert {row["exact"] for row in run.rows("minima")} == {None}
    assert all(row["minima"] >= 1 for row in run.rows("shares"))
    assert "circle.py" not in {row["source"] for row in run.rows("claims")}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--dims 1", "dims"),
        ("--dims 0", "dims"),
        ("--dims 513", "dims"),
        ("--widths 0", "widths"),
        ("--losses square", "square"),
        ("--losses quadratic,quadratic", "twice"),
        ("--radii 0", "radii"),
    ],
)
def test_bad_input_is_refused_before_the_first_write(refused: Callable[..., str], words: str, named: str) -> None:
    assert named in refused("pgd_dynamics.single_minimum", words)
