"""What an experiment would do, in words and for programs."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from suite.host.cli.text import print_table
from suite.host.experiments.definition import Experiment, Stage
from suite.host.text import format_minutes

if TYPE_CHECKING:
    from suite.host.experiments.estimates import StagePlan
    from suite.host.experiments.planning import Planner


def print_plan(experiment: Experiment, planner: "Planner", jobs: int, as_json: bool) -> None:
    """Stages with their points, what there is of them, and what the rest takes; doubts go to stderr."""
    from suite.host.experiments.estimates import doubts, finished_runs, plan

    runs = finished_runs(experiment, planner.root)
    stages = [*plan(experiment, planner, runs)]
    if as_json:
        lacking = [*map(str, planner.lacking)]
        click.echo(json.dumps({"plan": [*map(_stage, stages)], "lacking": lacking}, allow_nan=False))
    else:
        _print(stages, jobs)
        for what in planner.lacking:
            click.echo(f"{what}: the first run that needs it makes it")
    for what, remedy in doubts(experiment, runs):
        click.echo(f"warning: {what} ({remedy})", err=True)


def _stage(each: "StagePlan") -> dict[str, Any]:
    """For programs: None for what earlier stages or runs do not tell yet; seconds are those of one process."""
    return {
        "stage": each.stage.name,
        "study": each.stage.study,
        "after": _needs(each.stage),
        "points": each.points,
        "reused": each.reused,
        "to_run": _to_run(each),
        "left_out": each.left_out,
        "seconds": each.total_seconds,
    }


def _print(stages: Sequence["StagePlan"], jobs: int) -> None:
    rows = [
        {
            "stage": each.stage.name,
            "study": each.stage.study,
            "points": _points(each.points, each.stage) if each.reused is None else each.points,
            "reused": each.reused,
            "to run": _to_run(each),
            "left out": each.left_out,
            "about": "?" if each.total_seconds is None else format_minutes(each.total_seconds / jobs / 60),
        }
        for each in stages
    ]
    left_out = any(row["left out"] for row in rows)
    print_table(rows, [name for name in rows[0] if left_out or name != "left out"])
    unknown = [each.stage.name for each in stages if each.total_seconds is None]
    click.echo(_estimate(sum(each.total_seconds or 0.0 for each in stages) / jobs, unknown, len(rows), jobs))


def _to_run(each: "StagePlan") -> int | None:
    return None if each.reused is None or each.points is None else each.points - each.reused


def _points(count: int | None, stage: Stage) -> str:
    return f"after {_needs(stage)}" if count is None else f"{count}, after {_needs(stage)}"


def _estimate(seconds: float, unknown: Sequence[str], stages: int, jobs: int) -> str:
    """How long it takes in words; what no earlier run tells of is said to be unknown, not nothing."""
    if len(unknown) == stages:
        return "how long it takes is not known: no earlier run has these settings"
    processes = "one process" if jobs == 1 else f"{jobs} processes"
    without = f", without {', '.join(unknown)}: not known yet" if unknown else ""
    return f"about {format_minutes(seconds / 60)} in {processes}, by earlier runs{without}"


def _needs(stage: Stage) -> str:
    return ", ".join(sorted({reference.stage for reference in stage.references}))
