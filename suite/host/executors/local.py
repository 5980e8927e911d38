"""Points in this process, or in several on this machine that share its cores and GPUs."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from typing import Any

from suite.host.allocator import keep_freed_memory
from suite.host.executors.point import Outcome, Point, execute, restore
from suite.host.watch import PARENT

ATTEMPTS = 3  # a point whose process dies this often is given up

# The end with the parent, then what nearly every point needs: torch, polars, SciPy, Foolbox, matplotlib. Imported once,
# however many processes.
_PRELOADED = [
    "suite.host.watch",
    "suite.host.run",
    "suite.host.analysis",
    "suite.models",
    "suite.attacks",
    "suite.figures",
]


class Local:
    """Runs points here, `places` at once: in this process if that is one, else each in the first process that is free.

    Several share the cores, and get the GPUs in turn. One that dies (killed, out of memory) is replaced, and its point
    tried again, three times at most. They live until `leave`. What they need is imported while the points are planned.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._workers: list[_Worker] = []
        if places > 1:
            with _environment(places):
                _context().set_forkserver_preload(_PRELOADED)
                ensure_running()

    def __call__(self, points: Sequence[Point]) -> Iterator[tuple[int, Outcome]]:
        """Runs points; yields (place in `points`, outcome) as they are done."""
        if self.places > 1:
            return self._in_processes(points)
        return ((place, execute(point)) for place, point in enumerate(points))

    def leave(self) -> None:
        """Ends the processes, also from the middle of a point."""
        while self._workers:
            self._workers.pop().end()

    def _in_processes(self, points: Sequence[Point]) -> Iterator[tuple[int, Outcome]]:
        todo, attempts = deque(range(len(points))), [0] * len(points)
        while len(self._workers) < min(self.places, len(points)):
            self._workers.append(_Worker(len(self._workers), self.places))
        for worker in self._workers[: len(points)]:
            worker.give(todo.popleft(), points)
        while busy := [worker for worker in self._workers if worker.place is not None]:
            ready = wait([worker.connection for worker in busy])
            for worker in [worker for worker in busy if worker.connection in ready]:
                place = worker.place
                assert place is not None
                outcome = worker.take()
                if outcome is None:
                    attempts[place] += 1
                    if attempts[place] < ATTEMPTS:
                        todo.appendleft(place)
                    else:
                        outcome = Outcome("failed", None, 0.0, f"its process died {ATTEMPTS} times (out of memory?)")
                if outcome is not None:
                    yield place, outcome
                if todo:
                    worker.give(todo.popleft(), points)


class _Worker:
    """A process that runs points one after another."""

    def __init__(self, number: int, jobs: int) -> None:
        self.number, self.jobs = number, jobs
        self.place: int | None = None
        self._start()

    def give(self, place: int, points: Sequence[Point]) -> None:
        point = replace(points[place], device=_device(points[place].device, self.number))
        self.place = place
        try:
            self.connection.send(point)
        except OSError:  # it died, at its last point or while it had nothing to do
            self.end()
            self._start()
            self.connection.send(point)

    def take(self) -> Outcome | None:
        """The outcome that has arrived; None where the process died."""
        self.place = None
        try:
            outcome = self.connection.recv()
        except (EOFError, OSError):
            return None
        assert isinstance(outcome, Outcome)
        return outcome

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()

    def _start(self) -> None:
        self.connection, theirs = _context().Pipe()
        with _environment(self.jobs):
            self.process = _context().Process(target=_work, args=(theirs, _inherited()), daemon=True)
            self.process.start()
        theirs.close()


def _context() -> ForkServerContext:
    """Processes are forked from a server that has imported and done nothing: threads and CUDA would survive no fork."""
    return multiprocessing.get_context("forkserver")


@contextmanager
def _environment(jobs: int) -> Iterator[None]:
    """Within the block the environment says how many threads each of so many processes may have, and whose they are."""
    variables = thread_variables((os.cpu_count() or 1) // jobs) | {PARENT: str(os.getpid())}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            restore(name, value)


def _inherited() -> dict[str, str]:
    """The environment of a process that the server forks; whose the server is, is for the server alone."""
    return {name: value for name, value in os.environ.items() if name != PARENT}


def _work(connection: "Connection[Any, Any]", environment: Mapping[str, str]) -> None:
    """The life of a process: points come in, outcomes go out, until the other end closes or its process dies.

    Args:
        environment: of the process that started this one; the server's may be older.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its processes
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    keep_freed_memory()
    import torch

    torch.set_num_threads(int(environment["OMP_NUM_THREADS"]))
    while True:
        try:
            point = connection.recv()
        except EOFError:
            return
        connection.send(execute(point))


def _end_with_parent() -> None:
    """A parent that was killed takes its processes along, also from the middle of a point."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def thread_variables(threads: int) -> dict[str, str]:
    """What to set at the start of a process that is to compute in so many threads, at least in one."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(names, str(max(1, threads)))


def _device(device: str, number: int) -> str:
    """`auto` and `cuda` go to the GPUs in turn where there are any."""
    if device not in ("auto", "cuda"):
        return device
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return f"cuda:{number % count}" if count else device
