"""What `run` says about a run directory; read from the directory alone."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import click

from suite.host.cli.text import print_lines, print_table
from suite.host.store import RunDirectory
from suite.host.text import counted, format_headline
from suite.host.verdicts import CLAIMS

_OF_CLAIMS = ("claim", "setting", "value", "low", "high", "n", "published", "source", "verdict", "note")
_OF_NUMBERS = ("value", "low", "high", "n", "published")


def as_json(run: RunDirectory) -> str:
    """The one JSON object of `--json`: names to paths."""
    content = run.read()
    return json.dumps(
        {
            "run": str(run.path),
            "study": content["study"],
            "status": run.status(),
            "headline": content["headline"],
            "seen": content["seen"],
            "tables": {name: str(run.path / table["file"]) for name, table in content["tables"].items()},
            "figures": {name: str(run.path / figure["svg"]) for name, figure in content["figures"].items()},
            "models": {name: str(run.path / file) for name, file in content["models"].items()},
        }
    )


def _columns(table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """All columns, but of claims those that fit a terminal and say something."""
    if table != CLAIMS:
        return list(rows[0]) if rows else []
    return [name for name in _OF_CLAIMS if any(row[name] is not None for row in rows) or name not in _OF_NUMBERS]


def print_tables(run: RunDirectory, content: Mapping[str, Any], most: int | None = None) -> None:
    """The tables that the study shows; of each at most so many rows."""
    from suite.tables import read_rows  # polars, for runs that are shown

    for shown in content["shown"]:
        rows = read_rows(run.path / content["tables"][shown["table"]]["file"])
        columns = shown["columns"] or _columns(shown["table"], rows)
        click.echo(f"{shown['title'] or shown['table']}\n")
        print_table(rows[:most], columns)
        if most is not None and len(rows) > most:
            click.echo(f"and {counted(len(rows) - most, 'more row')}")
        click.echo()


def print_results(run: RunDirectory, following: Mapping[str, str]) -> None:
    """The tables that the study shows, its headline, where everything is, what was seen, and commands to try next."""
    content = run.read()
    print_tables(run, content)
    if content["headline"]:
        click.echo("headline: " + "; ".join(f"{name} = {text}" for name, text in format_headline(content).items()))
    for figure in content["figures"].values():
        click.echo(f"figure:   {run.path / figure['png']}")
    click.echo(f"run:      {run.path} ({run.status()}, {content['timings']['seconds']:.1f} s)")
    print_lines("What was seen", content["seen"])
    if following:
        options = {name: shlex.quote(str(value)) for name, value in content["config"].items()}
        commands = {
            re.sub(r"{(\w+)}", lambda name: options.get(name[1], name[0]), command): purpose
            for command, purpose in following.items()
        }
        width = max(map(len, commands))
        click.echo("\nNext")
        for command, purpose in commands.items():
            click.echo(f"  {command.ljust(width)}  # {purpose}")
