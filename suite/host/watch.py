"""Imported first by the server from which `--jobs` forks its processes: it then ends with the command that started it.

The server watches a pipe for its end only once it has imported everything, which takes seconds, and its own processes
keep that pipe open, too. A timer looks at the parent instead, while Python imports as well; forked processes have none.
"""

import os
import signal
from typing import Any

PARENT = "SUITE_PARENT"
"""The environment variable that names the process to end with: it may be gone before this one has begun to look."""

SECONDS_BETWEEN_LOOKS = 0.25


def end_with(parent: int) -> None:
    """Ends this process as soon as its parent is not that one; for the main thread. Ctrl-C is for the parent alone."""

    def look(*_: Any) -> None:
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_BETWEEN_LOOKS, SECONDS_BETWEEN_LOOKS)
    look()


if (_parent := os.environ.pop(PARENT, None)) is not None:
    end_with(int(_parent))
