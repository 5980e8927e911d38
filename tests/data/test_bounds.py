import pytest

from suite.data.bounds import Bounds, bounds
from suite.errors import SuiteError


def test_the_environment_raises_single_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_DATA_BOUNDS", " pixels=20000000, members = 7 ")
    assert bounds() == Bounds(pixels=20_000_000, members=7)
    monkeypatch.delenv("SUITE_DATA_BOUNDS")
    assert bounds() == Bounds()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("pixel=3", "there is no bound 'pixel' .did you mean pixels"),
        ("pixels", "'' is no whole number .write pixels=16777216"),
        ("pixels=1e9", "'1e9' is no whole number"),
        ("size=-1", "'-1' is no whole number"),
        ("size=" + "9" * 5000, "is no whole number"),
    ],
)
def test_what_is_no_bound_is_answered(monkeypatch: pytest.MonkeyPatch, text: str, answer: str) -> None:
    monkeypatch.setenv("SUITE_DATA_BOUNDS", text)
    with pytest.raises(SuiteError, match=answer):
        bounds()


def test_a_value_at_the_bound_is_read_and_one_above_is_not() -> None:
    Bounds(members=3).check("members", 3, "x has 3 members")
    with pytest.raises(SuiteError, match=r"x has 4 members, more than the bound of 3 .*members=4.* SUITE_DATA_BOUNDS"):
        Bounds(members=3).check("members", 4, "x has 4 members")
