"""Joint tables: rows of all points, means by group, paired differences; against numbers worked out by hand."""

import json
from math import sqrt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import t as student

from suite.errors import SuiteError
from suite.host.experiments.definition import Experiment
from suite.host.experiments.forms import JointFigure, JointTable
from suite.host.experiments.joint import collect, differences, draw, means
from suite.host.experiments.points import Done, Points
from suite.host.experiments.reporting import report
from suite.host.store import RunDirectory
from suite.tables import write_columns

SCALES = {0: 0.1, 1: 0.2, 2: 0.4}  # a number of the first stage, by seed


@pytest.fixture
def points(tmp_path: Path) -> dict[str, Points]:
    """Three seeds of a stage with a number, three seeds x two strengths of a stage with a table."""

    def done(study: str, key: str, axes: dict[str, Any], headline: dict[str, float], rows: dict[str, Any]) -> Done:
        directory = RunDirectory(tmp_path / study / key)
        write_columns(directory.path / "tables/success.parquet", rows)
        manifest = {
            "headline": headline,
            "config": axes,
            "models": {},
            "tables": {"success": {"file": "tables/success.parquet"}},
        }
        (directory.path / "run.json").write_text(json.dumps(manifest))
        return Done(axes, directory, manifest)

    first = [done("a", f"{seed}", {"seed": seed}, {"scale": scale}, {"x": [1]}) for seed, scale in SCALES.items()]
    second = []
    for seed, scale in SCALES.items():
        for factor in (0.5, 3.0):
            rates = [0.1 * seed + factor, 0.2 * seed, 9.0]
            rows = {"rule": ["linbp", "bp", "bp"], "step": [10, 10, 1], "rate": rates}
            second.append(done("b", f"{seed}-{factor}", {"seed": seed, "eps": factor * scale}, {}, rows))
    return {"first": Points(first), "second": Points(second)}


TABLE = JointTable(
    rows="second.success",
    where={"step": 10},
    columns={"ratio": "{second.config.eps} / {first.headline.scale}"},
    mean="rate",
    by=("ratio", "rule"),
    versus={"rule": ["linbp", "bp"]},
)


def test_rows_carry_axes_and_what_is_computed_for_their_point(points: dict[str, Points]) -> None:
    rows = collect(TABLE, points)
    assert len(rows) == 12 and (rows["step"] == 10).all()
    assert {*rows["ratio"]} == {0.5, 3.0}
    assert rows.row(0, named=True) == {"seed": 0, "eps": 0.05, "rule": "linbp", "step": 10, "rate": 0.5, "ratio": 0.5}


def test_means_with_students_limits(points: dict[str, Points]) -> None:
    found = means(TABLE, collect(TABLE, points))
    assert found.select("ratio", "rule").rows() == [(0.5, "linbp"), (0.5, "bp"), (3.0, "linbp"), (3.0, "bp")]
    half = student.ppf(0.975, 2) * 0.1 / sqrt(3)  # of 0.5, 0.6, 0.7
    assert found.drop("quantity").row(0, named=True) == pytest.approx(
        {"ratio": 0.5, "rule": "linbp", "value": 0.6, "low": 0.6 - half, "high": 0.6 + half, "n": 3}
    )


def test_differences_are_paired_by_seed(points: dict[str, Points]) -> None:
    found = differences(TABLE, collect(TABLE, points))
    half = student.ppf(0.975, 2) * 0.1 / sqrt(3)  # of 0.5, 0.4, 0.3: paired, seeds' own spread cancels in part
    assert found.row(0, named=True) == pytest.approx(
        {"ratio": 0.5, "quantity": "rate", "rule": "linbp - bp", "value": 0.4, "low": 0.4 - half, "high": 0.4 + half,
         "n": 3}
    )  # fmt: skip
    without_a_side = collect(TABLE, points).filter(~((pl.col("seed") == 1) & (pl.col("rule") == "bp")))
    assert [*differences(TABLE, without_a_side)["n"]] == [2, 2]


def test_a_figure_has_a_line_with_a_band_for_every_series(points: dict[str, Points]) -> None:
    rows = means(TABLE, collect(TABLE, points))
    (axes,) = draw(JointFigure(table="t", x="ratio", series="rule", title="Edge", y_label="success"), rows).axes
    drawn = [list(line.get_ydata()) for line in axes.lines]  # type: ignore[arg-type]
    assert drawn == [pytest.approx([0.6, 3.1]), pytest.approx([0.2, 0.2])]
    assert len(axes.collections) >= 2 and axes.get_ylabel() == "success"


def test_several_values_are_compared_with_the_last_and_two_columns_by_the_difference_of_differences() -> None:
    effect = {("a", "low"): 3.0, ("b", "low"): 2.0, ("c", "low"): 1.0, ("a", "high"): 7.0, ("c", "high"): 1.5}
    rows = pl.DataFrame(
        [
            {"seed": seed, "rule": rule, "side": side, "x": value + seed * (rule == "a")}
            for seed in (0, 1)
            for (rule, side), value in effect.items()
        ]
    )
    table = JointTable(rows="a.b", mean="x", by=("side", "rule"), versus={"rule": ["a", "b", "c"]})
    told = differences(table, rows).select("side", "rule", "value", "n").rows()
    assert told[:3] == [("low", "a - c", 2.5, 2), ("low", "b - c", 1.0, 2), ("high", "a - c", 6.0, 2)]
    assert told[3][3] == 0  # there is no b at "high"
    table = JointTable(rows="a.b", mean="x", by=(), versus={"side": ["high", "low"], "rule": ["a", "c"]})
    (change,) = differences(table, rows).to_dicts()
    assert (change["side"], change["rule"], change["n"]) == ("high - low", "a - c", 2)
    assert change["value"] == pytest.approx((7 - 1.5) - (3 - 1)) and change["low"] == change["high"]


def test_rows_of_one_of_several_values(points: dict[str, Points]) -> None:
    assert {*collect(JointTable(rows="second.success", where={"step": [1, 10]}), points)["step"]} == {1, 10}
    assert not len(collect(JointTable(rows="second.success", where={"step": [2]}), points))


def test_panels_differences_and_gaps_of_a_figure() -> None:
    rows = pl.DataFrame(
        [
            {"c0": c0, "rule": rule, "d": d, "value": 1.0, "quantity": "x", "low": 0.5, "high": 1.5}
            for d in (2, 10)
            for rule in ("linbp - bp", "guo - bp")
            for c0 in (0.1, 10.0, None)
        ]
    )
    figure = JointFigure(table="t", x="c0", series="rule", panels="d", differences=True, log_x=True, x_label="C0")
    drawn = draw(figure, rows)
    assert [axes.get_title() for axes in drawn.axes] == ["d = 2", "d = 10"]
    for axes in drawn.axes:
        lines = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_marker() == "o"]  # type: ignore[arg-type]
        assert [list(line.get_xdata()) for line in lines] == [[0.1, 10.0]] * 2  # type: ignore[arg-type]
        assert len(axes.lines) == 3 and axes.get_xscale() == "log"  # with that at zero
    assert drawn.axes[0].get_ylim() == drawn.axes[1].get_ylim()


def test_columns_that_are_not_there_are_named(points: dict[str, Points]) -> None:
    with pytest.raises(SuiteError, match="no column 'stepp' \\(did you mean step"):
        collect(JointTable(rows="second.success", where={"stepp": 1}), points)
    with pytest.raises(SuiteError, match="no such table \\(did you mean success"):
        collect(JointTable(rows="second.succes"), points)


def test_rows_of_one_seed_count_once_in_a_mean() -> None:
    rows = pl.DataFrame(
        [{"seed": seed, "id": number, "x": float(seed + number)} for seed in (0, 1) for number in (0, 1, 2)]
    )
    (found,) = means(JointTable(rows="a.b", mean="x"), rows).to_dicts()
    assert (found["value"], found["n"]) == (1.5, 2)  # of the seeds' means 1 and 2
    (alone,) = means(JointTable(rows="a.b", mean="x", pair=()), rows).to_dicts()
    assert (alone["value"], alone["n"]) == (1.5, 6)


def test_points_need_not_have_the_same_columns(points: dict[str, Points]) -> None:
    one, other = points["first"].done[0], points["second"].done[0]
    rows = collect(JointTable(rows="all.success"), {"all": Points([one, other])})
    assert rows["x"].to_list() == [1, None, None, None] and rows["rate"][0] is None


@pytest.mark.parametrize("pair", [("seed",), ()])
def test_a_mean_of_texts_is_refused_in_one_line(points: dict[str, Points], pair: tuple[str, ...]) -> None:
    table = JointTable(rows="second.success", mean="rule", by=("step",), versus={"eps": [0.05, 0.1]}, pair=pair)
    for make in (means, differences):
        with pytest.raises(SuiteError, match="mean = 'rule': 'linbp' is no number"):
            make(table, collect(table, points))


def test_a_stage_without_runs_costs_its_own_tables_and_figures_alone(
    points: dict[str, Points], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    figure = JointFigure(table="later", x="ratio", series="rule")
    experiment = Experiment("e", "", (), {"earlier": JointTable(rows="first.success"), "later": TABLE}, {"f": figure})
    written = report(experiment, {**points, "second": Points([])}, tmp_path)
    assert [path.name for path in written] == ["earlier.parquet"]
    assert "no point of stage 'second' is done: its joint tables and figures are left out" in caplog.messages
    whole = report(experiment, points, tmp_path)
    assert {path.name for path in whole} >= {"earlier.parquet", "later.parquet", "f.svg"}
    assert [path.read_bytes() for path in whole] == [path.read_bytes() for path in report(experiment, points, tmp_path)]
