"""Waits for the end of its input, then kills what else writes files of a folder, and removes the folder."""

import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

_PATIENCE = 10.0  # seconds for killed processes to be gone


def main(folder: Path) -> None:
    """Ends what works in the folder, but for the process that started this one, once the input ends."""
    starter = os.getppid()
    sys.stdin.buffer.read()
    deadline = time.monotonic() + _PATIENCE
    # Again and again: what is killed may just have started another.
    while (left := _working_in(folder, starter)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=1)
    shutil.rmtree(folder, ignore_errors=True)


def _working_in(folder: Path, starter: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it is gone, or another user's
            written = [file.path for file in process.open_files() if getattr(file, "mode", "w") != "r"]
            if process.pid != starter and any(folder in Path(path).parents for path in written):
                found.append(process)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
