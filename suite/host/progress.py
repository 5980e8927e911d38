"""Progress on stderr: bars on a terminal, now and then a plain line where it is piped; and a note for onlookers."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from multiprocessing import parent_process
from typing import TYPE_CHECKING, TypeVar

from suite.host.underway import Loop

if TYPE_CHECKING:
    import rich.progress

T = TypeVar("T")

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_NOTES = 1.0


class Progress:
    """Tracks loops, also nested ones, until `stop`.

    note: is given the loops that are under way, the outermost first, at most once a second.
    """

    def __init__(self, note: Callable[[Sequence[Loop]], None] | None = None) -> None:
        self._note = note
        self._loops: list[Loop] = []
        self._last_note = -_SECONDS_BETWEEN_NOTES
        self._bars: rich.progress.Progress | None = None
        self._last_line = time.monotonic()

    def track(self, items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
        """Yields the items and shows how many are done; of how many, where the items or the caller tell."""
        total = len(items) if isinstance(items, Sized) else total
        draws = sys.stderr.isatty() and parent_process() is None  # several processes have no bars on one terminal
        advance = self._bar(description, total) if draws else self._lines(description, total)
        loop = Loop(description, total)
        self._loops.append(loop)
        self._tell()
        try:
            for item in items:
                yield item
                loop.done += 1
                advance()
                self._tell()
        finally:
            self._loops.remove(loop)

    def stop(self) -> None:
        """Removes the bars from the screen; to be called before anything else is written."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _tell(self) -> None:
        if self._note is not None and (now := time.monotonic()) - self._last_note >= _SECONDS_BETWEEN_NOTES:
            self._last_note = now
            self._note(self._loops)

    def _bar(self, description: str, total: int | None) -> Callable[[], None]:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

        if self._bars is None:
            columns = (
                *Progress.get_default_columns()[:2],
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bars.start()
        bars, task, done = self._bars, self._bars.add_task(description, total=total), 0

        def advance() -> None:
            nonlocal done
            done += 1
            bars.update(task, completed=done, visible=done != total)

        return advance

    def _lines(self, description: str, total: int | None) -> Callable[[], None]:
        done, begin = 0, time.monotonic()

        def advance() -> None:
            nonlocal done
            done += 1
            now = time.monotonic()
            if now - self._last_line >= _SECONDS_BETWEEN_LINES:
                left = "" if total is None else f"/{total}, {time_left(now - begin, done, total)} left"
                sys.stderr.write(f"{description}: {done}{left}\n")
                self._last_line = now

        return advance


def time_left(seconds: float, done: int, total: int) -> str:
    """What the items not yet done will take, as h:mm:ss, if they take as long as those done."""
    minutes, rest = divmod(round(seconds * (total - done) / done), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
