"""The tracker works in a process of its own: it may be slow to start, talk, fail or hang, and costs the run nothing."""

import multiprocessing
import os
import signal
import sys
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, one_line

PATIENCE = 15.0
"""Seconds without a sign of the tracker after which it is given up, when all other work is done."""

_AHEAD = 20  # runs given to the process before it has answered: neither end ever waits to be read
_LONGEST_REASON = 160
_SILENCE = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
_SETTINGS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


class Tracker:
    """The near end of the process, which starts with it, and begins to open the store.

    Args:
        uri: of an MLflow store.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._seen: set[tuple[str, Path]] = set()
        self._waiting: deque[tuple[str, Path]] = deque()
        self._given = self._done = 0
        self._faults: list[str] = []
        self._lost = ""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, uri), daemon=True)
        self._process.start()
        theirs.close()

    def add(self, experiment: str, run: Path) -> None:
        """Has a run tracked in an experiment of the store, once; does not wait for it."""
        if (experiment, run) not in self._seen:
            self._seen.add((experiment, run))
            self._waiting.append((experiment, run))
        self._exchange()

    def close(self) -> str:
        """Waits for the tracker while it shows signs of life; a line on how it went, empty if nothing was asked."""
        self._exchange()
        while self._given and not self._lost:
            if self._connection.poll(PATIENCE):
                self._exchange()
            else:
                self._lost = f"no answer for {PATIENCE:g} s"
        self.stop()
        if self._done == len(self._seen):
            return f"tracked: {_runs(self._done)} in {self.uri}" if self._seen else ""
        why = (self._lost or self._faults[-1])[:_LONGEST_REASON]
        return f"warning: not tracked in {self.uri}: {len(self._seen) - self._done} of {_runs(len(self._seen))}: {why}"

    def stop(self) -> None:
        """Ends the process, whatever it does."""
        self._connection.close()
        self._process.kill()
        self._process.join()

    def _exchange(self) -> None:
        """Takes what has arrived and gives what is waiting."""
        try:
            while not self._lost and self._connection.poll():
                self._take(*self._connection.recv())
            while not self._lost and self._waiting and self._given < _AHEAD:
                self._connection.send(self._waiting.popleft())
                self._given += 1
        except (EOFError, OSError):
            self._lost = "its process died"

    def _take(self, kind: str, text: str) -> None:
        if kind == "lost":
            self._lost = text
        elif kind != "alive":
            self._given -= 1
            self._done += kind == "done"
            self._faults += [text] if kind == "failed" else []


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"


def _work(connection: "Connection[Any, Any]", uri: str) -> None:
    """The life of the process: runs come in, signs of life and outcomes go out, until the store fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other end
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(silence, stream.fileno())
    os.environ.update(_SILENCE)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        _serve(connection, uri)
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        connection.send(("lost", one_line(error)))


def _serve(connection: "Connection[Any, Any]", uri: str) -> None:
    from suite.host.store import RunDirectory
    from suite.host.tracking.content import read
    from suite.host.tracking.mlflow_store import Store

    def alive() -> None:
        connection.send(("alive", ""))

    alive()
    store = Store(uri, alive)
    alive()
    while True:
        experiment, run = connection.recv()
        try:
            content = read(RunDirectory(run))
        except SuiteError as error:
            connection.send(("failed", str(error)))
            continue
        store.record(experiment, content)
        connection.send(("done", ""))
