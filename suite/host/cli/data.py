"""`suite data`: what data sets there are, and getting them."""

import json

import click

from suite.host.cli.helping import Verbs
from suite.host.cli.options import json_option
from suite.host.cli.text import print_table


@click.group(name="data", cls=Verbs, no_args_is_help=False)
def command() -> None:
    """List and prepare data sets."""


@command.command(name="list")
@json_option()
def list_data(as_json: bool) -> None:
    """List data sets and where they are."""
    from suite.data import describe

    if as_json:
        click.echo(json.dumps([row._asdict() for row in describe()]))
        return
    rows = [{**row._asdict(), "present": "yes" if row.present else "no"} for row in describe()]
    print_table(rows, list(rows[0]))


@command.command()
@click.argument("name")
def prepare(name: str) -> None:
    """Download a data set into the data root where it is missing, and decode it into the cache."""
    from suite import data

    dataset = data.prepare(name)
    channels, height, width = dataset.shape
    click.echo(
        f"{name}: {len(dataset.train.labels)} training and {len(dataset.test.labels)} test images, "
        f"{channels} x {height} x {width}, {dataset.num_classes} classes"
    )
