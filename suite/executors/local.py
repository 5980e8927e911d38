"""Points in this process, or in several on this machine that share its cores and GPUs."""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

from suite.executors.point import Outcome, Point, execute

ATTEMPTS = 3  # a point whose process dies this often is given up

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run_locally(points: Sequence[Point], jobs: int = 1) -> Iterator[tuple[int, Outcome]]:
    """Runs points, each in the first process that is free; yields (place in `points`, outcome) as they are done.

    Args:
        points: what to run.
        jobs: processes > 0; 1 works in this one. Each of several gets its share of the cores, and the GPUs in turn.

    A process that dies (killed, out of memory) is replaced, and its point tried again, three times at most. Leaving the
    iterator early ends the processes.
    """
    if jobs == 1:
        yield from ((place, execute(point)) for place, point in enumerate(points))
        return
    todo = deque(range(len(points)))
    attempts = [0] * len(points)
    workers = [_Worker(number, jobs) for number in range(min(jobs, len(points)))]
    try:
        for worker in workers:
            worker.give(todo.popleft(), points)
        while busy := [worker for worker in workers if worker.place is not None]:
            ready = wait([worker.connection for worker in busy])
            for worker in [worker for worker in busy if worker.connection in ready]:
                place = worker.place
                assert place is not None
                outcome = worker.take()
                if outcome is None:
                    attempts[place] += 1
                    worker.restart()
                    if attempts[place] < ATTEMPTS:
                        todo.appendleft(place)
                    else:
                        outcome = Outcome("failed", None, 0.0, f"its process died {ATTEMPTS} times (out of memory?)")
                if outcome is not None:
                    yield place, outcome
                if todo:
                    worker.give(todo.popleft(), points)
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that runs points one after another."""

    def __init__(self, number: int, jobs: int) -> None:
        self.number, self.jobs = number, jobs
        self.place: int | None = None
        self._start()

    def give(self, place: int, points: Sequence[Point]) -> None:
        self.place = place
        self.connection.send(replace(points[place], device=_device(points[place].device, self.number)))

    def take(self) -> Outcome | None:
        """The outcome that has arrived; None where the process died."""
        self.place = None
        try:
            outcome = self.connection.recv()
        except (EOFError, OSError):
            return None
        assert isinstance(outcome, Outcome)
        return outcome

    def restart(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()

    def _start(self) -> None:
        # Spawned, since neither torch's threads nor CUDA survive a fork; it reads the variables at its start.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        threads = str(max(1, (os.cpu_count() or 1) // self.jobs))
        before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, threads))
        try:
            self.process = context.Process(target=_work, args=(theirs,), daemon=True)
            self.process.start()
        finally:
            for name, value in before.items():
                _restore(name, value)
        theirs.close()


def _work(connection: "Connection[Any, Any]") -> None:
    """The life of a process: points come in, outcomes go out, until the other end closes."""
    while True:
        try:
            point = connection.recv()
        except EOFError:
            return
        connection.send(execute(point))


def _device(device: str, number: int) -> str:
    """`auto` and `cuda` go to the GPUs in turn where there are any."""
    if device not in ("auto", "cuda"):
        return device
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return f"cuda:{number % count}" if count else device


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
