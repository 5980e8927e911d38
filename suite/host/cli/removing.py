"""`suite runs rm`, `gc` and `du`: what the store takes, and getting rid of it; nothing is removed without --yes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from suite.errors import SuiteError, WorkFailed
from suite.host.cli.options import json_option, option, runs_here_option
from suite.host.cli.text import print_table
from suite.host.cli.times import parse_since
from suite.host.removal import Contents, collect, contents, garbage, remove
from suite.host.sizes import Sizes, sizes
from suite.host.store import RunDirectory, find_run
from suite.host.text import counted, format_bytes
from suite.paths import cache_root

LARGEST = 10  # runs shown; --json has all

_yes = click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")  # never by environment


@click.command(name="rm")
@click.argument("keys", nargs=-1, required=True, metavar="RUN...")
@_yes
@runs_here_option()
@json_option()
def remove_runs(keys: tuple[str, ...], yes: bool, runs: Path, as_json: bool) -> None:
    """Remove runs, named by their keys or the beginnings of them.

    Only with --yes. A run that is worked on is refused. Files that the suite did not make stay, with their folder.
    """
    found = {run.path: run for run in (find_run(runs, key) for key in keys)}.values()
    planned = [(run, contents(run, runs)) for run in found]
    for run, _ in planned:
        if run.status_of(run.read()) == "running":
            raise SuiteError(f"{run.name} is running", "wait for it or stop it")
    done = [(run, remove(run, runs)) for run, _ in planned] if yes else planned
    if as_json:
        click.echo(json.dumps([_removed(run, inside, yes) for run, inside in done]))
        return
    for run, inside in done:
        click.echo(f"{'removed' if yes else 'would remove'} {run.name}, {format_bytes(inside.size)}")
        for path in inside.foreign:
            click.echo(f"  stays, with its folder: {path} (not made by the suite)")
    _say_dry(yes)


@click.command(name="gc")
@option("--older-than", default="30d", show_default=True, metavar="DATE|AGE",
        help="Spare runs to which something was written since.")  # fmt: skip
@_yes
@runs_here_option()
@json_option()
def collect_garbage(older_than: str, yes: bool, runs: Path, as_json: bool) -> None:
    """Remove what nobody asks for: old failed or interrupted runs, and leftovers.

    Only with --yes. Leftovers are the parts of runs that have no record any more, and temporary files of processes
    that were killed. Finished runs stay, and so do runs with a tag or a note, runs that are worked on or cannot be
    read, and folders in which there is anything that the suite did not make.
    """
    found, failed = garbage(runs, parse_since(older_than, "--older-than")), list[str]()
    for one in found if yes else ():
        try:
            collect(one, runs)
        except SuiteError as error:  # of one; the others go
            failed.append(str(error))
    rows = [{"path": str(one.path), "why": one.why, "bytes": one.size} for one in found]
    if as_json:
        click.echo(json.dumps({"removed": yes, "garbage": rows, "failed": failed}))
    elif rows:
        print_table([{**row, "size": format_bytes(one.size)} for row, one in zip(rows, found, strict=True)],
                    ["path", "why", "size"])  # fmt: skip
        total = format_bytes(sum(one.size for one in found))
        click.echo(f"\n{'removed' if yes else 'would remove'} {total} in {counted(len(found), 'place')}")
        _say_dry(yes)
    else:
        click.echo(f"nothing to remove in {runs}")
    if failed:
        raise WorkFailed("\n  ".join([f"{counted(len(failed), 'place')} not removed", *failed]))


@click.command(name="du")
@runs_here_option()
@json_option()
def disk_usage(runs: Path, as_json: bool) -> None:
    """Show how large studies, runs and the cache are."""
    cache = cache_root()
    found = sizes(runs, cache)
    if as_json:
        told = {"studies": found.studies, "runs": found.runs, "store": found.store, "cache": found.cache}
        click.echo(json.dumps(told))
        return
    _print_sizes(f"store  {runs}, {format_bytes(found.store)}", _by_study(found))
    largest = _largest(found.runs, "run")
    if len(found.runs) > LARGEST:
        _print_sizes(f"the largest {LARGEST} of {len(found.runs)} runs (--json has all)", largest[:LARGEST])
    else:
        _print_sizes("runs", largest)
    _print_sizes(f"cache  {cache}, {format_bytes(sum(found.cache.values()))}", _largest(found.cache, "folder"))


def _removed(run: RunDirectory, inside: Contents, yes: bool) -> dict[str, Any]:
    return {"run": run.name, "removed": yes, "bytes": inside.size, "stays": [str(path) for path in inside.foreign]}


def _say_dry(yes: bool) -> None:
    if not yes:
        click.echo("nothing was removed: --yes does it", err=True)


def _by_study(found: Sizes) -> list[dict[str, Any]]:
    counts = {study: sum(run.startswith(f"{study}/") for run in found.runs) for study in found.studies}
    return [{**row, "runs": counts[row["study"]]} for row in _largest(found.studies, "study")]


def _largest(named: dict[str, int], what: str) -> list[dict[str, Any]]:
    ordered = sorted(named.items(), key=lambda pair: -pair[1])
    return [{what: name, "size": format_bytes(size)} for name, size in ordered]


def _print_sizes(title: str, rows: Sequence[dict[str, Any]]) -> None:
    click.echo(title)
    if rows:
        click.echo()
        print_table(rows, [*rows[0]])
    click.echo()
