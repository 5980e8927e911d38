"""Tables as text: aligned, with as many digits as say something."""

import pytest

from suite.host.cli.text import format_table
from suite.host.text import format_value


def column(*values: object) -> list[str]:
    """The cells of a one-column table."""
    return [line.strip() for line in format_table([{"x": value} for value in values], ["x"]).splitlines()[2:]]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ((0.288135, 0.0847457, 1.0, 0.0), ["0.2881", "0.0847", "1.0000", "0.0000"]),
        ((0.05, 0.1), ["0.05", "0.10"]),
        ((None, 1.0, 0.25), ["-", "1.00", "0.25"]),
        ((1.0, 0.5, 9.53674e-07), ["1", "0.5", "9.537e-07"]),  # common decimals would make it 0.0000
        ((0.5, 1e-09), ["0.5", "1e-09"]),
        ((8 / 255, 2 / 255), ["0.0314", "0.0078"]),
        ((123456.0, 0.5), ["1.235e+05", "0.5"]),
        ((float("inf"), 0.5), ["inf", "0.5"]),
        ((True, False, None), ["yes", "no", "-"]),
        ((3, 12, None), ["3", "12", "-"]),
        (("linbp", None), ["linbp", "-"]),
    ],
)
def test_columns(values: tuple[object, ...], cells: list[str]) -> None:
    assert column(*values) == cells


def test_numbers_are_to_the_right_and_text_to_the_left() -> None:
    rows = [{"rule": "bp", "n": 5, "p": None}, {"rule": "linbp", "n": 40, "p": 0.5}]
    assert format_table(rows, ["rule", "n", "p"]).splitlines() == [
        "rule    n    p",
        "-----  --  ---",
        "bp      5    -",
        "linbp  40  0.5",
    ]


def test_values_alone() -> None:
    assert [format_value(value) for value in (0.288135, None, True, 7, "x")] == ["0.2881", "-", "yes", "7", "x"]
