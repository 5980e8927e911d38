"""Several estimates in a row, and back."""

import polars as pl

from modules.phase_transition.columns import columns_of, read
from suite.statistics import Estimate, mean, mean_of, named


def test_columns_of_a_group_are_those_of_its_numbers() -> None:
    frame = pl.DataFrame({"cell": ["a", "a", "b"], "loss": [1.0, 2.0, 4.0]})
    rows = frame.group_by("cell", maintain_order=True).agg(named(mean("loss"), "loss"), seeds=pl.len()).unnest("loss")
    many, one = rows.to_dicts()
    estimate = mean_of([1.0, 2.0], "seeds")
    assert many == {"cell": "a", **columns_of("loss", estimate), "seeds": 2}
    assert read(many, "loss", "seeds") == estimate
    assert (one["loss"], one["loss_low"]) == (4.0, None)


def test_without_a_value_there_is_no_interval() -> None:
    assert columns_of("x", Estimate(float("nan"), float("-inf"), float("inf"), 3)) == dict.fromkeys(
        ("x", "x_low", "x_high")
    )
