"""`suite experiment FILE.toml`: several studies as one."""

from functools import partial
from pathlib import Path

import click

from suite.errors import readable
from suite.host.cli.experimenting import experiment_options, run_experiment
from suite.host.cli.options import option, registry
from suite.host.cli.tracking import tracking
from suite.host.experiments import definition
from suite.paths import runs_at


@click.command(name="experiment")
@click.argument("file", type=click.Path(path_type=Path))
@option("--preset", metavar="NAME", help="Named set of changes in the file.")
@experiment_options
@click.pass_context
def command(
    ctx: click.Context,
    file: Path,
    preset: str | None,
    device: str,
    runs: Path,
    jobs: int | None,
    executor: str,
    ray_address: str | None,
    track: str | None,
    tracking_uri: str | None,
    dry_run: bool,
    retry_failed: bool,
    as_json: bool,
) -> None:
    """Run the stages of an experiment, or continue it."""
    experiment = definition.read(file, preset)
    ctx.with_resource(runs_at(runs))
    if experiment.question and not as_json:
        click.echo(f"{readable(experiment.question)}\n")
    with tracking(track, tracking_uri) as note:
        run_experiment(
            experiment, registry(ctx), device=device, runs=runs, jobs=jobs, kind=executor, address=ray_address,
            dry_run=dry_run, retry_failed=retry_failed, as_json=as_json, on_run=partial(note, experiment.name),
        )  # fmt: skip
