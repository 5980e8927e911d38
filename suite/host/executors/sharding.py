"""One run in several processes: whoever holds it has its parts computed by others, which run the same study beside it.

Each of them executes the very same function on the very same directory as far as `Run.each`, computes the parts of its
share there, stores them, and stops. Draws are keyed by sample and part, so that nobody can tell afterwards.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from suite.host.executors.choice import Executor, executor
from suite.host.executors.point import Point
from suite.host.run import Run
from suite.measuring import Part

log = logging.getLogger("suite")


@contextmanager
def spreading(run: Run, kind: str, jobs: int | None, address: str | None) -> Iterator[None]:
    """Within the block the parts that the run gives to `each` are computed by the executor that is asked for."""
    with executor(kind, jobs, address, str(run.device)) as work:
        if kind == "ray" or (jobs or 1) > 1:
            run.before_each = partial(spread, run, executor=work)
        yield


def spread(run: Run, parts: Sequence[Part], executor: Executor) -> None:
    """Has those parts that are not stored yet computed, in as many shares as the executor works on at once.

    What a share leaves undone (its process died, or it failed) is said, and is for the caller to compute.
    """
    missing = [name for name, _ in parts if not run.has(name)]
    count = min(executor.places, len(missing))
    if count == 0:
        return
    shares = [tuple(missing[number::count]) for number in range(count)]
    values, root = run.config.model_dump(mode="json"), run.directory.path.parents[1]
    whole = Point(run.study, values, root, run.key, run.origins, str(run.device))
    points = [replace(whole, parts=share) for share in shares]
    log.info("%d parts in %d shares", len(missing), count)
    for place, outcome in executor(points):
        how = f"; it failed, what it lacks is computed here: {outcome.error}" if outcome.error else ""
        log.info("a share of %d parts: %.1f s%s", len(shares[place]), outcome.seconds, how)
