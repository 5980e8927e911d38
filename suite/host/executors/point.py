"""One point of an experiment: an ordinary run, described by plain values, so that any process can do it."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from platform import node
from typing import Any, Literal

from suite.errors import SuiteError, one_line
from suite.host.completion import complete
from suite.host.executors.share import compute_share
from suite.host.preparing import prepare
from suite.host.registry import Registry, load_target
from suite.host.run import Run
from suite.host.store import Busy
from suite.paths import runs_at

Status = Literal["finished", "reused", "failed"]

SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class Point:
    """What to run; picklable.

    Args:
        study: full name.
        values: its config as JSON knows it.
        root: folder of run directories.
        key: name of the run's directory as planned; a process that comes to another refuses.
        origins: `Run.origins` where it was planned, to say what differs.
        device: as `--device` takes it.
        parts: names of the parts to compute, of a run that another process holds; None does the whole run.
    """

    study: str
    values: Mapping[str, Any]
    root: Path
    key: str
    origins: Mapping[str, str]
    device: str = "auto"
    parts: tuple[str, ...] | None = None


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
        with runs_at(point.root):  # where `run:RUN/NAME` is looked up
            study = registry().study(point.study)
            while True:
                execution = _prepared(point)
                run = execution.directory.path
                if point.parts is not None:
                    compute_share(execution, load_target(study.measure), point.parts)
                    return outcome("finished")
                with suppress(Busy):
                    return outcome("reused" if complete(execution, registry()) == "nothing" else "finished")
                execution.directory.wait()
    except SuiteError as error:
        return outcome("failed", str(error))
    except Exception as error:
        return outcome("failed", one_line(error))


def restore(name: str, value: str | None) -> None:
    """Puts an environment variable back to an earlier value; None: it was not set."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _prepared(point: Point) -> Run:
    config = registry().config(point.study).model_validate(dict(point.values))
    run = prepare(point.study, config, registry(), root=point.root, device=point.device)
    if run.key != point.key:
        differing = [name for name, digest in run.origins.items() if digest != point.origins.get(name)]
        what = f"{' and '.join(differing) or 'the config'} on {node()} is not what the point was planned with"
        raise SuiteError(what, "every process needs the same suite, plugins, data and weights; changed them? run again")
    return run


@cache
def registry() -> Registry:
    """The plugins, read once a process."""
    return Registry()
