"""References as people type them, the good and the bad."""

import pytest

from suite.errors import SuiteError
from suite.refs import Call, format_sum, parse_argument, parse_call, parse_number, parse_sum, split_list


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.05", 0.05), ("8/255", 8 / 255), (" 8 / 255 ", 8 / 255), ("1e-3/2", 5e-4), ("-1/4", -0.25), (".5", 0.5),
        ("2.", 2.0), ("+3", 3.0), ("0/5", 0.0), ("1E2", 100.0), (0.1, 0.1), (1e-05, 1e-05), (7, 7.0), ("1e-400", 0.0),
    ],
)  # fmt: skip
def test_numbers(text: str | float, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["8/255x", "", "/", "1/", "/2", "1/2/3", "eps", "0,5", "1_000", "0x1f", "nan", "inf", "--1", "1e", "1 2", "½",
     float("nan"), float("inf"), "1e400", "1/1e-400"],
)  # fmt: skip
def test_what_is_no_number_is_one_clear_line(text: str | float) -> None:
    with pytest.raises(SuiteError) as caught:
        parse_number(text)
    assert str(text) in str(caught.value) and "8/255" in str(caught.value)


def test_division_by_zero_is_said() -> None:
    with pytest.raises(SuiteError, match=r"'8/0\.0' divides by zero"):
        parse_number("8/0.0")


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("bp,linbp(start=all,x=1)", ["bp", "linbp(start=all,x=1)"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("f(g(a,b),c),d", ["f(g(a,b),c)", "d"]),
        ("one", ["one"]),
        ("", []),
        (" , ", []),
    ],
)
def test_lists_split_outside_parentheses(text: str, items: list[str]) -> None:
    assert split_list(text) == items


def test_lists_with_another_separator() -> None:
    assert split_list("a,b;c(d;e)", ";") == ["a,b", "c(d;e)"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("17", 17), ("-1", -1), ("+2", 2), ("1.5", 1.5), ("8/255", 8 / 255),
        ("layer4", "layer4"), ("features.17", "features.17"), ("1.2.3", "1.2.3"), ("none", "none"), ("1/0", "1/0"),
    ],
)  # fmt: skip
def test_arguments_have_types(text: str, value: object) -> None:
    parsed = parse_argument(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("bp", Call("bp", {})),
        ("bp()", Call("bp", {})),
        (" linbp ( start = layer4 , depth=-1 ) ", Call("linbp", {"start": "layer4", "depth": -1})),
        ("torchvision:resnet18", Call("torchvision:resnet18", {})),
        ("import:pkg.mod:factory(width=2)", Call("import:pkg.mod:factory", {"width": 2})),
        ("f(a=g(b,c=1),d=true)", Call("f", {"a": "g(b,c=1)", "d": True})),
        ("f(a==)", Call("f", {"a": "="})),
    ],
)
def test_calls(text: str, call: Call) -> None:
    assert parse_call(text) == call


@pytest.mark.parametrize("text", ["bp", "linbp(start=-3)", "f(a=0.1,b=True,c=x.y)", "f(a=g(b,c=1))"])
def test_the_canonical_spelling_reads_back(text: str) -> None:
    call = parse_call(text)
    assert parse_call(str(call)) == call
    assert str(parse_call(str(call))) == str(call)


def test_order_and_spaces_do_not_matter_to_the_canonical_spelling() -> None:
    assert str(parse_call("f(b=1, a= 1/4)")) == str(parse_call("f(a=0.25,b=1)")) == "f(a=0.25,b=1)"


@pytest.mark.parametrize(
    "text",
    ["", "(", "f(", "f(a=1", "f)", "f(a)", "f(=1)", "f(a=1,a=2)", "f(a b=1)", "1f", "f(a=1)x", "f g", "f(a=1))",
     "f((a=1)", "f(a=(1)", "f(1a=2)"],
)  # fmt: skip
def test_what_cannot_be_read_is_one_clear_line(text: str) -> None:
    with pytest.raises(SuiteError, match=r"cannot read.*name"):
        parse_call(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("bp", "bp"),
        ("sgm(lam=1/2) + linbp( start = layer3 )", "linbp(start=layer3)+sgm(lam=0.5)"),
        ("f(x=+3,y=1e+5)", "f(x=3,y=100000.0)"),  # inside brackets a plus is a sign
        ("f(a=g(b+c))+f", "f+f(a=g(b+c))"),
    ],
)
def test_sums_have_a_canonical_spelling(text: str, canonical: str) -> None:
    assert format_sum(parse_sum(text)) == canonical == format_sum(parse_sum(canonical))


@pytest.mark.parametrize("text", ["", "+", "f+", "+f", "f++g", "f+(g)", "f(a=1+g"])
def test_half_a_sum_is_refused(text: str) -> None:
    with pytest.raises(SuiteError, match=r"cannot read.*name"):
        parse_sum(text)
