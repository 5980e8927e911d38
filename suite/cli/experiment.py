"""`suite experiment FILE.toml`: several studies as one."""

from pathlib import Path

import click

from suite.cli.conducting import carry_out, conducting_options
from suite.cli.options import option, registry
from suite.experiments import definition


@click.command(name="experiment")
@click.argument("file", type=click.Path(path_type=Path))
@option("--preset", metavar="NAME", help="Named set of changes in the file.")
@conducting_options
@click.pass_context
def command(
    ctx: click.Context,
    file: Path,
    preset: str | None,
    device: str,
    runs: Path,
    jobs: int,
    dry_run: bool,
    retry_failed: bool,
) -> None:
    """Run the stages of an experiment, or continue it."""
    experiment = definition.read(file, preset)
    if experiment.question:
        click.echo(f"{experiment.question}\n")
    carry_out(
        experiment, registry(ctx), device=device, runs=runs, jobs=jobs, dry_run=dry_run, retry_failed=retry_failed
    )
