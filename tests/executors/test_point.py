"""A point is refused by a process that would come to another run, and says what differs."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.host.executors import Local, Point, execute
from suite.host.executors.local import thread_variables
from suite.host.executors.point import registry
from suite.host.preparing import prepare


def planned(root: Path, **values: Any) -> Point:
    """What a driver plans for draws."""
    run = prepare("gated.draws", registry().config("gated.draws")(**values), registry(), root=root)
    return Point(run.study, run.config.model_dump(mode="json"), root, run.key, run.origins)


def test_the_run_that_was_planned_or_none(gated: Path, gate: Any) -> None:
    point = planned(gated / "runs")
    elsewhere = replace(point, key="0" * 16, origins={**point.origins, "code": "0" * 64})
    refused = execute(elsewhere)
    assert (refused.status, refused.run) == ("failed", None)
    assert refused.error.startswith("code on ") and "is not what the point was planned with" in refused.error
    assert execute(replace(point, key="0" * 16)).error.startswith("the config on ")
    assert not (gated / "runs").exists()
    assert execute(point).status == "finished"
    assert execute(point).status == "reused"
    assert [name for name, _, _ in gate.passed()] == ["1", "2", "3", "4"]


def test_threads_are_shared_and_nobody_is_left_without() -> None:
    assert set(thread_variables(3).values()) == {"3"}
    assert set(thread_variables(0).values()) == {"1"}


def test_processes_serve_stage_after_stage_and_one_that_was_killed_is_replaced(gated: Path, gate: Any) -> None:
    stages = [[planned(gated / "runs", numbers=(number,)) for number in pair] for pair in ((1, 2), (3, 4))]
    work = Local(2)
    assert {outcome.status for _, outcome in work(stages[0])} == {"finished"}
    first, second = {pid for _, pid, _ in gate.passed()}
    os.kill(first, signal.SIGKILL)
    gate.until(lambda: not Path(f"/proc/{first}").exists())
    assert {outcome.status for _, outcome in work(stages[1])} == {"finished"}
    work.leave()
    served = {pid for _, pid, _ in gate.passed()}
    assert {first, second} < served and len(served) == 3
    gate.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in served))


@pytest.mark.parametrize("places", [1, 2])
def test_nothing_to_do(places: int) -> None:
    work = Local(places)
    assert list(work([])) == []
    work.leave()
