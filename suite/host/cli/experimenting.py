"""What `sweep` and `experiment` share: options, the work, and how it went."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from suite.errors import SuiteError, WorkFailed
from suite.host.cli.options import device_option, executor_options, json_option, option, runs_option
from suite.host.cli.plans import print_plan
from suite.host.cli.text import print_table
from suite.host.cli.tracking import track_option, tracking_uri_option
from suite.host.experiments.definition import Experiment, check
from suite.host.plain import plain
from suite.host.registry import Registry
from suite.host.text import counted
from suite.locks import making_nothing

if TYPE_CHECKING:
    from suite.host.experiments.stages import StageResult

Command = TypeVar("Command", bound=Callable[..., Any])


def experiment_options(command: Command) -> Command:
    """Where and how points are run."""
    for decorate in (
        json_option(),
        option("--retry-failed", is_flag=True, help="Try points again that failed before."),
        option("--dry-run", is_flag=True, help="Print the plan and stop."),
        tracking_uri_option(),
        track_option(),
        executor_options("points"),
        runs_option(),
        device_option(),
    ):
        command = decorate(command)
    return command


def run_experiment(
    experiment: Experiment,
    registry: Registry,
    *,
    device: str,
    runs: Path,
    jobs: int | None,
    kind: str,
    address: str | None,
    dry_run: bool,
    retry_failed: bool,
    as_json: bool,
    on_run: Callable[[Path], None],
) -> None:
    """Plans or runs an experiment and says how it went; `on_run` gets the directories of runs that finished or failed.

    Raises WorkFailed with the number of failed points.
    """
    check(experiment, registry)
    from suite.host.executors import executor
    from suite.host.experiments.planning import Planner
    from suite.host.experiments.reporting import report
    from suite.host.experiments.stages import run_stages
    from suite.host.inputs import choose_device
    from suite.host.store import check_writable

    if device != "auto" and kind == "local":
        choose_device(device)
    if not dry_run:
        check_writable(runs)
    planner = Planner(registry, runs, device if kind == "local" else "auto")  # the GPUs may be elsewhere
    if dry_run:
        with making_nothing():
            print_plan(experiment, planner, jobs or 1, as_json)
        return
    with executor(kind, jobs, address, device) as work:
        results = run_stages(experiment, planner, work, retry_failed=retry_failed, on_outcome=partial(_tell, on_run))
    for result in results:
        for done in result.done:
            on_run(done.directory.path)
    if not as_json:
        _print_stages(results)
    lines = [f"{point}: {error}" for result in results for point, error in result.failed]
    told = f"{counted(len(lines), 'point')} failed, the others are kept; --retry-failed tries again"
    failed, joint = [told] if lines else [], list[Path]()
    try:
        points = {result.stage: result.points for result in results}
        joint = report(experiment, points, runs) if any(result.done for result in results) else []
        if not as_json:
            _show_joint(experiment, joint)
    except SuiteError as error:
        failed.append(f"no joint tables: {error}")
    if as_json:
        click.echo(json.dumps({"stages": [*map(_stage, results)], "files": [*map(str, joint)]}))
    if failed:
        raise WorkFailed("\n  ".join([*failed[:1], *lines, *failed[1:]]))


def _stage(result: "StageResult") -> dict[str, Any]:
    """A stage as `--json` prints it."""
    return {
        "stage": result.stage,
        "reused": result.reused,
        "runs": [{"run": str(done.directory.path), "at": plain(done.axes)} for done in result.done],
        "failed": [{"point": str(point), "why": error} for point, error in result.failed],
        "left_out": [{"point": str(point), "why": point.why} for point in result.left_out],
    }


def _print_stages(results: Sequence["StageResult"]) -> None:
    rows = [
        {"stage": result.stage, "finished": len(result.done), "of these reused": result.reused,
         "failed": len(result.failed), "left out": len(result.left_out)}
        for result in results
    ]  # fmt: skip
    left_out = [point for result in results for point in result.left_out]
    print_table(rows, [name for name in rows[0] if left_out or name != "left out"])
    for point in left_out:
        click.echo(f"left out: {point}: {point.why}", err=True)
    for result in results:
        for done in result.done:
            at = ", ".join(f"{name}={value}" for name, value in done.axes.items())
            click.echo(f"run:      {done.directory.path}  {result.stage} {at}".rstrip())


def _show_joint(experiment: Experiment, written: Sequence[Path]) -> None:
    from suite.tables import read_rows

    for path in written:
        if path.suffix == ".parquet" and path.stem not in experiment.tables:
            shown = read_rows(path)
            click.echo(f"\n{path.stem}\n")
            print_table(shown, [*shown[0]] if shown else [])
            click.echo()
        click.echo(f"{'figure:   ' if path.suffix != '.parquet' else 'table:    '}{path}")


def _tell(on_run: Callable[[Path], None], point: Any, outcome: Any) -> None:
    if outcome.run is not None:
        on_run(outcome.run)
    why = f", {outcome.error}" if outcome.error else ""
    click.echo(f"{point}: {outcome.status}, {outcome.seconds:.1f} s{why}", err=True)


def pairs(texts: tuple[str, ...], flag: str) -> dict[str, str]:
    """`key=value` options as a mapping. Raises SuiteError for one that is none, or given twice."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise SuiteError(f"{flag} {text!r} is not key=value", f"write {flag} option=value")
        if key in found:
            raise SuiteError(f"{flag} gives {key!r} twice", "give each option once")
        found[key] = value.strip()
    return found
