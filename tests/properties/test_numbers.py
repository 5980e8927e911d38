"""Numbers and references: for any text a value or a SuiteError, at once."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.errors import SuiteError
from suite.plugin import StudyConfig
from suite.refs import format_sum, parse_argument, parse_number, parse_sum, split_list

PIECES = [
    "0",
    "1",
    "9" * 40,
    "9" * 5000,
    ".",
    "e",
    "E-",
    "/",
    "+",
    "-",
    "(",
    ")",
    ",",
    "=",
    "a",
    "true",
    " ",
    "\0",
    "٣",
]
typed = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))


@given(typed)
def test_any_text_is_a_number_or_an_error(text: str) -> None:
    with suppress(SuiteError):
        assert isinstance(parse_number(text), float)
    with suppress(SuiteError):
        parse_argument(text)


@given(typed)
def test_any_text_is_a_reference_or_an_error(text: str) -> None:
    with suppress(SuiteError):
        calls = parse_sum(text)
        assert parse_sum(format_sum(calls)) == calls
    split_list(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_as_it_was(value: float) -> None:
    assert parse_number(repr(value)) == value


@pytest.mark.parametrize(
    "text", ["1e30000000", "1/1e999999", "1e" + "9" * 50, "1" * 5000, "1/" + "3" * 5000, "1e-30000000", "/" * 10**6]
)
def test_numbers_are_bounded_before_they_are_expanded(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(SuiteError, match=r"\(write 0\.05 or a fraction") as caught:
        parse_number(text)
    assert time.process_time() - begin < 0.05 and len(str(caught.value)) < 250


@pytest.mark.parametrize("seed", [2**63, 10**30, "9" * 30])
def test_seeds_are_bounded(seed: int | str) -> None:
    with pytest.raises(ValueError, match=f"less than or equal to {2**63 - 1}"):
        StudyConfig.model_validate({"seed": seed})
    assert StudyConfig.model_validate({"seed": 2**63 - 1}).seed == 2**63 - 1


def test_all_integers_are_bounded() -> None:
    class Config(StudyConfig):
        steps: int = 1
        sizes: tuple[int, ...] = ()

    for wrong in ({"steps": -(10**30)}, {"sizes": (1, 2**63)}):
        with pytest.raises(ValueError, match=r"is too large \(write an integer from -9223372036854775807 to"):
            Config.model_validate(wrong)
