"""An experiment from its first stage to its last: what is there is taken, the rest is run, failures are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.errors import SuiteError, WorkFailed
from suite.host.completion import is_made
from suite.host.executors import Executor, Outcome, Point
from suite.host.experiments.definition import Experiment, Stage
from suite.host.experiments.planning import Blocked, LeftOut, Planned, Planner
from suite.host.experiments.points import Done, Points
from suite.host.experiments.record import Record


@dataclass
class StageResult:
    """What became of a stage's points: finished (of these reused), failed or without values, and left out."""

    stage: str
    done: list[Done] = field(default_factory=list)
    failed: list[tuple[Planned | Blocked, str]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    reused: int = 0

    @property
    def points(self) -> Points:
        """As later stages refer to them."""
        failed = [point.axes for point, _ in self.failed]
        return Points(self.done, failed, [point.axes for point in self.left_out])


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
    record = Record(planner.root, experiment)
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
    points: Sequence[Planned | Blocked | LeftOut],
    planner: Planner,
    executor: Executor,
    record: Record,
    retry_failed: bool,
    on_outcome: Callable[[Planned, Outcome], None] | None,
) -> StageResult:
    result, waiting = StageResult(stage.name), list[Planned]()
    planned = [point for point in points if isinstance(point, Planned)]
    result.failed += [(point, point.why) for point in points if isinstance(point, Blocked)]
    result.left_out += [point for point in points if isinstance(point, LeftOut)]
    for point in planned:
        if (found := reusable(point)) is not None:
            result.done.append(found)
            result.reused += 1
        elif not retry_failed and (line := record.failure(point)):
            result.failed.append((point, line))
        else:
            waiting.append(point)
    for place, outcome in executor(_Tasks(stage, waiting, planner)):
        ran = waiting[place]
        if on_outcome is not None:
            on_outcome(ran, outcome)
        if outcome.status == "failed" or (found := finished_run(ran)) is None:
            error = outcome.error or "the run did not finish"
            result.failed.append((ran, error))
            record.note_failure(ran, error)
        else:
            result.done.append(found)
    order = {point.directory.path: number for number, point in enumerate(planned)}
    result.done.sort(key=lambda done: order[done.directory.path])
    record.note(stage, planned, [(point, why) for point, why in result.failed if isinstance(point, Planned)])
    return result


class _Tasks(Sequence[Point]):
    """The points for an executor, each described when it is asked for: there may be very many."""

    def __init__(self, stage: Stage, points: Sequence[Planned], planner: Planner) -> None:
        self._stage, self._points, self._planner = stage, points, planner

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, place: Any) -> Any:
        point, planner = self._points[place], self._planner
        values, origins = point.config.model_dump(mode="json"), planner.origins(self._stage.study, point.config)
        return Point(self._stage.study, values, planner.root, point.directory.path.name, origins, planner.device)


def reusable(point: Planned) -> Done | None:
    """The point's run where it was made when it was planned."""
    return finished_run(point) if point.begun else None


def finished_run(point: Planned) -> Done | None:
    """The point's run where it is made."""
    content = point.directory.read()
    return Done(point.axes, point.directory, content) if is_made(content, point.study) else None
