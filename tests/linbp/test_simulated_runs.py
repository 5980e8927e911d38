"""Statistics of the simulated studies on hand-made runs with known answers."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, ttest_1samp

from modules.linbp import simulated_runs
from suite.statistics import rate_of

STEPS = [0, 5, 10]
BP = np.array([[10, 8, 6], [12, 11, 10], [8, 8, 8], [10, 9, 7]], dtype=float)
LINBP = np.array([[10, 7, 4], [12, 10, 9], [8, 8, 8], [10, 10, 9]], dtype=float)


def runs(**columns: Any) -> pl.DataFrame:
    """A frame of runs from (runs, steps) arrays."""
    index = np.indices(BP.shape).reshape(2, -1)
    values = {name.replace("_", " "): np.asarray(values).ravel() for name, values in columns.items()}
    return pl.DataFrame({"mode": ["raw"] * BP.size, "run": index[0], "step": np.array(STEPS)[index[1]], **values})


def of(bp: np.ndarray, linbp: np.ndarray) -> pl.DataFrame:
    frame = runs(bp=bp, linbp=linbp, expected_bp=BP, expected_linbp=LINBP)
    return simulated_runs.pairs(frame, "mode").filter(dynamics="simulated")


def at(table: pl.DataFrame, step: int, **chosen: Any) -> dict[str, Any]:
    (row,) = table.filter(step=step, **chosen).to_dicts()
    return row


def test_pairs_are_of_one_dynamics_or_of_losses() -> None:
    frame = runs(bp=BP, linbp=LINBP, expected_bp=BP - 1, expected_linbp=LINBP - 1, loss_bp=2 * BP, loss_linbp=LINBP)
    expected = simulated_runs.pairs(frame, "mode").filter(dynamics="expected")
    assert expected["bp"].to_list() == (BP - 1).ravel().tolist()
    losses = simulated_runs.pairs(frame, "mode", loss=True)
    assert losses["bp"].to_list() == (2 * BP).ravel().tolist()
    assert losses["start"].to_list() == np.repeat(2 * BP[:, 0], 3).tolist()


def test_means_and_changes_have_students_interval() -> None:
    table = simulated_runs.by_step(of(BP, LINBP), "mode")
    assert table["gradient"].to_list() == ["bp"] * 3 + ["linbp"] * 3 and table["step"].to_list() == STEPS * 2
    row = at(table, 10, gradient="bp")
    interval = ttest_1samp(BP[:, 2], 0).confidence_interval()
    assert (row["value"], row["low"], row["high"]) == pytest.approx((7.75, interval.low, interval.high))
    interval = ttest_1samp(BP[:, 2] - BP[:, 0], 0).confidence_interval()
    assert (row["change"], row["change_low"], row["change_high"]) == pytest.approx((-2.25, interval.low, interval.high))
    assert (row["n"], row["diverged"]) == (4, 0)


def test_ahead_counts_runs_and_leaves_ties_out() -> None:
    row = at(simulated_runs.ahead(of(BP, LINBP), "mode"), 10)
    interval, share = ttest_1samp(np.array([2, 1, 0, -2]), 0).confidence_interval(), rate_of(2, 3)
    assert (row["gap"], row["gap_low"], row["gap_high"]) == pytest.approx((0.25, interval.low, interval.high))
    assert (row["value"], row["low"], row["high"]) == pytest.approx((share.value, share.low, share.high))
    assert (row["n"], row["ties"], row["lost"], row["linbp_ahead"], row["bp_ahead"]) == (3, 1, 0, 2, 1)
    assert row["p_value"] == pytest.approx(binomtest(2, 3).pvalue)
    start = at(simulated_runs.ahead(of(BP, LINBP), "mode"), 0)
    assert (start["value"], start["n"], start["ties"], start["p_value"]) == (None, 0, 4, 1)


def test_rounding_is_a_tie() -> None:
    nearly = LINBP.copy()
    nearly[:, 2] = BP[:, 2] * (1 - 1e-14)
    row = at(simulated_runs.ahead(of(BP, nearly), "mode"), 10)
    assert (row["n"], row["ties"], row["value"]) == (0, 4, None)


def test_runs_that_diverge_are_counted_and_are_behind() -> None:
    """Not finite or ten times as far as at the start: out of the means, behind where the other has not diverged."""
    far = LINBP.copy()
    far[0, 1:], far[1, 2], far[2, 2] = [1e9, np.nan], np.inf, 81.0
    pairs = of(BP, far)
    gone = pairs["linbp"].is_null().to_numpy().reshape(4, 3)
    assert gone.tolist() == [[False, True, True], [False, False, True], [False, False, True], [False] * 3]
    assert pairs["bp"].null_count() == 0
    row = at(simulated_runs.by_step(pairs, "mode"), 10, gradient="linbp")
    assert (row["value"], row["n"], row["diverged"]) == (9, 1, 3)
    row = at(simulated_runs.ahead(pairs, "mode"), 10)
    assert (row["value"], row["n"], row["gap"], row["gap_n"]) == (0, 4, -2, 1)
    row = at(simulated_runs.ahead(of(far, far), "mode"), 10)
    assert (row["n"], row["ties"], row["lost"]) == (0, 4, 3)


def test_a_loss_is_lost_with_its_distance() -> None:
    far, infinite = LINBP.copy(), LINBP.copy()
    far[0, 2], infinite[1, 2] = 1e9, np.inf
    losses = simulated_runs.pairs(runs(bp=BP, linbp=far, loss_bp=BP, loss_linbp=infinite), "mode", loss=True)
    assert losses.filter(step=10)["linbp"].to_list() == [None, None, 8, 9]


def test_the_condition_by_coordinates_and_by_runs() -> None:
    held = np.array([[1, 1, 0.5], [1, 0.75, 0.5], [1, 1, 1.0], [1, 1, 1.0]])
    unresolved = np.full((4, 3), np.nan)
    table = simulated_runs.condition(runs(held_simulated_d2_d3=held, held_expected_d2=unresolved))
    assert table is not None
    assert table.select("units", "dynamics", "of", "step").rows() == [
        ("d2 d3", "simulated", of, step) for of in ("coordinates", "runs") for step in (5, 10)
    ]
    assert table.filter(of="runs")["value"].to_list() == [0.75, 0.5]
    assert table.filter(of="coordinates")["value"].to_list() == pytest.approx([3.75 / 4, 0.75])
    assert simulated_runs.condition(runs(bp=BP)) is None


def test_where_the_condition_is_about_one_mode_others_have_gaps() -> None:
    raw = runs(held_simulated_d2=BP / BP)
    table = simulated_runs.condition(
        pl.concat([raw, raw.with_columns(pl.lit(None, pl.Float64).alias(raw.columns[-1]))])
    )
    assert table is not None and set(table["n"]) == {4}
