"""Which executor a command line asks for."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from suite.errors import SuiteError
from suite.host.executors.local import Local
from suite.host.executors.point import Outcome, Point
from suite.host.executors.ray import Cluster

PROCESSES_A_CORE, PROCESSES_ANYWHERE = 8, 64
"""How many processes are started at most: so many a core, and so many even where there are few cores."""


class Executor(Protocol):
    """Runs points and yields (place in `points`, outcome) as they are done."""

    @property
    def places(self) -> int:
        """How many points it works on at once."""

    def __call__(self, points: Sequence[Point]) -> Iterator[tuple[int, Outcome]]: ...


@contextmanager
def executor(kind: str, jobs: int | None, address: str | None, device: str) -> Iterator[Executor]:
    """The executor that is asked for, until the end of the block.

    Args:
        kind: `local` or `ray`.
        jobs: points at once; None: one here, as many as there are CPUs (or GPUs) with Ray.
        address: of a Ray cluster, `auto` or `HOST:PORT`; None has Ray started here.
        device: as `--device` takes it.

    Raises SuiteError where Ray is not installed, nothing that this machine is part of answers at the address, or more
    processes are asked for than this machine bears.
    """
    if address is None:
        _check_jobs(jobs or 1)
    made: Local | Cluster
    if kind == "ray":
        made = Cluster(address, jobs, device)
    elif address is None:
        made = Local(jobs or 1)
    else:
        raise SuiteError(f"--ray-address {address} is for --executor ray", "add it, or leave the address out")
    try:
        yield made
    finally:
        made.leave()


def _check_jobs(jobs: int) -> None:
    cores = os.cpu_count() or 1
    most = max(PROCESSES_ANYWHERE, PROCESSES_A_CORE * cores)
    if jobs > most:
        what = f"--jobs {jobs}: more than {most} processes for {cores} cores"
        raise SuiteError(what, f"write at most {most}: more than cores make nothing faster")
