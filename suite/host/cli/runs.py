"""`suite runs`: what has been run."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import click

from suite.errors import SuiteError
from suite.host.cli.options import registry, runs_option
from suite.host.cli.results import print_results
from suite.host.cli.text import format_table
from suite.host.registry import Registry
from suite.host.store import RunDirectory, find_run, find_runs
from suite.host.text import format_value, text_of

Defaults = Callable[[str], Mapping[str, Any]]

_here = click.option(  # the same option after the verb, where it is as likely to be typed
    "--runs",
    type=click.Path(path_type=Path),
    default=lambda: click.get_current_context().obj,
    help="Folder of run directories.",
)


@click.group(name="runs", invoke_without_command=True, no_args_is_help=False)
@runs_option()
@click.pass_context
def command(ctx: click.Context, runs: Path) -> None:
    """List runs, or show one."""
    ctx.obj = runs
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_runs, runs=runs)


@command.command(name="list")
@_here
@click.pass_context
def list_runs(ctx: click.Context, runs: Path) -> None:
    """List all runs, the newest last."""
    found = [(run, run.read()) for run in find_runs(runs)]
    if not found:
        click.echo(f"no runs in {runs}")
        return
    known = registry(ctx)
    defaults = cache(partial(_defaults, known))
    rows = sorted((_row(run, content, defaults) for run, content in found), key=lambda row: str(row["when"]))
    click.echo(format_table(rows, list(rows[0])))


@command.command()
@click.argument("key")
@_here
def show(runs: Path, key: str) -> None:
    """Show a run by its key or the beginning of it."""
    run = find_run(runs, key)
    content = run.read_written()
    described = {name: value for name, value in content.items() if name not in ("shown", "tables", "figures", "models")}
    click.echo(json.dumps(described, indent=2))
    for table in content["tables"].values():
        click.echo(f"table:    {run.path / table['file']} ({table['rows']} rows)")
    if run.status() == "finished":
        print_results(run, {})
    else:
        click.echo(f"run:      {run.path} ({run.status()})")


def _row(run: RunDirectory, content: dict[str, Any], defaults: Defaults) -> dict[str, Any]:
    headline = ", ".join(f"{name} {format_value(value)}" for name, value in content.get("headline", {}).items())
    return {
        "study": run.path.parent.name,
        "key": run.path.name,
        "status": run.status_of(content) if content else "unreadable",
        "when": content.get("timings", {}).get("started", ""),
        "headline": headline,
        "options": _options(content.get("config", {}), defaults(run.path.parent.name)),
    }


def _defaults(known: Registry, study: str) -> dict[str, Any]:
    """A study's options where nothing is given, as JSON holds them; none where it is no longer installed."""
    with suppress(SuiteError):
        return known.config(study).model_validate({}).model_dump(mode="json")
    return {}


def _options(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """What a run's config has other than the defaults."""
    chosen = {name: value for name, value in config.items() if name not in defaults or defaults[name] != value}
    return ", ".join(f"{name}={text_of(value)}" for name, value in chosen.items())
