"""Estimates as polars expressions: equal to those of numbers, group by group; pairs and groups of tables."""

from collections.abc import Callable
from math import inf, isnan, log, nan, sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from suite.statistics import (
    Estimate,
    against,
    cluster_mean,
    counted_rate,
    estimates,
    geometric_mean,
    geometric_mean_of,
    holm,
    holm_of,
    mcnemar,
    mcnemar_of,
    mean,
    mean_of,
    median,
    median_of,
    named,
    paired,
    paired_difference,
    paired_difference_of,
    rate,
    rate_of,
    sign_test,
    sign_test_of,
)


@pytest.fixture(scope="module")
def samples() -> pl.DataFrame:
    """Groups of 1 to 40 rows, with gaps."""
    rng = np.random.default_rng(0)
    sizes = np.arange(1, 41)
    n = int(sizes.sum())
    frame = pl.DataFrame(
        {
            "group": np.repeat(sizes, sizes),
            "x": np.exp(rng.normal(size=n)),
            "steps": np.where(rng.random(n) < 0.4, inf, rng.integers(1, 9, n)),
            "first": rng.random(n) < 0.9,
            "second": rng.random(n) < 0.6,
        }
    )
    gaps = [pl.when(pl.int_range(pl.len()) % place != 3).then(pl.col(name)).alias(name)
            for name, place in (("x", 7), ("first", 11), ("second", 13), ("steps", 17))]  # fmt: skip
    return frame.with_columns(gaps)


def row(estimate: Estimate) -> list[float]:
    return [estimate.value, estimate.low, estimate.high, estimate.n]


def difference(part: pl.DataFrame) -> Estimate:
    first, second = (part.drop_nulls(["first", "second"])[name].to_numpy() for name in ("first", "second"))
    cells = (first & second, first & ~second, ~first & second, ~first & ~second)
    return paired_difference_of(*(int(cell.sum()) for cell in cells))


@pytest.mark.parametrize(
    ("expression", "scalar"),
    [
        (rate("first"), lambda part: rate_of(part["first"].sum(), part["first"].count())),
        (rate(pl.col("x") < 1), lambda part: rate_of((part["x"] < 1).sum(), part["x"].count())),
        (mean("x"), lambda part: mean_of(part["x"].drop_nulls())),
        (mean("first"), lambda part: mean_of(part["first"].drop_nulls())),
        (geometric_mean("x"), lambda part: geometric_mean_of(part["x"].drop_nulls())),
        (median("x"), lambda part: median_of(part["x"].drop_nulls())),
        (median("steps"), lambda part: median_of(part["steps"].drop_nulls())),
        (paired_difference("first", "second"), difference),
    ],
)
def test_expressions_are_the_functions_of_numbers(
    samples: pl.DataFrame, expression: pl.Expr, scalar: Callable[[pl.DataFrame], Estimate]
) -> None:
    found = samples.group_by("group", maintain_order=True).agg(expression).unnest("estimate")
    assert found.columns == ["group", "value", "low", "high", "n"]
    assert found.schema["n"] == pl.Int64 and not found["value"].is_nan().any()
    expected = np.array([row(scalar(part)) for _, part in samples.group_by("group", maintain_order=True)])
    filled = found.drop("group").cast(pl.Float64).fill_null(nan).to_numpy()
    np.testing.assert_allclose(filled, expected, rtol=1e-12, atol=1e-13)
    assert_frame_equal(samples.select(expression).unnest("estimate"), estimates(samples, [], scalar), rel_tol=1e-12)


def test_tests_are_those_of_numbers(samples: pl.DataFrame) -> None:
    tests = {"m": mcnemar("first", "second"), "s": sign_test(pl.col("x") - 1)}
    found = samples.group_by("group", maintain_order=True).agg(**tests)
    for (_, part), m, s in zip(samples.group_by("group", maintain_order=True), found["m"], found["s"], strict=True):
        known = part.drop_nulls(["first", "second"])
        first, second = known["first"], known["second"]
        assert mcnemar_of(int((first & ~second).sum()), int((second & ~first).sum())).__dict__ == pytest.approx(m)
        assert sign_test_of(part["x"].drop_nulls() - 1).__dict__ == pytest.approx(s)


def test_gaps_are_not_counted_and_nan_is_seen() -> None:
    frame = pl.DataFrame({"g": [1, 1, 1, 2, 2, 3], "x": [1.0, None, 3.0, 1.0, nan, None]})
    for expression in (mean("x"), geometric_mean("x"), median("x")):
        found = frame.group_by("g", maintain_order=True).agg(expression).unnest("estimate")
        assert found["n"].to_list() == [2, 2, 0]
        assert found["value"][0] > 1.7 and isnan(found["value"][1]) and found["value"][2] is None
        assert found["low"][2] is None and (found["low"][1] is None or isnan(found["low"][1]))
    test = frame.group_by("g", maintain_order=True).agg(sign_test("x")).unnest("test")["p_value"].to_list()
    assert (test[0], test[2]) == (0.5, 1) and isnan(test[1])
    nothing = pl.DataFrame({"a": [None, True], "b": [True, None]}, schema={"a": pl.Boolean, "b": pl.Boolean})
    assert nothing.select(paired_difference("a", "b")).unnest("estimate").row(0) == (None, None, None, 0)
    assert nothing.select(mcnemar("a", "b")).unnest("test").row(0) == (0, 0, 1)


def test_what_has_no_logarithm_and_what_is_infinite() -> None:
    for wrong in (0.0, -1.0, inf):
        found = pl.DataFrame({"x": [1.0, 2.0, wrong]}).select(geometric_mean("x")).unnest("estimate")
        assert np.isnan(found.row(0)[:3]).all() and found["n"][0] == 3
    found = pl.DataFrame({"x": [1.0, inf]}).select(mean("x")).unnest("estimate")
    assert found["value"][0] == inf and isnan(found["low"][0]) and isnan(found["high"][0])


@pytest.mark.parametrize("values", [[0.3, 0.5], [0, 1], ["yes", "no"]])
def test_only_booleans_have_a_rate(values: list[Any]) -> None:
    for expression in (rate("x"), mcnemar("x", "x"), paired_difference("x", "x")):
        with pytest.raises(pl.exceptions.PolarsError, match=r"(?i)boolean|str"):
            pl.DataFrame({"x": values}).select(expression)


def test_rates_of_counts_row_by_row() -> None:
    counts = pl.DataFrame({"k": [3.0, 0.0, None, 0.0], "n": [7, 4, 5, 0]})
    found = counts.select(counted_rate("k", "n")).unnest("estimate")
    for (k, n), row in zip([(3, 7), (0, 4)], found.iter_rows(named=True), strict=False):
        assert row == pytest.approx(rate_of(k, n).columns(), abs=1e-12)
    assert found.rows()[2:] == [(None, None, None, 5), (None, None, None, 0)]


def test_empty_tables_keep_their_columns() -> None:
    empty = pl.DataFrame(schema={"g": pl.String, "x": pl.Float64, "b": pl.Boolean})
    for expression in (rate("b"), mean("x"), median("x"), paired_difference("b", "b")):
        found = empty.group_by("g").agg(expression).unnest("estimate")
        assert found.columns == ["g", "value", "low", "high", "n"] and not found.height
    assert estimates(empty, ["g"], lambda part: mean_of(part["x"])).schema == found.schema


def test_several_estimates_in_a_row(samples: pl.DataFrame) -> None:
    groups = samples.group_by("group", maintain_order=True)
    alone = groups.agg(mean("x")).unnest("estimate")
    beside = groups.agg(rate("first"), named(mean("x"), "x")).unnest("estimate", "x")
    assert beside.columns == ["group", "value", "low", "high", "n", "x", "x_low", "x_high"]
    assert beside.select("x", "x_low", "x_high").rows() == alone.select("value", "low", "high").rows()


def test_holm_by_family() -> None:
    frame = pl.DataFrame({"family": [1, 1, 2, 1, 1, 1, 2], "p": [0.03, 0.5, 0.04, 0.01, None, 0.02, nan]})
    adjusted = frame.with_columns(holm("p").over("family"))
    found = adjusted.filter(family=1)["holm"].to_list()
    assert found == [0.06, 0.5, 0.04, None, 0.06]
    assert adjusted.filter(family=2)["holm"].is_nan().all()
    many = np.random.default_rng(0).random(50) ** 4
    assert pl.DataFrame({"p": many}).select(holm("p"))["holm"].to_list() == pytest.approx(holm_of(many.tolist()))


def test_intervals_hold_the_truth() -> None:
    """4,000 groups: within four standard errors of 95 %; what is discrete may hold more."""
    trials, n = 4000, 12
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"trial": np.repeat(np.arange(trials), n), "x": rng.normal(1, 3, trials * n)})
    frame = frame.with_columns(exp=pl.col("x").exp(), late=-pl.Series(rng.random(trials * n)).log())
    first, second = pl.Series(rng.random(trials * n) < 0.7), pl.Series(rng.random(trials * n) < 0.8)
    frame = frame.with_columns(first=first, second=first & second)
    for expression, truth, exact in (
        (mean("x"), 1, True),
        (geometric_mean("exp"), np.e, True),
        (median("late"), log(2), False),
        (paired_difference("first", "second"), 0.14, False),
    ):
        found = frame.group_by("trial").agg(expression).unnest("estimate")
        held = ((found["low"] <= truth) & (found["high"] >= truth)).mean()
        assert isinstance(held, float) and held > 0.95 - 4 * sqrt(0.95 * 0.05 / trials), expression
        assert held < 0.95 + 4 * sqrt(0.95 * 0.05 / trials) or not exact


def test_pairs_keep_what_one_side_lacks() -> None:
    frame = pl.DataFrame({
        "rule": ["bp", "bp", "linbp", "linbp", "other"], "id": [1, 2, 2, 3, 1], "c0": [None, 1.0, 1.0, None, None],
        "loss": [10.0, 20.0, 21.0, 31.0, 0.0],
    })  # fmt: skip
    found = paired(frame, on=["id", "c0"], column="rule", first="linbp", second="bp", value="loss")
    assert found.sort("id").rows() == [(1, None, None, 10.0), (2, 1.0, 21.0, 20.0), (3, None, 31.0, None)]
    logs = paired(frame, on=["id"], column="rule", first="bp", second="other", value=pl.col("loss") + 1)
    assert logs.rows() == [(1, 11.0, 1.0), (2, 21.0, None)]
    beside = against(frame, on=["id", "c0"], column="rule", reference="bp", value="loss")
    assert beside["reference"].to_list() == [10, 20, 20, None, 10] and beside.drop("reference").equals(frame)


def test_pairs_that_are_none() -> None:
    frame = pl.DataFrame({"rule": ["bp", "bp", "linbp"], "id": [1, 1, 1], "loss": [1.0, 2.0, 3.0]})
    with pytest.raises(pl.exceptions.ComputeError, match="1:1"):
        paired(frame, on=["id"], column="rule", first="linbp", second="bp", value="loss")
    with pytest.raises(pl.exceptions.ComputeError, match="m:1"):
        against(frame, on=["id"], column="rule", reference="bp", value="loss")
    with pytest.raises(ValueError, match="no row has rule = 'pb'"):
        against(frame, on=["id"], column="rule", reference="pb", value="loss")


def test_estimates_of_groups_are_in_order_of_appearance() -> None:
    frame = pl.DataFrame({"d": [20, 20, 20, 10], "net": [0, 0, 1, 0], "x": [1.0, 3.0, 4.0, 5.0]})
    found = estimates(frame, ["d"], lambda part: cluster_mean(part["x"], part["net"]))
    assert found.columns == ["d", "value", "low", "high", "n"]
    assert found["d"].to_list() == [20, 10] and found["value"].to_list() == [3, 5] and found["n"].to_list() == [2, 1]
    assert found["low"][1] is None and found["high"][1] is None
