"""What comes back from a Ray cluster, without one: twice, late, or never since the head node is gone."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from suite.errors import WorkFailed
from suite.host.executors import Outcome, Point
from suite.host.executors import ray as on_ray
from suite.host.executors.node import Reply
from suite.host.store import RunDirectory

from ..test_store import MANIFEST

FINISHED = Outcome("finished", None, 1.0)


def reply(seconds: float) -> Reply:
    """A run that took so long, from a node that does not see the driver's folder."""
    content = {**MANIFEST, "timings": {**MANIFEST["timings"], "seconds": seconds}}
    files = {"s/k/run.json": json.dumps(content).encode(), "s/k/tables/rows.parquet": b"rows"}
    return Reply(FINISHED, files=files)


@pytest.fixture
def point(tmp_path: Path) -> Point:
    return Point("s", {}, tmp_path / "runs", "k", {})


def seconds(point: Point) -> float:
    return float(RunDirectory(point.root / "s" / "k").read()["timings"]["seconds"])


def test_a_result_that_arrives_twice_is_stored_once(point: Point) -> None:
    assert on_ray._come_home(point, reply(1.0)) == on_ray._come_home(point, reply(2.0)) == FINISHED
    assert seconds(point) == 1.0
    assert sorted(path.name for path in (point.root / "s/k").rglob("*") if path.is_file()) == [
        "lock", "rows.parquet", "run.json"
    ]  # fmt: skip


def test_a_result_that_arrives_while_another_is_stored_changes_nothing(
    point: Point, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = RunDirectory.open

    def late(run: RunDirectory) -> None:
        monkeypatch.setattr(RunDirectory, "open", opened)
        on_ray._come_home(point, reply(1.0))
        run.open()

    monkeypatch.setattr(RunDirectory, "open", late)
    on_ray._come_home(point, reply(2.0))
    assert seconds(point) == 1.0


class Lost(Exception):
    """A worker died."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Callable[..., on_ray.Cluster]:
    """A cluster of one place whose tasks come back as scripted: nothing for now (None), a reply, or an exception."""

    def make(script: Sequence[Any], port: int) -> on_ray.Cluster:
        events, sent = iter(script), list[Any]()

        def wait(refs: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
            event = next(events)
            if event is None:
                return [], refs
            refs[0].event = event
            return refs[:1], refs[1:]

        def get(ref: Any) -> Any:
            if isinstance(ref.event, Exception):
                raise ref.event
            return ref.event

        def remote(errand: Any) -> Any:
            sent.append(errand)
            return _Ref()

        ray, exceptions = ModuleType("ray"), ModuleType("ray.exceptions")
        exceptions.RayError, exceptions.RayTaskError = Lost, type("RayTaskError", (Exception,), {})  # type: ignore[attr-defined]
        context = SimpleNamespace(gcs_address=f"127.0.0.1:{port}", get_node_id=lambda: "home")
        for name, value in {
            "remote": lambda _: SimpleNamespace(options=lambda **_: SimpleNamespace(remote=remote)),
            "wait": wait, "get": get, "exceptions": exceptions, "get_runtime_context": lambda: context, "sent": sent,
        }.items():  # fmt: skip
            setattr(ray, name, value)
        monkeypatch.setitem(sys.modules, "ray", ray)
        monkeypatch.setitem(sys.modules, "ray.exceptions", exceptions)
        made = on_ray.Cluster.__new__(on_ray.Cluster)
        made._jobs, made._device = 1, "cpu"
        monkeypatch.setattr(on_ray.Cluster, "_demand", lambda _: on_ray.Demand(1, 0, 1))
        return made

    return make


class _Ref:
    """What stands for a task's result."""

    event: Any = None


def test_a_command_on_ray_ends_by_sigterm_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray puts handlers of its own in place: one waits for a dead cluster, one prints its stack and aborts."""
    ray = pytest.importorskip("ray", reason="pip install 'suite-robustness[ray]'")
    before, during = signal.getsignal(signal.SIGTERM), []

    def init(**_: Any) -> None:
        ray._private.utils.set_sigterm_handler(print)
        during.append(signal.getsignal(signal.SIGTERM))
        signal.signal(signal.SIGTERM, lambda *_: None)

    monkeypatch.setattr(ray, "init", init)
    on_ray._connect("127.0.0.1:1", 1, None)
    assert [*during, signal.getsignal(signal.SIGTERM)] == [before, before]


def test_a_crash_after_an_interrupted_connection_is_not_reached(tmp_path: Path) -> None:
    """Ray may end such a process by a signal, among what Python calls at its end."""
    pytest.importorskip("ray", reason="pip install 'suite-robustness[ray]'")
    script = """
import atexit, os, signal
import ray
from suite.host.cli import main

def interrupted(**_):
    atexit.register(os.kill, os.getpid(), signal.SIGSEGV)
    raise KeyboardInterrupt

ray.init = interrupted
main()
"""
    typed = ["sweep", "phase_transition.linear", "--preset", "smoke", "--grid", "seed=0,1", "--executor", "ray"]
    command = [sys.executable, "-c", script, *typed, "--runs", str(tmp_path / "runs")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 130 and ended.stderr.endswith("interrupted (the same command continues)\n"), ended


def test_a_slow_worker_is_waited_for_and_no_second_one_sent(point: Point, cluster: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        slow = cluster([None, None, None, reply(1.0)], head.getsockname()[1])
        assert [*slow([point])] == [(0, FINISHED)]
    assert len(sys.modules["ray"].sent) == 1


def test_a_head_node_that_is_gone_ends_the_run_in_one_line(point: Point, cluster: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        port = head.getsockname()[1]
    line = (
        rf"the head node of the Ray cluster, 127.0.0.1:{port}, is gone \(Connection refused\) "
        r"\(start it again: what is finished is kept, and the same command continues\)"
    )
    for event in (None, Lost("the node died")):
        with pytest.raises(WorkFailed, match=line):
            next(cluster([event], port)([point]))
    outcomes = cluster([reply(1.0), None], port)([point, point])
    assert next(outcomes) == (0, FINISHED)  # what has arrived is told first
    with pytest.raises(WorkFailed):
        next(outcomes)
