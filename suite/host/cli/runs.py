"""`suite runs`: what has been run."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from suite.errors import SuiteError
from suite.host.cli import labelling, listing, removing, showing, terminal
from suite.host.cli.helping import Verbs
from suite.host.cli.options import json_option, option, registry, runs_here_option, runs_option
from suite.host.cli.times import parse_since
from suite.host.store import find_run

Command = TypeVar("Command", bound=Callable[..., Any])


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Thousands of records are trees: to search them for cycles again and again takes a fifth of the time."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def _listing_options(command: Command) -> Command:
    """Which runs are listed, and how."""
    for decorate in (
        json_option(),
        option("--wide", is_flag=True, help="Show whole texts, however wide the terminal is."),
        option("--sort", type=click.Choice(listing.ORDERS), default="started", show_default=True,
               help="What the list is sorted by."),
        option("--since", metavar="DATE|AGE", help="Only runs started since 2026-11-28, or in the last 12h or 2d."),
        option("--status", type=click.Choice(listing.STATUSES), help="Only runs of this status."),
        option("--tag", metavar="NAME", help="Only runs with this tag."),
        option("--study", metavar="NAME", help="Only runs of this study, or of all studies of this module."),
    ):  # fmt: skip
        command = decorate(command)
    return command


@click.group(name="runs", cls=Verbs, invoke_without_command=True, no_args_is_help=False)
@_listing_options
@runs_option()
@click.pass_context
def command(ctx: click.Context, /, runs: Path, **asked: Any) -> None:
    """List, show, label and remove runs."""
    ctx.obj = runs
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_runs, runs=runs, **asked)
        return
    typed = click.core.ParameterSource.COMMANDLINE
    for name in asked:
        if ctx.get_parameter_source(name) is typed:
            raise SuiteError(f"options follow the verb: suite runs {ctx.invoked_subcommand} ...")


@command.command(name="list")
@_listing_options
@runs_here_option()
@click.pass_context
def list_runs(
    ctx: click.Context,
    runs: Path,
    study: str | None,
    tag: str | None,
    status: str | None,
    since: str | None,
    sort: str,
    wide: bool,
    as_json: bool,
) -> None:
    """List runs, the newest last.

    A terminal gets a line a run that fits it; a file or a pipe, and --wide, whole texts.
    """
    ctx.with_resource(_no_search_for_cycles())
    moment = None if since is None else parse_since(since, "--since")
    rows = listing.run_rows(runs, listing.Asked(study, tag, status, moment, sort), registry(ctx))
    if as_json:
        click.echo(listing.as_json(rows))
    elif rows:
        click.echo(listing.as_text(rows, None if wide else terminal.width()))
    else:
        such = " that are meant" if study or tag or status or since else ""
        click.echo(f"no runs{such} in {runs}")


@command.command()
@click.argument("run")
@runs_here_option()
@json_option()
@click.pass_context
def show(ctx: click.Context, run: str, runs: Path, as_json: bool) -> None:
    """Show a run, named by its key or the beginning of it."""
    found = find_run(runs, run)
    if as_json:
        click.echo(showing.as_json(found, found.read_written(), registry(ctx)))
    else:
        showing.print_run(found, found.read_written(), registry(ctx))


for verb in (
    labelling.tag_run, labelling.untag_run, labelling.note_run,
    removing.remove_runs, removing.collect_garbage, removing.disk_usage,
):  # fmt: skip
    command.add_command(verb)
