"""An experiment from its first stage to its last: what is there is taken, the rest is run, failures are kept."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, WorkFailed
from suite.files import atomic
from suite.host.executors import Executor, Outcome, Point
from suite.host.experiments.definition import Experiment, Stage
from suite.host.experiments.planning import Blocked, Planned, Planner
from suite.host.experiments.points import Done, Points
from suite.host.store import RunDirectory, plain


@dataclass
class StageResult:
    """What became of a stage's points: finished (of these reused), and those that failed or could not be planned."""

    stage: str
    done: list[Done] = field(default_factory=list)
    failed: list[tuple[Planned | Blocked, str]] = field(default_factory=list)
    reused: int = 0

    @property
    def points(self) -> Points:
        """As later stages refer to them."""
        return Points(self.done, [point.axes for point, _ in self.failed])


def plan(experiment: Experiment, planner: Planner) -> Iterator[tuple[Stage, list[Planned] | None]]:
    """Every stage with its points; None where they depend on runs that are not there yet."""
    earlier: dict[str, Points] = {}
    for stage in experiment.stages:
        needed = {reference.stage for reference in stage.references}
        if not needed <= earlier.keys():
            yield stage, None
            continue
        points = [point for point in planner.points(stage, earlier) if isinstance(point, Planned)]
        finished = [found for point in points if (found := finished_run(point)) is not None]
        if len(finished) == len(points):
            earlier[stage.name] = Points(finished)
        yield stage, points


def run_stages(
    experiment: Experiment,
    planner: Planner,
    executor: Executor,
    *,
    retry_failed: bool = False,
    on_outcome: Callable[[Planned, Outcome], None] | None = None,
) -> list[StageResult]:
    """Runs what is missing, stage after stage, and notes the points beside the runs, in `experiments/NAME.json`.

    A point that failed is left as it is, also by a later call, unless `retry_failed`; the others go on, and of later
    stages those points that ask nothing of it.

    Raises:
        SuiteError: a stage cannot be planned: a value that an option refuses, a reference that finds nothing;
            WorkFailed where stages before it are done.
    """
    results: list[StageResult] = []
    earlier: dict[str, Points] = {}
    record = Record(planner.root / "experiments" / f"{experiment.name}.json", experiment)
    for stage in experiment.stages:
        try:
            points = [*planner.points(stage, earlier)]
        except SuiteError as error:
            if results:
                raise WorkFailed(error.what, f"{error.remedy}; what earlier stages made is kept") from error
            raise
        result = _conduct_stage(stage, points, planner, executor, record, retry_failed, on_outcome)
        results.append(result)
        earlier[stage.name] = result.points
    return results


def _conduct_stage(
    stage: Stage,
    points: Sequence[Planned | Blocked],
    planner: Planner,
    executor: Executor,
    record: "Record",
    retry_failed: bool,
    on_outcome: Callable[[Planned, Outcome], None] | None,
) -> StageResult:
    result, waiting = StageResult(stage.name), list[Planned]()
    for point in points:
        if isinstance(point, Blocked):
            result.failed.append((point, point.why))
        elif (found := finished_run(point)) is not None:
            result.done.append(found)
            result.reused += 1
        elif not retry_failed and (line := record.failure(point)):
            result.failed.append((point, line))
        else:
            waiting.append(point)
    for place, outcome in executor([_task(stage, point, planner) for point in waiting]):
        ran = waiting[place]
        if on_outcome is not None:
            on_outcome(ran, outcome)
        if outcome.status == "failed" or (found := finished_run(ran)) is None:
            error = outcome.error or "the run did not finish"
            result.failed.append((ran, error))
            record.note_failure(ran, error)
        else:
            result.done.append(found)
    order = {point.directory.path: number for number, point in enumerate(points) if isinstance(point, Planned)}
    result.done.sort(key=lambda done: order[done.directory.path])
    record.note(stage, [point for point in points if isinstance(point, Planned)], result)
    return result


def report(experiment: Experiment, results: Sequence[StageResult], root: Path) -> list[Path]:
    """Writes the experiment's joint tables and figures to `experiments/NAME/`, in place of what is there.

    Returns their paths. Raises SuiteError where a table, a column or a value that they ask for is not there.
    """
    from suite.figures import render  # SciPy, polars and matplotlib, which a plan can do without
    from suite.host.experiments import joint
    from suite.tables import frame_bytes

    points = {result.stage: result.points for result in results}
    folder, written, made = root / "experiments" / experiment.name, list[Path](), dict[str, Any]()
    for name, table in experiment.tables.items():
        made[name] = joint.collect(table, points)
        if table.mean is not None:
            made[f"{name}_means"] = joint.means(table, made[name])
        if table.versus:
            made[f"{name}_differences"] = joint.differences(table, made[name])
    files = {f"{name}.parquet": frame_bytes(frame) for name, frame in made.items()}
    for name, figure in experiment.figures.items():
        kind = "differences" if figure.differences else "means"
        drawn = render(joint.draw(figure, made[f"{figure.table}_{kind}"]), name)
        files |= {f"{name}.{ending}": data for ending, data in drawn.items()}
    for name, data in files.items():
        written.append(folder / name)
        with atomic(written[-1]) as file:
            file.write(data)
    for path in folder.glob("*.*"):
        if path not in written:  # of an earlier form of the experiment
            path.unlink()
    return written


def finished_run(point: Planned) -> Done | None:
    """The point's run where it is finished."""
    content = point.directory.read()
    return Done(point.axes, point.directory, content) if content.get("status") == "finished" else None


class Record:
    """`experiments/NAME.json`: the experiment, its points and their runs, and what failed why."""

    def __init__(self, path: Path, experiment: Experiment) -> None:
        self.path = path
        before, names = _read(path), [stage.name for stage in experiment.stages]
        self._failures: dict[str, str] = before.get("failures", {})
        self._content: dict[str, Any] = {
            "name": experiment.name,
            "question": experiment.question,
            "argv": sys.argv,
            "stages": {name: stage for name, stage in before.get("stages", {}).items() if name in names},
        }

    def failure(self, point: Planned) -> str:
        """The line of an earlier failure of this very run; empty where there was none."""
        return self._failures.get(_name(point.directory), "")

    def note_failure(self, point: Planned, error: str) -> None:
        """Stores at once why a run failed: an interruption must not have it tried again."""
        self._failures[_name(point.directory)] = error
        self._write()

    def note(self, stage: Stage, points: Sequence[Planned], result: StageResult) -> None:
        """Stores a finished stage."""
        for point in points:
            self._failures.pop(_name(point.directory), None)
        self._failures |= {
            _name(point.directory): error for point, error in result.failed if isinstance(point, Planned)
        }
        self._content["stages"][stage.name] = {
            "study": stage.study,
            "points": [{"axes": dict(point.axes), "run": _name(point.directory)} for point in points],
        }
        self._write()

    def _write(self) -> None:
        with atomic(self.path) as file:
            content = {**self._content, "failures": self._failures}
            file.write(json.dumps(plain(content), indent=1).encode() + b"\n")


def _task(stage: Stage, point: Planned, planner: Planner) -> Point:
    values, origins = point.config.model_dump(mode="json"), planner.origins(stage.study, point.config)
    return Point(stage.study, values, planner.root, point.directory.path.name, origins, planner.device)


def _name(directory: RunDirectory) -> str:
    return f"{directory.path.parent.name}/{directory.path.name}"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    parts = (content.get(part, {}) for part in ("failures", "stages")) if isinstance(content, dict) else [None]
    return content if all(isinstance(part, dict) for part in parts) else {}
