"""Functions of results that ask for each other by name."""

from math import inf, nan
from typing import Any

import polars as pl
import pytest

from suite.errors import SuiteError
from suite.host.analysis import _Evaluation, _stored
from suite.statistics import Estimate, rate_of

TABLE = pl.DataFrame({"x": [1, 2]})


def test_each_is_computed_once_in_any_order() -> None:
    calls: list[str] = []

    def second(first: int, start: int) -> int:
        calls.append("second")
        return first + start

    def first(start: int) -> int:
        calls.append("first")
        return start + 1

    made = _Evaluation("a.b", {"start": 1}, {"second": second, "first": first})
    assert [made.value("second"), made.value("first"), made.value("second")] == [3, 2, 3]
    assert calls == ["first", "second"]


def test_an_argument_with_a_default_may_be_absent() -> None:
    def table(calibration: Any = None) -> Any:
        return calibration

    assert _Evaluation("a.b", {}, {"table": table}).value("table") is None
    assert _Evaluation("a.b", {"calibration": 3}, {"table": table}).value("table") == 3


def test_what_is_not_there_is_named_with_what_is() -> None:
    made = _Evaluation("a.b", {"samples": TABLE}, {"rates": lambda sample: sample})
    with pytest.raises(SuiteError, match=r"a\.b: rates asks for 'sample', .* \(did you mean samples"):
        made.value("rates")


def test_a_circle_is_an_error() -> None:
    made = _Evaluation("a.b", {}, {"one": lambda two: two, "two": lambda one: one})
    with pytest.raises(SuiteError, match="one asks for two asks for one"):
        made.value("one")


def test_a_failure_names_the_columns_that_were_given() -> None:
    made = _Evaluation("a.b", {"samples": TABLE}, {"rates": lambda samples: samples.select("y")})
    with pytest.raises(SuiteError, match=r"a\.b: rates failed: ColumnNotFoundError: .*samples has x"):
        made.value("rates")


def test_a_figure_may_have_the_name_of_a_table() -> None:
    given = _Evaluation("a.b", {"rates": TABLE}, {})
    assert given.called("rates", lambda rates: len(rates)) == 2 and given.value("rates") is TABLE


def test_a_headline_of_estimates_is_stored_as_numbers_and_their_limits() -> None:
    rate = rate_of(9, 10)
    made = {"rate": rate, "open": Estimate(2.0, 1.0, inf, 3), "alone": Estimate(1.0, nan, nan, 1), "n": 3, "text": "a"}
    record = _stored({"headline": made}, {})[1]
    assert record["headline"] == {"rate": 0.9, "open": 2.0, "alone": 1.0, "n": 3, "text": "a"}
    assert record["limits"] == {"rate": [rate.low, rate.high], "open": [1.0, inf]}
