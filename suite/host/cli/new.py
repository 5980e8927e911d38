"""`suite new NAME`: a working plugin package, to be made one's own."""

from pathlib import Path

import click

from suite.host.cli.options import option, registry


@click.command(name="new")
@click.argument("name")
@option("--dir", "folder", type=click.Path(path_type=Path), default=".", metavar="DIR", help="Where to put it.")
@click.pass_context
def command(ctx: click.Context, name: str, folder: Path) -> None:
    """Write a plugin package DIR/NAME with a study, a gradient rule and their tests.

    NAME becomes a Python package and the prefix of its studies: a lower-case letter, then letters, digits and _.
    """
    from suite.host.scaffold import check_name, write_package

    known = registry(ctx)
    check_name(name, {*known.modules, *known.gradients})
    for path in write_package(name, folder):
        click.echo(path)
    click.echo(f"next:  pip install -e {folder / name}  and  suite run {name}.flip", err=True)
