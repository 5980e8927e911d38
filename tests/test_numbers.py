"""Numbers as people read them."""

import math

import pytest

from suite.numbers import format_estimate, format_p, told_p


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.0016, ".0016"), (0.00012, ".00012"), (0.031, ".031"), (0.05, ".050"), (0.0995, ".10"), (0.24, ".24"),
        (0.99, ".99"), (0.9999, "> .99"), (1.0, "1"), (1e-300, "< .0001"), (0.0, "< .0001"), (math.nan, "nan"),
        (None, "-"),
    ],
)  # fmt: skip
def test_p_values(p_value: float | None, text: str) -> None:
    assert format_p(p_value) == text


def test_p_values_in_a_sentence() -> None:
    assert [told_p(value) for value in (0.0016, 1e-9, 1.0)] == ["p = .0016", "p < .0001", "p = 1"]


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (2 / 3, 0.62, 0.7, "0.667 [0.620, 0.700]"),
        (0.288135, 0.2, 0.4, "0.288 [0.200, 0.400]"),
        (52.13, 40.0, 70.0, "52 [40, 70]"),
        (1.5, None, 2.5, "1.5 [-, 2.5]"),
        (0.288135, None, None, "0.2881"),
        (1.0, 1.0, 1.0, "1 [1, 1]"),
        (None, 0.1, 0.2, "-"),
        (1e-9, 0.5e-9, 2e-9, "1e-09 [5e-10, 2e-09]"),
        (0.5, -math.inf, 0.75, "0.50 [-inf, 0.75]"),
    ],
)
def test_estimates(value: float | None, low: float | None, high: float | None, text: str) -> None:
    assert format_estimate(value, low, high) == text
