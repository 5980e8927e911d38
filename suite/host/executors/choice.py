"""Which executor a command line asks for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from suite.errors import SuiteError
from suite.host.executors.local import Local
from suite.host.executors.point import Outcome, Point
from suite.host.executors.ray import Cluster


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

    Raises SuiteError where Ray is not installed, or nothing that this machine is part of answers at the address.
    """
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
