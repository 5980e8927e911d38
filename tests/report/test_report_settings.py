"""Options in words and the command that gives them again."""

import shlex
from typing import Any

import pytest

from suite.host.report.settings import Described, Option, command, settings, unknown_options

DEFAULTS: dict[str, Any] = {"eps": [0.05, 0.1], "model": "digits-cnn", "limit": 200, "fast": False, "seed": 0}
STUDY = Described(
    "summary", "paper",
    {name: Option(name, value, f"about {name}", is_flag=isinstance(value, bool)) for name, value in DEFAULTS.items()},
    {"paper": DEFAULTS | {"model": "resnet50", "limit": None, "eps": [8 / 255]}},
)  # fmt: skip


def typed(**chosen: Any) -> str:
    return command("linbp.attack", DEFAULTS | chosen, STUDY)


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        ({}, "suite run linbp.attack"),
        ({"eps": [8 / 255, 0.5]}, "suite run linbp.attack --eps 8/255,0.5"),
        ({"fast": True, "limit": None}, "suite run linbp.attack --limit none --fast"),
        ({"model": "a model's; rm -rf"}, "suite run linbp.attack --model 'a model'\"'\"'s; rm -rf'"),
        ({"model": "resnet50", "limit": None, "eps": [8 / 255]}, "suite run linbp.attack --preset paper"),
        (
            {"model": "resnet50", "limit": None, "eps": [8 / 255], "seed": 3},
            "suite run linbp.attack --preset paper --seed 3",
        ),
    ],
)
def test_the_shortest_command(chosen: dict[str, Any], line: str) -> None:
    assert typed(**chosen) == line


@pytest.mark.parametrize("number", [0.016814809258694993, 1 / 3, 8 / 255, 1e-17, 123456789.123, 0.1 + 0.2])
def test_numbers_are_typed_exactly(number: float) -> None:
    """What a page rounds for reading, its command does not."""
    from suite.refs import parse_number

    assert parse_number(shlex.split(typed(eps=[number]))[-1]) == number


def test_chosen_options_come_first_and_say_their_default() -> None:
    first, *others = settings(DEFAULTS | {"eps": [0.3]}, STUDY)
    assert (first.name, first.value, first.default, first.description) == ("eps", "0.3", "0.05,0.1", "about eps")
    assert [setting.name for setting in others] == ["model", "limit", "fast", "seed"]
    assert [setting.chosen for setting in (first, *others)] == [True, False, False, False, False]


def test_a_study_that_is_not_installed() -> None:
    assert command("gone.study", {"eps": [0.5], "fast": True}, None) == "suite run gone.study --eps 0.5 --fast"
    assert all(setting.chosen for setting in settings(DEFAULTS, None))


def test_options_of_another_version() -> None:
    assert unknown_options(DEFAULTS, STUDY) == []
    assert unknown_options({"eps": [0.1], "older": 1}, STUDY) == ["fast", "limit", "model", "older", "seed"]
