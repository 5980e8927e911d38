"""`suite sweep STUDY`: a study at every combination of values."""

from functools import partial
from pathlib import Path

import click

from suite.host.cli.experimenting import experiment_options, pairs, run_experiment
from suite.host.cli.options import option, registry
from suite.host.cli.tracking import tracking
from suite.host.experiments import definition
from suite.paths import runs_at
from suite.refs import split_list


@click.command(name="sweep")
@click.argument("study")
@option("--grid", multiple=True, metavar="OPTION=A,B,...", help="Values of an option; every combination is a run.")
@option("--set", "fixed", multiple=True, metavar="OPTION=VALUE", help="A value that all runs share.")
@option("--preset", metavar="NAME", help="Named set of values of the study.")
@experiment_options
@click.pass_context
def command(
    ctx: click.Context,
    study: str,
    grid: tuple[str, ...],
    fixed: tuple[str, ...],
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
    """Run a study at every combination of the values of --grid.

    Every point is a run like any other: what an earlier command has made is taken, and the same command continues
    after any interruption.
    """
    ctx.with_resource(runs_at(runs))
    axes = {name: split_list(values) for name, values in pairs(grid, "--grid").items()}
    experiment = definition.sweep(study, preset, pairs(fixed, "--set"), axes)
    with tracking(track, tracking_uri) as note:
        run_experiment(
            experiment, registry(ctx), device=device, runs=runs, jobs=jobs, kind=executor, address=ray_address,
            dry_run=dry_run, retry_failed=retry_failed, as_json=as_json, on_run=partial(note, study),
        )  # fmt: skip
