"""What an experiment would do, told without doing any of it: points, what there is of them, how long the rest takes."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, did_you_mean
from suite.host.experiments.definition import Experiment, Stage, by_lists
from suite.host.experiments.expressions import is_expression
from suite.host.experiments.planning import Blocked, LeftOut, Planned, Planner
from suite.host.experiments.points import Axes, Done, Points
from suite.host.experiments.stages import reusable
from suite.host.registry import Registry
from suite.host.settings import build_config
from suite.host.store import find_runs

Runs = Mapping[str, Sequence[Mapping[str, Any]]]
"""Records of the finished runs by study."""


@dataclass(frozen=True)
class StagePlan:
    """What is known of a stage before any of it runs.

    Args:
        points: how many; None where earlier stages will tell.
        reused: how many of them there are; None where earlier stages will tell.
        left_out: how many have no values (`on_missing`).
        seconds: what a point took by earlier runs of the same settings; None where there is none.
    """

    stage: Stage
    points: int | None
    reused: int | None
    left_out: int
    seconds: float | None

    @property
    def total_seconds(self) -> float | None:
        """What is left of the stage, in one process."""
        if self.points is None or self.seconds is None:
            return 0.0 if self.points is not None and self.points == self.reused else None
        return self.seconds * (self.points - (self.reused or 0))


def plan(experiment: Experiment, planner: Planner, runs: Runs) -> Iterator[StagePlan]:
    """Every stage in turn. Raises SuiteError for what cannot be planned."""
    earlier: dict[str, Points] = {}
    asked = {reference.stage for stage in experiment.stages for reference in stage.references}
    for stage in experiment.stages:
        seconds = usual_seconds(stage, planner.registry, runs)
        if not {reference.stage for reference in stage.references} <= earlier.keys():
            yield StagePlan(stage, by_lists(stage), None, 0, seconds)
            continue
        points, done, failed, left_out = 0, list[Done](), list[Axes](), list[Axes]()
        reused = 0
        for point in planner.points(stage, earlier):
            if isinstance(point, LeftOut):
                left_out.append(point.axes)
            elif isinstance(point, Blocked):
                failed.append(point.axes)
            elif (found := reusable(point)) is not None:
                reused += 1
                done += [found] if stage.name in asked else []
            points += isinstance(point, Planned)
        if reused == points:
            earlier[stage.name] = Points(done, failed, left_out)
        yield StagePlan(stage, points, reused, len(left_out) + len(failed), seconds)


def finished_runs(experiment: Experiment, root: Path) -> Runs:
    """The records of the finished runs of the experiment's studies below a root."""
    found: dict[str, list[Mapping[str, Any]]] = {stage.study: [] for stage in experiment.stages}
    for run in find_runs(root):
        if (of_study := found.get(run.path.parent.name)) is not None:
            content = run.read()
            of_study += [content] if content.get("status") == "finished" else []
    return found


def usual_seconds(stage: Stage, registry: Registry, runs: Runs) -> float | None:
    """Median duration of the study's finished runs with the stage's options, whatever it varies, and the seed."""
    varies = {"seed", *stage.grid, *stage.zipped, *(name for name, value in stage.fixed.items() if _computed(value))}
    given = {name: (value, name) for name, value in stage.fixed.items() if name not in varies}
    try:
        config = build_config(registry.config(stage.study), registry.study(stage.study), given, preset=stage.preset)
    except SuiteError:  # of options that only fit together with what is varied
        return None
    same = {name: value for name, value in config.model_dump(mode="json").items() if name not in varies}
    alike = [run for run in runs[stage.study] if all(run["config"].get(name, "") == same[name] for name in same)]
    return statistics.median(run["timings"]["seconds"] for run in alike) if alike else None


def doubts(experiment: Experiment, runs: Runs) -> Iterator[tuple[str, str]]:
    """(what, remedy) for each number, model or table that a stage is asked for and no earlier run of its study has."""
    studies = {stage.name: stage.study for stage in experiment.stages}
    for reference in dict.fromkeys(found for stage in experiment.stages for found in stage.references):
        study, name = studies[reference.stage], reference.name
        name = name.partition(".")[0] if reference.kind == "tables" else name
        known = [*dict.fromkeys(each for run in runs[study] for each in run[reference.kind])]
        if runs[study] and name not in known and not (name == "*" and known):
            yield f"{reference}: no finished run of {study} has that", did_you_mean(name, known)


def _computed(value: Any) -> bool:
    """Whether there is an expression in a value, also inside lists."""
    return any(map(_computed, value)) if isinstance(value, list) else is_expression(value)
