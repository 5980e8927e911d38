"""`suite view`: the store in a browser."""

from pathlib import Path

import click

from suite.errors import SuiteError
from suite.host.cli.options import option, registry, runs_option
from suite.host.cli.report import describer


@click.command(name="view")
@option("--port", type=click.IntRange(0, 65535), default=0, show_default="one that is free", help="Where to listen.")
@runs_option()
@click.pass_context
def command(ctx: click.Context, port: int, runs: Path) -> None:
    """Show the store in a browser: runs, what is running, verdicts, comparisons, reports.

    Pages are served to this machine alone, under an address that holds a random token, until Ctrl-C. Nothing is
    written: what runs, runs elsewhere.
    """
    try:
        from suite.host.view.server import serve
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        what = f"suite view needs {error.name}, which is not installed"
        raise SuiteError(what, "pip install 'suite-robustness[view]'") from None
    serve(runs, describer(registry(ctx)), port, _say)


def _say(address: str) -> None:
    click.echo(f"view:     {address}")
    click.echo("Ctrl-C ends it", err=True)
