"""`--json`: every verb that lists something has it, and what it prints is JSON without NaN."""

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result

from suite.host.cli.program import VERBS

Suite = Callable[..., Result]

LISTING = {
    "list": "",
    "info": "toy.squares",
    "runs": "",
    "runs list": "",
    "runs show": "RUN",
    "runs rm": "RUN",
    "runs gc": "",
    "runs du": "",
    "models list": "",
    "models inspect": "mlp",
    "data list": "",
    "doctor": "",
    "compare": "RUN OTHER",
    "query": "SELECT*FROM(VALUES('nan'::DOUBLE))",
    "sweep": "toy.squares --grid seed=0,1",
    "experiment": "file.toml",
    "reproduce": "toy.opinion",
    "analyse": "--all",
}
DOING = {"run", "report", "view", "models", "models train", "data", "data prepare", "new"}
DOING |= {f"runs {verb}" for verb in ("tag", "untag", "note")}


def commands() -> Iterator[tuple[str, click.Command]]:
    """All commands but the studies, by what is typed."""
    for verb in VERBS:
        command = importlib.import_module(f"suite.host.cli.{verb}").command
        yield verb, command
        if isinstance(command, click.Group) and verb != "run":
            yield from ((f"{verb} {name}", inner) for name, inner in command.commands.items())


def test_every_verb_lists_or_does_something() -> None:
    found = dict(commands())
    assert LISTING.keys() <= found.keys() <= LISTING.keys() | DOING
    for name, command in found.items():
        has = any("--json" in parameter.opts for parameter in command.params)
        assert has == (name in LISTING), name


@pytest.fixture
def keys(suite: Suite, workplace: Path) -> dict[str, str]:
    """Two finished runs, of which a number is NaN, and an experiment."""
    (workplace / "file.toml").write_text(
        'question = "?"\n[stages.first]\nstudy = "toy.squares"\ngrid = {seed = [0, 1]}\n'
    )
    for seed in "01":
        assert suite("run", "toy.squares", "--seed", seed).exit_code == 0
    first, second = sorted(path.name for path in workplace.glob("runs/toy.squares/*"))
    return {"RUN": first, "OTHER": second}


@pytest.mark.parametrize("name", LISTING)
def test_what_is_printed_is_json(suite: Suite, keys: dict[str, str], name: str) -> None:
    if name == "query":
        pytest.importorskip("duckdb")
    typed = [keys.get(word, word) for word in LISTING[name].split()]
    result = suite(*name.split(), *typed, "--json")
    assert result.exit_code == (1 if name == "doctor" else 0), result.output  # of the broken plugin
    assert json.loads(result.stdout, parse_constant=pytest.fail) is not None
    if name in ("sweep", "experiment", "reproduce"):
        dry = suite(*name.split(), *typed, "--dry-run", "--json")
        assert json.loads(dry.stdout, parse_constant=pytest.fail)["plan"]
