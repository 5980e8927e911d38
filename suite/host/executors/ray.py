"""Points as Ray tasks: on a cluster made with `ray start --head`, or on one that is started here and ends with us."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from suite.errors import InterruptedHalfway, SuiteError, WorkFailed, one_line
from suite.host.executors.fate import Fate
from suite.host.executors.local import ATTEMPTS, thread_variables
from suite.host.executors.node import RemotePoint, Reply, work
from suite.host.executors.point import SECONDS_BETWEEN_LOOKS, Outcome, Point
from suite.host.executors.transfer import appear, marked, unpack
from suite.host.store import Busy, RunDirectory
from suite.paths import cache_root, data_root

log = logging.getLogger("suite")

_PATIENCE = 10  # seconds for a machine to answer
_PATIENCE_WITH_PYTHON = 15  # the same where an interpreter has to start and to import Ray first
_SECONDS_BETWEEN_LOOKS = 5.0  # at the head node, without which Ray would end this process after a minute
_SECONDS_BETWEEN_WARNINGS = 60.0
_STORE = 100 * 2**20  # bytes for objects of a cluster of our own: next to nothing passes through it
_PROBE = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"
_QUIET = {  # read when Ray is imported
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning of what will change some day
    "RAY_DEDUP_LOGS": "1",  # both: else the end of a node is told on our stdout
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # Ray's name for: listen on 127.0.0.1 alone


@dataclass(frozen=True)
class Demand:
    """What a point takes of a cluster, and how many find room in it at once."""

    cpus: int
    gpus: int
    places: int


def demand(nodes: Sequence[Mapping[str, float]], jobs: int | None, device: str) -> Demand:
    """A point's share of a cluster.

    Args:
        nodes: resources of each, under `CPU` and `GPU`.
        jobs: points at once, which share the CPUs; None: as many as there are GPUs, or CPUs where none is used.
        device: `auto` and `cuda` take a GPU each where there are any.
    """
    graphic = [node for node in nodes if node.get("GPU", 0) >= 1]
    gpus = 1 if graphic and device != "cpu" else 0
    of_use = graphic if gpus else nodes
    cpus = [int(node.get("CPU", 0)) for node in of_use]
    places = jobs or (int(sum(node["GPU"] for node in graphic)) if gpus else sum(cpus))
    fair = sum(cpus) // places if places else 0
    return Demand(max(1, min(fair, max(cpus, default=1))), gpus, places)


class Cluster:
    """Runs points as Ray tasks. A point whose worker or node dies is tried again, three times at most.

    The cluster is joined, or started, when there are points, until `leave`.

    Args: as of `suite.host.executors.executor`.

    Raises SuiteError where Ray is not installed, or the address does not answer.
    """

    def __init__(self, address: str | None, jobs: int | None, device: str) -> None:
        self._address, self._jobs = address, jobs
        self._device = "cuda" if device.startswith("cuda") else device
        self._fate: Fate | None = None  # of a cluster of our own, once it is started
        if find_spec("ray") is None:
            raise SuiteError("--executor ray: Ray is not installed", "pip install 'suite-robustness[ray]'")
        if address is None and find_spec("psutil") is None:
            raise SuiteError("--executor ray: psutil is not installed", "pip install 'suite-robustness[ray]'")
        os.environ.update(_QUIET if address is not None else _QUIET | _LOOPBACK)
        if address is not None:
            _check(address)

    @property
    def places(self) -> int:
        """How many points it works on at once."""
        return self._demand().places

    def __call__(self, points: Sequence[Point]) -> Iterator[tuple[int, Outcome]]:
        """Runs points; yields (place in `points`, outcome) as they are done.

        Raises SuiteError for `cuda` on a cluster without.
        """
        if points:
            asked = self._demand()
            if self._device == "cuda" and not asked.gpus:
                raise SuiteError("--device cuda: no node of the Ray cluster has a GPU", "use --device auto or cpu")
            with marked(points[0].root.absolute()) as mark:
                yield from self._run(points, mark, asked)

    def leave(self) -> None:
        """Ends what still runs, and the cluster where it is ours."""
        try:
            if (ray := sys.modules.get("ray")) is not None:
                ray.shutdown()
        finally:
            if self._fate is not None:
                self._fate.end()

    def _run(self, points: Sequence[Point], mark: str, asked: Demand) -> Iterator[tuple[int, Outcome]]:
        import ray
        from ray.exceptions import RayTaskError

        threads = {"env_vars": thread_variables(asked.cpus)}
        task = ray.remote(work).options(
            num_cpus=asked.cpus, num_gpus=asked.gpus, max_retries=0, runtime_env=threads
        )  # fmt: skip
        head, warned = ray.get_runtime_context().gcs_address, time.monotonic()
        todo, attempts, running = deque(range(len(points))), [0] * len(points), dict[Any, int]()
        while todo or running:
            while todo and len(running) < (self._jobs or self.places + 1):  # one more, for a node that may join
                place = todo.popleft()
                running[task.remote(self._errand(points[place], mark))] = place
            ready, _ = ray.wait([*running], timeout=_SECONDS_BETWEEN_LOOKS)
            if not ready:
                _check_head(head)
            if not ready and self.places == 0 and time.monotonic() - warned >= _SECONDS_BETWEEN_WARNINGS:
                warned = time.monotonic()
                log.warning("no node of the Ray cluster is left to work; waiting for one: ray start --address=...")
            for ref in ready:
                place = running.pop(ref)
                try:
                    yield place, _come_home(_absolute(points[place]), ray.get(ref))
                except RayTaskError as error:  # the worker could not even begin
                    yield place, Outcome("failed", None, 0.0, _cause(error))
                except ray.exceptions.RayError as error:
                    _check_head(head)
                    attempts[place] += 1
                    if attempts[place] < ATTEMPTS:
                        todo.appendleft(place)
                    else:
                        line = f"its worker died {ATTEMPTS} times (out of memory?): {one_line(error)}"
                        yield place, Outcome("failed", None, 0.0, line)

    def _demand(self) -> Demand:
        import ray

        if not ray.is_initialized():
            if self._address is None and self._fate is None:
                self._fate = Fate()
            _connect(self._address, self._jobs, self._fate)
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        return demand(nodes, self._jobs, self._device)

    def _errand(self, point: Point, mark: str) -> RemotePoint:
        import ray

        roots = {"SUITE_DATA": data_root().absolute(), "SUITE_CACHE": cache_root().absolute()}
        sent = replace(_absolute(point), device=self._device)
        return RemotePoint(sent, mark, ray.get_runtime_context().get_node_id(), Path.cwd(), roots, sys.argv)


def _absolute(point: Point) -> Point:
    return replace(point, root=point.root.absolute())


def _connect(address: str | None, jobs: int | None, fate: Fate | None) -> None:
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if fate is not None:
        cores = os.cpu_count() or 1
        settings |= {"num_cpus": max(cores, jobs or 1), "include_dashboard": False, "object_store_memory": _STORE}
        settings |= {"_temp_dir": str(fate.folder)}
    import ray

    at_term = signal.getsignal(signal.SIGTERM)
    try:
        with _own_answer_to_sigterm():
            ray.init(address=address or "local", **settings)
    except KeyboardInterrupt as error:
        raise InterruptedHalfway from error
    except Exception as error:
        raise SuiteError(f"--executor ray: {one_line(error)}", "see ray status") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(
            signal.SIGTERM, at_term or signal.SIG_DFL
        )  # Ray's own prints its stack and aborts; its processes end without it


@contextmanager
def _own_answer_to_sigterm() -> Iterator[None]:
    """Within the block Ray sets no handler of its own, which would wait half a minute for a cluster that is dead."""
    from ray._private import utils

    rays = getattr(utils, "set_sigterm_handler", None)  # no public name: another Ray may have none
    if rays is None:
        yield
        return
    utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = rays


def _check(address: str) -> None:
    """Raises SuiteError where no cluster answers that this machine is in. Ray itself would end the process then."""
    remedy = "start it with ray start --head, join it with ray start --address=HOST:PORT"
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise SuiteError(f"--ray-address: {address!r} is no address", "write auto or HOST:PORT")
        try:
            socket.create_connection((host, int(port)), _PATIENCE).close()
        except OSError as error:
            what = f"--ray-address {address}: nothing answers ({error.strerror or error})"
            raise SuiteError(what, remedy) from error
    command = [sys.executable, "-c", _PROBE, address]
    try:
        probe = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_WITH_PYTHON)
    except subprocess.TimeoutExpired as error:
        what = f"--ray-address {address}: no Ray cluster answers in {_PATIENCE_WITH_PYTHON} s"
        raise SuiteError(what, remedy) from error
    if probe.returncode:
        last = (probe.stderr.strip().splitlines() or ["no Ray cluster"])[-1]
        raise SuiteError(f"--ray-address {address}: {last}", remedy)


def _check_head(address: str) -> None:
    """Raises WorkFailed where the cluster's head node is gone: no point can begin, and none be waited for."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError as error:
        what = f"the head node of the Ray cluster, {address}, is gone ({error.strerror or error})"
        raise WorkFailed(what, "start it again: what is finished is kept, and the same command continues") from error


def _come_home(point: Point, reply: Reply) -> Outcome:
    """The outcome, once what the run stored is seen where a local process would have left it."""
    appear(point.root, reply.stored)
    try:
        if point.parts is not None:  # of a run that this very process holds
            unpack(reply.files, point.root)
        elif reply.files:
            _store(reply.files, point)
    except SuiteError as error:
        return replace(reply.outcome, status="failed", error=str(error))
    return reply.outcome


def _store(files: Mapping[str, bytes], point: Point) -> None:
    """Writes a run that was made elsewhere, unless another process has made it here in the meantime."""
    directory = RunDirectory(point.root / point.study / point.key)
    while directory.status() != "finished":
        with suppress(Busy):
            directory.open()
            try:
                if directory.status() != "finished":  # else it has arrived, or was made here, a moment ago
                    unpack(files, point.root)
            finally:
                directory.close()
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _cause(error: Any) -> str:
    return one_line(error.cause) if isinstance(error.cause, Exception) else one_line(error)
