"""A signal at the n-th file operation below a folder: between two of them lies what a kill at a random time misses."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "fcntl.flock", "shutil.rmtree"}
NO_SIGNAL = 0


@dataclass(frozen=True)
class Strike:
    """When and how.

    Args:
        folder: operations elsewhere do not count.
        at: number of the operation before which the signal comes, from 1.
        kind: the signal; NO_SIGNAL only counts.
        count: a file that tells, once the process has ended by itself, how many there were.
        group: whether the whole process group gets it.
    """

    folder: Path
    at: int
    kind: int
    count: Path
    group: bool = False

    def arm(self) -> None:
        """From now on operations of this process count."""
        seen, root = 0, str(self.folder)

        def look(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal seen
            if event not in CHANGES or not _is_change(event, arguments, root):
                return
            seen += 1
            if self.kind == NO_SIGNAL:
                os.pwrite(counter, f"{seen:9}".encode(), 0)
            elif seen == self.at:
                (os.killpg if self.group else os.kill)(os.getpid(), self.kind)

        counter = os.open(self.count, os.O_WRONLY | os.O_CREAT)
        sys.addaudithook(look)


def _is_change(event: str, arguments: tuple[Any, ...], root: str) -> bool:
    if event == "fcntl.flock":
        return True
    if not str(arguments[0]).startswith(root):
        return False
    return event != "open" or bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
"""What kills; the hardest half of the time."""
