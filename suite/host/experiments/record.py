"""`experiments/NAME.json`: what an experiment is made of, what failed, and which files beside it are its own."""

import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.files import NAME, atomic
from suite.host import manifest
from suite.host.experiments.definition import Experiment, Stage
from suite.host.experiments.planning import Planned
from suite.host.plain import plain
from suite.host.store import RunDirectory
from suite.locks import made_once

log = logging.getLogger("suite")


class Record:
    """The experiment, its points and their runs, what failed why, and the files of its joint tables and figures.

    Args:
        root: folder of run directories.
    """

    def __init__(self, root: Path, experiment: Experiment) -> None:
        self.path = root / "experiments" / f"{experiment.name}.json"
        self.folder = root / "experiments" / experiment.name
        before, names = _read(self.path), [stage.name for stage in experiment.stages]
        self._failures: dict[str, str] = before.get("failures", {})
        self._files = _own(before.get("files", []))
        self._content: dict[str, Any] = {
            "name": experiment.name,
            "question": experiment.question,
            "argv": sys.argv,
            "stages": {name: stage for name, stage in before.get("stages", {}).items() if name in names},
        }

    def failure(self, point: Planned) -> str:
        """The line of an earlier failure of this very run; empty where there was none."""
        return self._failures.get(_name(point.directory), "")

    def note_failure(self, point: Planned, error: str) -> None:
        """Stores at once why a run failed: an interruption must not have it tried again."""
        self._failures[_name(point.directory)] = error
        self._write()

    def note(self, stage: Stage, points: Sequence[Planned], failed: Iterable[tuple[Planned, str]]) -> None:
        """Stores a finished stage."""
        for point in points:
            self._failures.pop(_name(point.directory), None)
        self._failures |= {_name(point.directory): error for point, error in failed}
        self._content["stages"][stage.name] = {
            "study": stage.study,
            "points": [{"axes": dict(point.axes), "run": _name(point.directory)} for point in points],
        }
        self._write()

    def replace_files(self, files: Mapping[str, bytes]) -> list[Path]:
        """Writes files into the experiment's folder and removes those that it wrote there before and has no more.

        What else lies in that folder is somebody's own and stays. Returns the paths in the order given.
        """
        former = self._files
        self._files = sorted({*former, *files})
        self._write()  # first: whatever kills this process, each file of ours is known to be ours
        for name, data in files.items():
            _put(self.folder / name, data)
        for name in former:
            if name not in files:
                (self.folder / name).unlink(missing_ok=True)
        self._files = sorted(files)
        self._write()
        return [self.folder / name for name in files]

    def _write(self) -> None:
        content = {**self._content, "failures": self._failures, "files": self._files}
        _put(self.path, json.dumps(plain(content), indent=1).encode() + b"\n")


def _put(path: Path, data: bytes) -> None:
    """Replaces a file that several processes may write: what a killed one left half-written goes, too."""
    with made_once(path, f"{path.name} of an experiment"), atomic(path) as file:
        file.write(data)


def _name(directory: RunDirectory) -> str:
    return f"{directory.path.parent.name}/{directory.path.name}"


def _own(names: Sequence[Any]) -> list[str]:
    """Those of a record's file names that lead nowhere else."""
    return [name for name in names if isinstance(name, str) and NAME.fullmatch(name)]


def _read(path: Path) -> Mapping[str, Any]:
    """The record; empty where there is none that can be trusted, which costs a warning."""
    content, why = manifest.read(path, manifest.MOST_BYTES_OF_EXPERIMENTS)
    if why := why or manifest.experiment_fault(content):
        if os.path.lexists(path):
            log.warning("cannot use %s: %s (what failed before is tried again)", path, why)
        return {}
    found: Mapping[str, Any] = content
    return found
