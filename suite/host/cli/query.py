"""`suite query SQL`: everything that has been run, as tables."""

import json
from pathlib import Path

import click

from suite.host.cli.options import json_option, runs_option
from suite.host.cli.text import print_table


@click.command(name="query")
@click.argument("sql")
@runs_option()
@json_option()
def command(sql: str, runs: Path, as_json: bool) -> None:
    """Read runs with SQL (DuckDB).

    The view `runs` has a row for every run, with its headline and config as JSON, its tags as a list and its note;
    `rows_NAME` has the rows of all finished runs' tables NAME, each with its `run`. For example:

    suite query "SELECT run, headline FROM runs WHERE study = 'linbp.attack'"
    """
    from suite.host.plain import plain
    from suite.host.query import query

    columns, rows = query(sql, runs)
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    if as_json:
        click.echo(json.dumps(plain(named), default=str, allow_nan=False))
    else:
        print_table(named, columns)
