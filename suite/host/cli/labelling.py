"""`suite runs tag`, `untag` and `note`: what people say about a run."""

from pathlib import Path

import click

from suite.errors import readable
from suite.host.cli.options import runs_here_option
from suite.host.notes import Notes, note, tag, untag
from suite.host.store import RunDirectory, find_run


@click.command(name="tag")
@click.argument("run")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@runs_here_option()
def tag_run(run: str, names: tuple[str, ...], runs: Path) -> None:
    """Give a run tags, by which `suite runs --tag` finds it.

    Tags and notes lie beside the run's record: its key, results and record stay as they are.
    """
    found = find_run(runs, run)
    _say(found, tag(found, names))


@click.command(name="untag")
@click.argument("run")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@runs_here_option()
def untag_run(run: str, names: tuple[str, ...], runs: Path) -> None:
    """Take tags away from a run."""
    found = find_run(runs, run)
    _say(found, untag(found, names))


@click.command(name="note")
@click.argument("run")
@click.argument("text")
@runs_here_option()
def note_run(run: str, text: str, runs: Path) -> None:
    """Write a note on a run, in place of the one that is there.

    An empty TEXT removes it.
    """
    found = find_run(runs, run)
    _say(found, note(found, text))


def _say(run: RunDirectory, notes: Notes) -> None:
    click.echo(readable(f"{run.name}: {', '.join(notes.tags) or 'no tags'}"))
    if notes.note:
        click.echo(f"  {readable(notes.note)}")
