"""Tables as text: aligned, with as many digits as say something."""

from typing import Any

import pytest

from suite.host.cli.text import format_table
from suite.host.text import format_headline, format_value


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


def test_settings_are_shown_as_typed_and_p_values_as_such() -> None:
    rows: list[dict[str, Any]] = [
        {"eps": 8 / 255, "p_value": 0.00162, "rate": 8 / 255},
        {"eps": 1.0, "p_value": None, "rate": 0.5},
    ]
    assert format_table(rows, ["eps", "p_value", "rate"]).splitlines() == [
        "  eps  p_value    rate",
        "-----  -------  ------",
        "8/255    .0016  0.0314",
        "    1        -  0.5000",
    ]


def test_a_headline_has_the_digits_that_its_limits_allow() -> None:
    content = {"headline": {"rate": 2 / 3, "of": "bp"}, "limits": {"rate": [0.62, 0.7]}}
    assert format_headline(content) == {"rate": "0.667 [0.620, 0.700]", "of": "bp"}


def test_numbers_are_to_the_right_and_text_to_the_left() -> None:
    rows = [{"rule": "bp", "n": 5, "p": None}, {"rule": "linbp", "n": 40, "p": 0.5}]
    assert format_table(rows, ["rule", "n", "p"]).splitlines() == [
        "rule    n    p",
        "-----  --  ---",
        "bp      5    -",
        "linbp  40  .50",
    ]


def test_values_alone() -> None:
    assert [format_value(value) for value in (0.288135, None, True, 7, "x")] == ["0.2881", "-", "yes", "7", "x"]


WIDE = [
    {"rule": "linbp(start=layer4)", "n": 40, "why": "too few to tell by these rows"},
    {"rule": "bp", "n": 5, "why": ""},
]


def test_a_terminal_wraps_texts_and_keeps_words_and_numbers_whole() -> None:
    assert format_table(WIDE, ["rule", "n", "why"], width=40).splitlines() == [
        "rule                  n  why",
        "-------------------  --  ---------------",
        "linbp(start=layer4)  40  too few to tell",
        "                         by these rows",
        "bp                    5",
    ]
    assert format_table(WIDE, ["rule", "n", "why"], width=60) == format_table(WIDE, ["rule", "n", "why"])


def test_words_and_names_break_where_columns_are_too_narrow_for_them() -> None:
    rows = [{"rule": "linbp(start=layer4)", "only_first": 40}]
    assert format_table(rows, ["rule", "only_first"], width=20).splitlines() == [
        "rule           only_",
        "               first",
        "---------  ---------",
        "linbp(            40",
        "start=",
        "layer4)",
    ]


def test_a_terminal_too_narrow_for_its_columns_gets_a_block_a_row() -> None:
    assert format_table(WIDE, ["rule", "n", "why"], width=17).splitlines() == [
        "rule  linbp(",
        "      start=",
        "      layer4)",
        "n     40",
        "why   too few to",
        "      tell by",
        "      these rows",
        "",
        "rule  bp",
        "n     5",
        "why",
    ]


def test_columns_that_may_be_cut_end_in_an_ellipsis() -> None:
    lines = format_table(WIDE, ["rule", "n", "why"], width=40, cut=("why",)).splitlines()
    assert lines[2] == "linbp(start=layer4)  40  too few to tel…" and len(lines) == 4


def test_what_cannot_be_printed_is_escaped() -> None:
    assert column("a\x1b[31m\nb") == ["a\\x1b[31m\\nb"]


@pytest.mark.parametrize(
    ("terminal", "variables", "coloured"),
    [(True, {}, True), (False, {}, False), (True, {"NO_COLOR": ""}, False), (True, {"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    text = format_table([{"status": "failed", "n": 1}], ["status", "n"])
    assert ("\x1b[31mfailed" in text) == coloured and "failed" in text
