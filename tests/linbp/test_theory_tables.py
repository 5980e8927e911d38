"""Statistics, claims and figures of the simulated studies on hand-made runs with known answers."""

import io
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import binomtest, ttest_1samp

from modules.linbp import theory_claims, theory_figures, theory_tables
from suite.stats import wilson

STEPS = [0, 5, 10]
NONE = np.zeros((4, 3), dtype=bool)
BP = np.array([[10, 8, 6], [12, 11, 10], [8, 8, 8], [10, 9, 7]], dtype=float)
LINBP = np.array([[10, 7, 4], [12, 10, 9], [8, 8, 8], [10, 10, 9]], dtype=float)


def rows_at(rows: Any, step: int, **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in rows if row["step"] == step and all(row[name] == value for name, value in wanted.items())]


def test_means_and_changes_have_students_interval() -> None:
    rows = list(theory_tables.by_step({"bp": BP, "expected linbp": LINBP}, {"bp": NONE, "expected linbp": NONE}, STEPS))
    assert [(row["dynamics"], row["gradient"]) for row in rows[::3]] == [("simulated", "bp"), ("expected", "linbp")]
    (row,) = rows_at(rows, 10, gradient="bp")
    interval = ttest_1samp(BP[:, 2], 0).confidence_interval()
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((7.75, interval.low, interval.high))
    interval = ttest_1samp(BP[:, 2] - BP[:, 0], 0).confidence_interval()
    assert (row["change"], row["change_low"], row["change_high"]) == pytest.approx((-2.25, interval.low, interval.high))
    assert (row["n"], row["diverged"]) == (4, 0)


def test_ahead_counts_runs_and_leaves_ties_out() -> None:
    (row,) = rows_at(theory_tables.ahead({"bp": BP, "linbp": LINBP}, {"bp": NONE, "linbp": NONE}, STEPS), 10)
    gap = np.array([2, 1, 0, -2])
    interval, share = ttest_1samp(gap, 0).confidence_interval(), wilson(2, 3)
    assert (row["gap"], row["gap_low"], row["gap_high"]) == pytest.approx((0.25, interval.low, interval.high))
    assert (row["share"], row["low"], row["high"]) == (share.rate, share.low, share.high)
    assert (row["n"], row["ties"]) == (3, 1)
    assert row["p_value"] == pytest.approx(binomtest(2, 3).pvalue)
    (start,) = rows_at(theory_tables.ahead({"bp": BP, "linbp": LINBP}, {"bp": NONE, "linbp": NONE}, STEPS), 0)
    assert (start["share"], start["n"], start["ties"], start["p_value"]) == (None, 0, 4, 1)


def test_rounding_is_a_tie() -> None:
    nearly = LINBP.copy()
    nearly[:, 2] = BP[:, 2] * (1 - 1e-14)
    (row,) = rows_at(theory_tables.ahead({"bp": BP, "linbp": nearly}, {"bp": NONE, "linbp": NONE}, STEPS), 10)
    assert (row["n"], row["ties"], row["share"]) == (0, 4, None)


def test_runs_that_diverge_are_counted_and_are_behind() -> None:
    """Not finite or ten times as far as at the start: out of the means, behind where the other has not diverged."""
    far = LINBP.copy()
    far[0, 1:], far[1, 2], far[2, 2] = [1e9, np.nan], np.inf, 81.0
    gone = {"bp": theory_tables.diverged(BP), "linbp": theory_tables.diverged(far)}
    assert not gone["bp"].any()
    assert gone["linbp"].tolist() == [[False, True, True], [False, False, True], [False, False, True], [False] * 3]
    (row,) = rows_at(theory_tables.by_step({"linbp": far}, gone, STEPS), 10)
    assert (row["mean"], row["n"], row["diverged"]) == (9, 1, 3)
    (row,) = rows_at(theory_tables.ahead({"bp": BP, "linbp": far}, gone, STEPS), 10)
    assert (row["share"], row["n"], row["gap"], row["gap_n"]) == (0, 4, -2, 1)
    both = {"bp": gone["linbp"], "linbp": gone["linbp"]}
    (row,) = rows_at(theory_tables.ahead({"bp": far, "linbp": far}, both, STEPS), 10)
    assert (row["n"], row["ties"]) == (0, 4)


def test_the_condition_by_coordinates_and_by_runs() -> None:
    held = np.array([[1, 1, 0.5], [1, 0.75, 0.5], [1, 1, 1.0]])
    lost = np.full((3, 3), np.nan)
    rows = list(theory_tables.condition({"held simulated d2 d3": held, "held expected d2": lost}, STEPS))
    assert [(row["trajectory"], row["units"], row["step"]) for row in rows] == [
        ("simulated", "d2 d3", 5), ("simulated", "d2 d3", 10)
    ]  # fmt: skip
    assert [row["runs"] for row in rows] == pytest.approx([2 / 3, 1 / 3])
    assert [row["coordinates"] for row in rows] == pytest.approx([2.75 / 3, 2 / 3])


def test_columns_become_cubes_and_parts_join() -> None:
    parts = [{"mode": ["raw"] * 3 + ["l2"] * 3, "bp": np.arange(6) + 10 * k, "step": [0, 1, 2] * 2} for k in range(2)]
    columns = theory_tables.join(parts)
    raw = theory_tables.cube(columns, ["bp"], 3, columns["mode"] == "raw")
    assert raw["bp"].tolist() == [[0, 1, 2], [10, 11, 12]]


# Claims


def ahead_row(step: int, **values: Any) -> dict[str, Any]:
    row = {
        "mode": "raw",
        "dynamics": "simulated",
        "step": step,
        "gap": 1.0,
        "gap_low": 0.5,
        "gap_high": 1.5,
        "gap_n": 9,
    }
    return row | {"share": 0.9, "low": 0.7, "high": 0.95, "n": 9, "ties": 0, "p_value": 0.01} | values


@pytest.mark.parametrize(
    ("values", "verdicts"),
    [
        ({}, ["reproduced", "reproduced"]),
        ({"gap_low": -0.1, "low": 0.4}, ["cannot be told", "cannot be told"]),
        ({"gap_low": -3.0, "gap_high": -1.0, "low": 0.1, "high": 0.4}, ["differs", "differs"]),
        ({"gap_low": None, "gap_high": None}, ["cannot be told", "reproduced"]),
        ({"n": 0, "share": None, "low": None, "high": None, "gap_low": 1e-17}, [theory_claims.ALIKE] * 2),
    ],
)
def test_a_verdict_follows_from_the_interval(values: dict[str, Any], verdicts: list[str]) -> None:
    rows = [ahead_row(0), ahead_row(1), ahead_row(2, **values)]
    claims = list(theory_claims.closer(rows, "raw", "Fig. 1"))
    assert [claim["verdict"].partition("; not")[0] for claim in claims] == verdicts
    assert {claim["step"] for claim in claims} == {2}
    unclear = bool({"gap_low"} & values.keys()) and values.get("n") != 0
    assert ("not above 0 at 1 of 2 steps" in claims[0]["verdict"]) == unclear


def test_an_assumption_is_judged_at_the_last_step_and_dated() -> None:
    def row(step: int, runs: float) -> dict[str, Any]:
        interval = wilson(round(10 * runs), 10)
        limits = {"runs": runs, "runs_low": interval.low, "runs_high": interval.high, "n": 10, "coordinates": 1.0}
        return {"trajectory": "simulated", "units": "d2", "step": step} | limits

    (claim,) = theory_claims.assumption([row(1, 0.9), row(2, 0.4), row(3, 0.1)], "Eq. 21")
    assert (claim["step"], claim["value"]) == (3, 0.1)
    assert claim["verdict"] == "differs: broken at step 1 in 10.0% of runs, in half by step 2"
    (claim,) = theory_claims.assumption([row(1, 1.0), row(2, 1.0)], "Eq. 21")
    assert claim["verdict"] == "reproduced: in every run"


# Figures


def written(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def curves(key: str, groups: list[str], expected_of: list[str]) -> list[dict[str, Any]]:
    rows = []
    for group in groups:
        values = {"bp": BP, "linbp": LINBP}
        if group in expected_of:
            values |= {"expected bp": BP - 1, "expected linbp": LINBP - 1}
        gone = dict.fromkeys(values, NONE)
        rows += [{key: group, **row} for row in theory_tables.by_step(values, gone, STEPS)]
    return rows


@pytest.mark.parametrize("modes", [["raw"], ["raw", "l2", "sign"]])
def test_fig_1_has_a_panel_per_mode_and_the_expected_dynamics_below(modes: list[str]) -> None:
    figure = theory_figures.distance_by_step(curves("mode", modes, modes))
    above, below = figure.axes[: len(modes)], figure.axes[len(modes) :]
    assert [axis.get_title() for axis in above] == [theory_figures.TITLES[mode] for mode in modes]
    assert all([line.get_linestyle() for line in axis.lines if len(line.get_xdata())] == ["-", "-"] for axis in above)
    assert all([line.get_linestyle() for line in axis.lines] == ["-", "--", "-", "--"] for axis in below)
    np.testing.assert_allclose(below[0].lines[0].get_xydata(), [[0, 10], [5, 9], [10, 7.75]])
    assert above[0].lines[0].get_color() == "#0072B2"
    assert written(figure)


def test_fig_2_shows_loss_and_distance() -> None:
    figure = theory_figures.training_by_step(curves("quantity", ["l1 distance", "loss"], ["l1 distance"]))
    assert [axis.get_ylabel() for axis in figure.axes] == ["training loss", "l1 distance to w*"]
    assert [axis.get_xscale() for axis in figure.axes] == ["linear", "linear"]
    assert written(figure)


def test_the_other_figures_draw_what_the_tables_hold() -> None:
    values = {"bp": BP, "linbp": LINBP}
    rows = [{"mode": "raw", **row} for row in theory_tables.ahead(values, dict.fromkeys(values, NONE), STEPS)]
    figure = theory_figures.ahead_by_step(rows, "mode")
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xydata(), [[5, 200 / 3], [10, 200 / 3]])
    assert written(figure)
    held = np.array([[1, 1, 0.5], [1, 0.75, 0.5], [1, 1, 1.0]])
    both = {f"held {trajectory} d2": held for trajectory in ("simulated", "expected")}
    figure = theory_figures.condition_by_step(list(theory_tables.condition(both, STEPS)), "Eq. 21")
    np.testing.assert_allclose(figure.axes[1].lines[0].get_xydata(), [[5, 200 / 3], [10, 100 / 3]])
    assert "Eq. 21" in figure.axes[0].get_ylabel() and written(figure)
