"""A share of a run's parts, computed beside the process that holds the run."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from suite.host.run import Run
from suite.host.store import RunDirectory
from suite.measuring import Part


def compute_share(run: Run, function: Callable[[Any, Run], None], names: Sequence[str]) -> None:
    """Runs a study as far as the parts of these names, in a directory that another process holds, and stores them."""

    def share(parts: Sequence[Part]) -> None:
        mine = [(name, compute) for name, compute in parts if name in names]
        for name, compute in mine:
            run.once(name, compute)
        if mine:
            raise _ShareDone

    run.directory = _Lent(run.directory.path)
    run.before_each = share
    with suppress(_ShareDone):
        function(run.config, run)


class _Lent(RunDirectory):
    """A directory whose lock another process holds, for this one too."""

    @property
    def is_open(self) -> bool:
        return True


class _ShareDone(BaseException):
    """The share is computed; the rest of the study is not for this process. No study's `except Exception` sees it."""
