"""What else can go wrong: several processes at once, with locks and without, and a disk that is full or read-only."""

import errno
import fcntl
import os
import subprocess
from pathlib import Path

from .commands import Command, Running, begin
from .kills import Area, Tally, empty, undisturbed
from .states import differences, state

PROCESSES = 4
SIZES = (8, 12, 16, 20, 24, 28, 32)  # KiB of a disk: too little for a run, at one place or another


class NoLocks:
    """A process in which no file system has locks, as on some network folders."""

    def arm(self) -> None:
        """From now on."""

        def unknown(*_: object) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        fcntl.flock = unknown


def at_once(area: Area, folder: Path, rounds: int, *, locks: bool = True) -> Tally:
    """The same command in several processes at once, from nothing: all end well and leave what one alone leaves."""
    whole, tally = undisturbed(area, folder), Tally()
    for _ in range(rounds):
        empty(area, folder)
        tally.rounds += 1
        faults = list[str]()
        commands = [begin(_command(area, folder), None if locks else NoLocks(), told=n) for n in range(PROCESSES)]
        for running in commands:
            if code := running.finish():
                faults.append(f"exit {code}: {running.told.read_text()[-500:]}")
        faults += differences(whole.state, _state(folder))
        tally.kills += PROCESSES
        tally.survived += 0 if faults else PROCESSES
        tally.faults += faults
    return tally


def on_a_full_disk(area: Area, folder: Path) -> Tally:
    """A disk that is too small ends the command in one line, and the same command continues once there is room."""
    whole, tally = undisturbed(area, folder), Tally()
    for size in SIZES:
        empty(area, folder)
        tally.rounds += 1
        with _Disk(folder / "runs", size) as disk:
            first = begin(_command(area, folder))
            faults = _told(first, first.finish(), os.strerror(errno.ENOSPC))
            disk.change("size=64m")
            again = begin(_command(area, folder))
            if code := again.finish():
                faults.append(f"exit {code}: {again.told.read_text()[-500:]}")
            faults += differences(whole.state, _state(folder))
        tally.kills += 1
        tally.survived += not faults
        tally.faults += [f"{size} KiB: {fault}" for fault in faults]
    return tally


def on_a_read_only_disk(area: Area, folder: Path) -> Tally:
    """A store that cannot be written refuses in one line what would write, and is read like any other."""
    tally = Tally(rounds=1, kills=2)
    empty(area, folder)
    with _Disk(folder / "runs", 64 * 1024) as disk:
        assert begin(_command(area, folder)).finish() == 0
        before = _state(folder)
        disk.change("ro")
        refused = begin(Command((*area.words.split(), "--fresh"), folder))
        faults = _told(refused, refused.finish(), "read-only")
        for words in (("runs",), ("query", "SELECT count(*) FROM runs"), tuple(area.words.split())):
            reading = begin(Command(words, folder))
            if code := reading.finish():
                faults.append(f"suite {words[0]}: exit {code}: {reading.told.read_text()[-500:]}")
        faults += differences(before, _state(folder))
    tally.survived = 0 if faults else 2
    tally.faults = faults
    return tally


class _Disk:
    """A small disk in memory; root's."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(folder)], check=True)

    def change(self, option: str) -> None:
        """Mounts it anew."""
        subprocess.run(["mount", "-o", f"remount,{option}", str(self._folder)], check=True)

    def __enter__(self) -> "_Disk":
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", str(self._folder)], check=True)


def _told(running: Running, code: int, expected: str) -> list[str]:
    """Faults of a command that had to fail in one line."""
    last = [*running.told.read_text().splitlines(), ""][-2 if running.told.read_text() else -1]
    good = code in (1, 2) and last.startswith("error: ") and expected.lower() in last.lower()
    return [] if good else [f"exit {code}, told {running.told.read_text()[-500:]!r}"]


def _command(area: Area, folder: Path) -> Command:
    return Command(tuple(area.words.split()), folder, area.warm)


def _state(folder: Path) -> dict[str, str]:
    return state(folder / "runs", folder / "cache")
