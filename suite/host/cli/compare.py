"""`suite compare RUN RUN`: what differs between two runs of a study."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.errors import WorkFailed
from suite.host.cli.options import json_option, runs_option
from suite.host.cli.text import print_pairs, print_table
from suite.host.plain import plain
from suite.host.store import find_run
from suite.host.text import format_value, text_of
from suite.numbers import format_estimate

if TYPE_CHECKING:
    from suite.host.comparison import Comparison

DIGEST = re.compile(r"[0-9a-f]{64}")
MOST = 20  # flipped rows shown; --json has all


@click.command(name="compare")
@click.argument("first")
@click.argument("second")
@runs_option()
@json_option()
def command(first: str, second: str, runs: Path, as_json: bool) -> None:
    """Compare two runs of a study, named by their keys or the beginnings of them.

    Says which option, input, version or code differs, puts the headlines side by side, and compares their tables row by
    row: which yes/no values flipped, with McNemar's exact test, and how far numbers moved, with 95 % limits. With
    nothing to compare the exit code is 1, and the reasons are given.
    """
    from suite.host.comparison import compare

    compared = compare(find_run(runs, first), find_run(runs, second))
    if as_json:
        found = {**asdict(compared), "comparable": compared.comparable}
        click.echo(json.dumps(plain(found), allow_nan=False))
    else:
        _print(compared)
    if not compared.comparable:
        raise WorkFailed("nothing of these runs can be compared", "choose runs that share more settings")


def _print(compared: "Comparison") -> None:
    settings = [{name: text_of(_short(value)) for name, value in row.items()} for row in compared.settings]
    headline = [{name: format_value(value) for name, value in row.items()} for row in compared.headline]
    _show("what differs", settings, "nothing: the runs have the same settings, inputs and code")
    _show("headline", headline, "none")
    if compared.columns:
        _show("tables, row by row: second minus first", [*map(_column, compared.columns)], "")
        _show(f"rows that changed ({len(compared.flipped)})", compared.flipped[:MOST], "none")
    if len(compared.flipped) > MOST:
        click.echo(f"and {len(compared.flipped) - MOST} more: --json has all\n")
    print_pairs("not compared", {row["table"]: row["why"] for row in compared.unmatched})


def _short(value: Any) -> Any:
    """The beginning of a digest; all else as it is."""
    return value[:12] if isinstance(value, str) and DIGEST.fullmatch(value) else value


def _column(row: Mapping[str, Any]) -> dict[str, Any]:
    """A column of a table: how many rows differ, and McNemar's test or the mean difference, where there is one."""
    mean = format_estimate(row["mean"], row["low"], row["high"])
    return {**{name: value for name, value in row.items() if name not in ("mean", "low", "high")}, "mean": mean}


def _show(title: str, rows: Sequence[dict[str, Any]], otherwise: str) -> None:
    click.echo(f"{title}\n")
    if rows:
        print_table(rows, [name for name in rows[0] if any(row[name] not in (None, "-") for row in rows)])
    else:
        click.echo(otherwise)
    click.echo()
