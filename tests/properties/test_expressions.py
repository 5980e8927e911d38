"""Expressions: for any text a value or a SuiteError, however long or deep."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.errors import SuiteError
from suite.host.experiments.expressions import evaluate, parse, references

PIECES = [
    "1",
    "9" * 30,
    "1e308",
    ".5",
    "{a.headline.b}",
    "{a.b}",
    "mean(",
    "max(",
    "(",
    ")",
    "[",
    "]",
    ",",
    "+",
    "-",
    "*",
    "/",
]
expression = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
found = st.one_of(st.integers(-(2**63), 2**63), st.floats(), st.lists(st.floats(), max_size=3), st.text(max_size=5))


@given(expression, found)
def test_any_text_has_a_value_or_an_error(text: str, value: object) -> None:
    with suppress(SuiteError):
        tree = parse(text)
        list(references(tree))
        evaluate(tree, lambda _: value)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    "text",
    ["(" * 1000 + "1" + ")" * 1000, "-" * 5000 + "1", "+".join("1" * 3000), "*".join(["9" * 18] * 100), "9" * 5000,
     "1" * 10**6, "[" * 2000, "mean(" * 300 + "1" + ")" * 300, "1e999", "mean([1e308, 1e308])"],
)  # fmt: skip
def test_long_and_deep_ones_are_one_short_line(text: str) -> None:
    with pytest.raises(SuiteError) as caught:
        evaluate(parse(text), lambda _: 1)
    assert len(str(caught.value)) < 800
