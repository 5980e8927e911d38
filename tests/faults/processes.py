"""Processes as Linux tells of them in /proc: who is whose child, who lives, who was started by whom."""

import os
import signal
import time
from pathlib import Path


def status(process: int) -> list[str] | None:
    """Of `/proc/PID/stat` what follows the name: state, parent, ...; None where there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def is_alive(process: int) -> bool:
    """Whether it is there and no mere exit code."""
    return (status(process) or ["Z"])[0] != "Z"


def descendants(process: int) -> list[int]:
    """A process's children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        if (fields := status(int(stat.parent.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(children.get(process, []))
    for child in found:
        found += children.get(child, [])
    return found


def kill(process: int) -> None:
    """`kill -9`, also where it is gone."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def living(marker: str) -> list[int]:
    """Processes, other than this one, that were started with a text in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        process = int(path.parent.name)
        try:
            marked = marker.encode() in path.read_bytes()
        except OSError:
            continue
        if marked and process != os.getpid() and is_alive(process):
            found.append(process)
    return found


def left_after(seconds: float, processes: list[int]) -> list[int]:
    """Those that still live after so many seconds; at once where none does."""
    end = time.monotonic() + seconds
    while (left := [process for process in processes if is_alive(process)]) and time.monotonic() < end:
        time.sleep(0.02)
    return left
