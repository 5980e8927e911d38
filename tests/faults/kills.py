"""A command is killed at seeded random moments, run again to its end, and must have left what it leaves undisturbed."""

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from .commands import Command, begin, run
from .states import differences, state
from .strikes import NO_SIGNAL, SIGNALS, Strike

GRACE = 2.0  # seconds in which everything that a command has started is gone after it
IN_A_ROW = 3  # kills at most before the command may run to its end


@dataclass(frozen=True)
class Area:
    """What is killed.

    Args:
        name: in words.
        words: of the command, after `suite`.
        prepare: fills an empty folder before each round.
        warm: see Command.
        answer: of a library to a signal, in its output: whatever the exit code then is.
    """

    name: str
    words: str
    prepare: Callable[[Path], None] = lambda folder: None
    warm: bool = True
    answer: str = ""


@dataclass
class Tally:
    """How often it was tried, and what went wrong in words."""

    kills: int = 0
    survived: int = 0
    rounds: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Undisturbed:
    """What the command leaves, how long it takes in seconds, and how many file operations."""

    state: dict[str, str]
    seconds: float
    first: float
    operations: int


def try_kills(area: Area, folder: Path, kills: int, seed: int) -> Tally:
    """Kills until there were so many; folder is made anew for every round."""
    draws, tally = random.Random(f"{area.name} {seed}"), Tally()
    whole = undisturbed(area, folder)
    while tally.kills < kills and tally.rounds < 3 * kills:
        _round(area, folder, whole, draws, tally, most=min(IN_A_ROW, kills - tally.kills))
    return tally


def undisturbed(area: Area, folder: Path) -> Undisturbed:
    """The command from its begin to its end, where nothing else happens."""
    empty(area, folder)
    command, count = _command(area, folder), folder.parent / "count"
    count.unlink(missing_ok=True)
    running = begin(command, Strike(folder, 0, NO_SIGNAL, count) if area.warm else None)
    first = None
    while (code := running.ended(0.02)) is None:
        if first is None and any(folder.glob("*/*")):
            first = _since(running.begun)
    seconds = _since(running.begun)
    assert code == 0, running.told.read_text()
    assert not running.left(GRACE), "a process outlives the command that nobody has disturbed"
    operations = int(count.read_text()) if count.exists() else 0
    return Undisturbed(_state(folder), seconds, first or 0.0, operations)


def empty(area: Area, folder: Path) -> None:
    """Makes the folder anew as the area's command is to find it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    area.prepare(folder)


def _round(area: Area, folder: Path, whole: Undisturbed, draws: random.Random, tally: Tally, most: int) -> None:
    """Some kills in a row, then the command to its end."""
    empty(area, folder)
    tally.rounds += 1
    history, before, known = list[str](), tally.kills, len(tally.faults)
    for _ in range(draws.randint(1, most)):
        killed, how = _kill(area, folder, whole, draws, tally)
        history.append(how)
        if not killed:
            break
        tally.kills += 1
    try:
        running = run(area.words.split(), folder, warm=area.warm)
        faults = [f"process {process} outlives the command" for process in running.left(GRACE)]
        faults += differences(whole.state, _state(folder)) + _verbs(folder)
    except AssertionError as error:
        faults = [str(error)]
    tally.faults += [f"after {', '.join(history)}: {fault}" for fault in faults]
    tally.survived += tally.kills - before if len(tally.faults) == known else 0


def _kill(area: Area, folder: Path, whole: Undisturbed, draws: random.Random, tally: Tally) -> tuple[bool, str]:
    """Whether a kill came before the end, and what it was in words."""
    kind, group = draws.choice(SIGNALS), draws.random() < 0.5
    told = f"{kind.name} to {'the group' if group else 'the command'}"
    if whole.operations and draws.random() < 0.5:
        at = draws.randint(1, whole.operations)
        running = begin(_command(area, folder), Strike(folder, at, kind, folder.parent / "count", group))
        told += f" at file operation {at}"
        code = running.finish()
    else:
        after = draws.uniform(whole.first / 2, whole.seconds)
        running = begin(_command(area, folder))
        told += f" after {after:.2f} s"
        code = running.ended(after)
        if code is None:
            running.send(kind, group=group)
            code = running.finish()
    output = running.told.read_text()
    if code not in (0, -kind, 130, 128 + kind) and not (area.answer and area.answer in output):
        tally.faults.append(f"{told}: exit {code}: {output[-500:]}")
    if left := running.left(GRACE):
        tally.faults.append(f"{told}: {len(left)} processes outlive the command")
    return code != 0, told


def _verbs(folder: Path) -> list[str]:
    """What reading verbs trip over."""
    from suite.host.cli import main

    faults = []
    for words in (["runs"], ["query", "SELECT count(*) FROM runs"]):
        environment = {f"SUITE_{root.upper()}": str(folder / root) for root in ("runs", "cache", "data")}
        result = CliRunner().invoke(main, words, prog_name="suite", env=environment)
        if result.exit_code or result.stderr:
            faults.append(f"suite {words[0]}: exit {result.exit_code}, {result.stderr}")
    return faults


def _command(area: Area, folder: Path) -> Command:
    return Command(tuple(area.words.split()), folder, area.warm)


def _state(folder: Path) -> dict[str, str]:
    return state(folder / "runs", folder / "cache")


def _since(begun: float) -> float:
    return time.monotonic() - begun
