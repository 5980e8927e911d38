"""One point of an experiment: an ordinary run, described by plain values, so that any process can do it."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from suite.errors import SuiteError, one_line
from suite.registry import Registry, load_target
from suite.store import Busy

Status = Literal["finished", "reused", "failed"]

_SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class Point:
    """What to run; picklable.

    Args:
        study: full name.
        values: its config as JSON knows it.
        root: folder of run directories.
        device: as `--device` takes it.
    """

    study: str
    values: Mapping[str, Any]
    root: Path
    device: str = "auto"


@dataclass(frozen=True)
class Outcome:
    """How it went: where the run is (None where it was refused before it had a place), and one line on a failure."""

    status: Status
    run: Path | None
    seconds: float
    error: str = ""


def execute(point: Point) -> Outcome:
    """Runs a point, or takes the finished run that is there; a run that another process works on is waited for."""
    begin, run = time.monotonic(), None

    def outcome(status: Status, error: str = "") -> Outcome:
        return Outcome(status, run, time.monotonic() - begin, error)

    try:
        from suite.run import prepare

        registry = _registry()
        config = registry.config(point.study).model_validate(dict(point.values))
        function = load_target(registry.study(point.study).function)
        while True:
            execution = prepare(point.study, config, registry, root=point.root, device=point.device)
            run = execution.directory.path
            if execution.directory.status() == "finished":
                return outcome("reused")
            with suppress(Busy):
                execution.execute(function)
                return outcome("finished")
            while execution.directory.status() == "running":
                time.sleep(_SECONDS_BETWEEN_LOOKS)
    except SuiteError as error:
        return outcome("failed", str(error))
    except Exception as error:
        return outcome("failed", one_line(error))


@cache
def _registry() -> Registry:
    return Registry()
