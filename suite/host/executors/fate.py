"""A cluster of our own ends with this process, however that one dies.

Ray's processes notice that their driver was killed, but some only after a minute. So a process of its own
(`reaper.py`), which no signal to this one's group reaches, waits for the end of this one and kills what is left.
Ray's processes are known by their logs, which are in a folder of the cluster's own: they overwrite their environment
and their command lines.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

_LONGEST = 28  # characters of the folder for temporary files: below it stand sockets, whose paths may have 107
_REAPER = Path(__file__).with_name("reaper.py")  # run, not imported: psutil comes with Ray


class Fate:
    """The end of all processes that log into `folder`, and of the folder, when this process dies or calls `end`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir=_temporary())).resolve()
        # With safe paths (-P) the files beside the reaper, such as ray.py, hide no package from it.
        command = [sys.executable, "-P", str(_REAPER), str(self.folder)]
        # Not our output: whoever reads that to its end need not wait for the reaper.
        self._reaper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def end(self) -> None:
        """Kills what still lives; returns when it is gone."""
        self._reaper.communicate()


def _temporary() -> str:
    """Where Ray would work, or `/tmp` where that is too long."""
    usual = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    return usual if len(os.path.realpath(usual)) <= _LONGEST else "/tmp"
