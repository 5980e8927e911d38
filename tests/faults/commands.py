"""A command line of its own process group, begun as a shell would, or without the seconds that imports take.

`Started` runs the installed `suite` itself. `Forked` runs the same `main()` in a process forked from a server that has
imported what the command needs and done nothing else, which makes a kill ten times cheaper. Both tell by a text in
their environment what belongs to them, and can be killed alone or with their whole group.
"""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .processes import descendants, left_after, living

PRELOADED = [
    "suite.host.cli", "suite.host.run", "suite.host.analysis", "suite.host.experiments.stages", "suite.host.query",
    "suite.models", "suite.figures", "sklearn.datasets", "torch._dynamo",
    "tests.faults.commands",
]  # fmt: skip
MARKER = "SUITE_FAULTS"
LIMIT = 300  # seconds after which a command hangs


@dataclass(frozen=True)
class Command:
    """A command line, and where it is typed.

    Args:
        words: after `suite`.
        folder: working folder; runs and cache are below it.
        warm: whether it may be forked; what starts processes of its own must not.
    """

    words: tuple[str, ...]
    folder: Path
    warm: bool = True

    @property
    def environment(self) -> dict[str, str]:
        """No setting from outside."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SUITE_")}
        roots = {f"SUITE_{root.upper()}": str(self.folder / root) for root in ("runs", "cache", "data")}
        return kept | roots | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


@dataclass
class Running:
    """A command that has begun, and what it has told."""

    command: Command
    process: Any
    marker: str
    told: Path
    begun: float = field(default_factory=time.monotonic)
    seen: set[int] = field(default_factory=set)

    def send(self, kind: signal.Signals, *, group: bool) -> None:
        """Sends a signal to the command, or to all of its group."""
        self.seen.update(descendants(self.process.pid))
        try:
            (os.killpg if group else os.kill)(self.process.pid, kind)
        except ProcessLookupError:
            return

    def ended(self, seconds: float) -> int | None:
        """The exit code, negative for a signal; None where it still runs after so many seconds."""
        if isinstance(self.process, subprocess.Popen):
            try:
                return self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                return None
        self.process.join(seconds)
        code: int | None = self.process.exitcode
        return code

    def finish(self) -> int:
        """Waits for the end; the exit code. What hangs is killed and fails."""
        code = self.ended(LIMIT)
        if code is None:
            self.send(signal.SIGKILL, group=True)
            raise AssertionError(f"{self.command.words} hangs: {self.told.read_text()}")
        return code

    def left(self, seconds: float) -> list[int]:
        """Processes of the command that live so many seconds after its end; some overwrite their environment."""
        return left_after(seconds, [*{*living(self.marker), *self.seen}])


class Fault(Protocol):
    """What happens to a command that is forked."""

    def arm(self) -> None:
        """Begins, in the command's own process."""


def begin(command: Command, fault: Fault | None = None, told: int = 0) -> Running:
    """Begins a command; `told` tells apart the outputs of several in one folder."""
    marker, output = f"{MARKER}={uuid.uuid4().hex}", command.folder.parent / f"told-{command.folder.name}-{told}"
    environment = command.environment | {MARKER: marker.partition("=")[2]}
    process: Any
    if command.warm:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        process = context.Process(target=_work, args=(command, environment, output, fault))
        process.start()
    else:
        suite = shutil.which("suite", path=str(Path(sys.executable).parent))
        assert suite is not None
        with output.open("w") as file:
            process = subprocess.Popen(
                [suite, *command.words], cwd=command.folder, env=environment, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip
    return Running(command, process, marker, output)


def _work(command: Command, environment: dict[str, str], told: Path, fault: Fault | None) -> None:
    from suite.host.cli import main

    os.setsid()
    os.chdir(command.folder)
    os.environ.clear()
    os.environ.update(environment)
    with told.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["suite", *command.words]
    if fault is not None:
        fault.arm()
    main()


def run(words: Sequence[str], folder: Path, **settings: Any) -> Running:
    """A command from its begin to its end, which must be a good one."""
    running = begin(Command(tuple(words), folder, **settings))
    code = running.finish()
    assert code == 0, f"suite {' '.join(words)}: exit {code}\n{running.told.read_text()}"
    return running
