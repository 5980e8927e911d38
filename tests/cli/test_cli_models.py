"""`suite models train` as it is typed: what replaces the recipe's settings is in the weights' own record."""

import json
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner
from safetensors import safe_open

from suite.host.cli import main
from suite.host.cli.models import AUGMENTS, SCHEDULES
from suite.training.recipe import Augment, Schedule


def test_the_choices_are_the_recipes() -> None:
    assert get_args(Schedule) == SCHEDULES
    assert get_args(Augment) == AUGMENTS


def test_settings_that_are_typed_replace_the_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path))
    typed = (
        "models train two-layer(width=2) --dataset digits --epochs 1 --schedule rise-fall --augment none --bfloat16 "
        "--channels-last"
    )
    result = CliRunner().invoke(main, typed.split())
    assert result.exit_code == 0, result.output
    (weights,) = tmp_path.glob("models/*/*.safetensors")
    with safe_open(weights, "pt") as file:
        recipe = json.loads(file.metadata()["recipe"])
    assert (recipe["epochs"], recipe["schedule"]) == (1, "rise-fall")
    assert recipe["augment"] == "none"
    assert recipe["bfloat16"] is True and recipe["channels_last"] is True


def test_weights_of_earlier_epochs_are_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_CACHE", str(tmp_path))
    typed = ["models", "train", "two-layer(width=2)", "--dataset", "digits", "--epochs", "3"]
    result = CliRunner().invoke(main, [*typed, "--keep", "2,1"])
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()[-2:]
    assert first.startswith("after epoch 1: stored at ") and second.startswith("after epoch 2: stored at ")
    assert Path(first.removeprefix("after epoch 1: stored at ")).stat().st_size > 1000
    for wrong, said in (("1,x", "'1,x' is no list of epochs"), ("4", "after epoch 4 of 3 cannot be kept")):
        refused = CliRunner().invoke(main, [*typed, "--keep", wrong])
        assert refused.exit_code == 2 and said in refused.output


def test_an_unknown_schedule_is_one_line() -> None:
    result = CliRunner().invoke(main, ["models", "train", "digits-cnn", "--dataset", "digits", "--schedule", "linear"])
    assert result.exit_code == 2 and "rise-fall" in result.output
