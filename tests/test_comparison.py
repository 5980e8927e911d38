"""Tables matched row by row: keys, flips with McNemar's test, mean differences."""

from typing import Any

import pytest

from suite.host.comparison import compare_rows, unmatchable
from suite.statistics import mcnemar_of, mean_of


def rows(fooled: list[bool | None], loss: list[float], text: str = "a") -> list[dict[str, Any]]:
    return [
        {"rule": rule, "id": number, "fooled": yes, "loss": value, "text": text}
        for (rule, number), yes, value in zip(
            [("bp", 0), ("bp", 1), ("linbp", 0), ("linbp", 1)], fooled, loss, strict=True
        )
    ]


def test_keys_are_the_leading_columns_that_tell_rows_apart() -> None:
    one, other = rows([True] * 4, [1, 2, 3, 4]), rows([True] * 4, [1, 2, 3, 4])
    found, flipped = compare_rows(one, list(reversed(other)))
    assert [(row["column"], row["n"], row["differ"]) for row in found] == [
        ("fooled", 4, 0),
        ("loss", 4, 0),
        ("text", 4, 0),
    ]
    assert flipped == []


def test_flips_and_their_test() -> None:
    found, flipped = compare_rows(
        rows([True, False, True, None], [0.0] * 4), rows([False, True, False, True], [0.0] * 4)
    )
    fooled = found[0]
    assert (fooled["n"], fooled["differ"], fooled["only first"], fooled["only second"]) == (3, 3, 2, 1)
    assert fooled["p"] == mcnemar_of(2, 1).p_value
    assert flipped[0] == {"row": "rule=bp, id=0", "column": "fooled", "first": "True", "second": "False"}
    assert len(flipped) == 3


def test_numbers_move_by_their_mean_difference() -> None:
    found, _ = compare_rows(rows([True] * 4, [1.0, 2.0, 3.0, 4.0]), rows([True] * 4, [1.5, 2.0, 3.5, 5.0]))
    loss = found[1]
    expected = mean_of([0.5, 0, 0.5, 1])
    assert (loss["mean"], loss["low"], loss["high"]) == pytest.approx((expected.value, expected.low, expected.high))
    assert (loss["differ"], loss["p"]) == (3, None)


def test_labels_limits_and_p_values_have_no_mean_difference() -> None:
    pairs = [
        [{"id": number, "label": number, "low": 0.1, "difference_high": 0.2, "p_value": 0.3} for number in range(3)],
        [{"id": number, "label": 9, "low": 0.2, "difference_high": 0.3, "p_value": 0.4} for number in range(3)],
    ]
    found, _ = compare_rows(*pairs)
    assert [(row["differ"], row["mean"], row["low"]) for row in found] == [(3, None, None)] * 4


def test_texts_change_and_rows_of_one_side_are_left_out() -> None:
    found, flipped = compare_rows(rows([True] * 4, [0.0] * 4), rows([True] * 4, [0.0] * 4, text="b")[:3])
    assert found[2]["column"] == "text" and found[2]["n"] == found[2]["differ"] == 3
    assert {row["column"] for row in flipped} == {"text"} and len(flipped) == 3


def test_tables_without_keys_are_not_compared() -> None:
    same = [{"x": 1}, {"x": 1}]
    assert compare_rows(same, same) == ([], []) == compare_rows([], same)


def test_why_tables_are_not_compared() -> None:
    rule = [{"rule": "bp", "n": 1}, {"rule": "linbp", "n": 2}]
    assert unmatchable(rule, list(reversed(rule))) == ""
    assert unmatchable(rule, []) == "it has no rows in one of the runs"
    assert unmatchable([{"x": 1}] * 2, [{"x": 1}]) == "its rows cannot be told apart by what both runs have"
    assert unmatchable(rule, [{"rule": "sgm", "n": 2}]) == "no row has the same rule in both runs"
