"""The grammar of computed values: arithmetic, lists, references, and what is refused."""

import pytest

from suite.errors import SuiteError
from suite.host.experiments.expressions import Reference, Value, evaluate, is_expression, parse, references

KNOWN: dict[str, Value] = {
    "{star.headline.eps_star}": 0.2,
    "{star.tables.rates.rate}": [1.0, 2.0, 6.0],
    "{train.models.*}": ["run:a/x", "run:b/x"],
    "{none.tables.t.c}": [],
    "{train.headline.robust accuracy of bp, v1.0}": 0.75,
}


def value(text: str) -> Value:
    return evaluate(parse(text), lambda reference: KNOWN[str(reference)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{star.headline.eps_star}", 0.2),
        ("{star.headline.eps_star} * [0.5, 1, 2]", [0.1, 0.2, 0.4]),
        ("[1, 2] * [3, 4] - 1", [2, 7]),
        ("1 + 2 * 3 - 4 / 2", 5),
        ("-(1 + 2) * -2", 6),
        ("2 - 3 - 4", -5),
        ("8 / 4 / 2", 1),
        ("mean({star.tables.rates.rate})", 3),
        ("median({star.tables.rates.rate}) + max([1, 5])", 7),
        ("min({star.tables.rates.rate})/255", 1 / 255),
        ("{ star.headline.eps_star } + 1e-1", 0.3),
        ("{train.headline.robust accuracy of bp, v1.0}", 0.75),
        ("{train.models.*}", ["run:a/x", "run:b/x"]),
        ("[{star.headline.eps_star}, 1.5]", [0.2, 1.5]),
    ],
)
def test_values(text: str, expected: Value) -> None:
    found = value(text)
    assert found == (
        expected if isinstance(expected, list) and isinstance(expected[0], str) else pytest.approx(expected)
    )


def test_integers_stay_integers() -> None:
    assert repr(value("2 * 3")) == "6" and repr(value("[1, 2]")) == "[1, 2]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("__import__('os')", "cannot read"),
        ("1 +", "at 'its end'"),
        ("2 ** 3", "at '*'"),
        ("eval(1)", "at 'eval'"),
        ("mean 1", "'(' is missing"),
        ("[1, 2", "']' is missing"),
        ("1 2", "at '2'"),
        ("[]", "at ']'"),
        ("mean({none.tables.t.c})", "mean of an empty list"),
        ("{star.eps_star}", "cannot read the reference"),
        ("{star.rows.x}", "cannot read the reference"),
        ("{star.tables.rates}", "names no column"),
        ("1 / 0", "not a finite number"),
        ("1e308 * 10", "not a finite number"),
        ("{train.models.*} * 2", "calculates with 'run:a/x'"),
        ("[1, 2] + [1, 2, 3]", "lists of 2 and 3 items"),
        ("1; 2", "at '; 2'"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(SuiteError) as error:
        value(text)
    assert told in str(error.value)


def test_references_are_found_without_their_values() -> None:
    found = [*references(parse("mean({a.tables.t.c}) * {b.headline.x} / ({b.headline.x} - 1)"))]
    assert found == [Reference("a", "tables", "t.c"), *[Reference("b", "headline", "x")] * 2]
    with pytest.raises(SuiteError, match="cannot read"):
        parse("{a.headline.x} +")


def test_plain_values_are_no_expressions() -> None:
    assert is_expression("{a.headline.x}")
    assert not any(map(is_expression, ("linbp(start=layer3)", "8/255", 3, [1, 2])))
