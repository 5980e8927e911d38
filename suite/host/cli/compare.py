"""`suite compare RUN RUN`: what differs between two runs of a study."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from suite.host.cli.options import json_option, runs_option
from suite.host.cli.text import print_table
from suite.host.plain import plain
from suite.host.store import find_run

MOST = 20  # flipped rows shown; --json has all


@click.command(name="compare")
@click.argument("first")
@click.argument("second")
@runs_option()
@json_option()
def command(first: str, second: str, runs: Path, as_json: bool) -> None:
    """Compare two runs of a study, named by their keys or the beginnings of them.

    Says which option, input, version or code differs, puts the headlines side by side, and compares their tables row by
    row: which yes/no values flipped, with McNemar's exact test, and how far numbers moved, with 95 % limits.
    """
    from suite.host.comparison import compare

    found = asdict(compare(find_run(runs, first), find_run(runs, second)))
    if as_json:
        click.echo(json.dumps(plain(found), allow_nan=False))
        return
    _show("what differs", found["settings"], "nothing: the runs have the same settings, inputs and code")
    _show("headline", found["headline"], "none")
    _show("tables, row by row: second minus first", found["columns"], "no table has rows that can be matched")
    _show(f"rows that changed ({len(found['flipped'])})", found["flipped"][:MOST], "none")
    if len(found["flipped"]) > MOST:
        click.echo(f"and {len(found['flipped']) - MOST} more: --json has all")


def _show(title: str, rows: list[dict[str, Any]], otherwise: str) -> None:
    click.echo(f"{title}\n")
    if rows:
        print_table(rows, [*rows[0]])
    else:
        click.echo(otherwise)
    click.echo()
