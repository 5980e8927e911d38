"""Which runs an experiment is made of: for every point its config and its directory, without any work.

Keys need digests of data, weights and code. Each is computed once, however many points share it. Points come one by
one: a hundred thousand of them are a matter of seconds, and need not be held.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.host.experiments.definition import MOST, Stage, check_count
from suite.host.experiments.points import Axes, Earlier, Missing, Unfinished, combinations, count
from suite.host.imports.memory import keep
from suite.host.inputs import kinds_of, references, resolve
from suite.host.keys import measuring_code, run_key
from suite.host.progress import Progress
from suite.host.registry import Registry
from suite.host.settings import of_preset, validated
from suite.host.store import RunDirectory
from suite.host.told import told
from suite.locks import NotMade
from suite.plugin import Study, StudyConfig


@dataclass(frozen=True)
class Planned:
    """A point of a stage: where it lies, and the run that stands for it."""

    stage: str
    axes: Axes
    study: Study
    config: StudyConfig
    directory: RunDirectory
    begun: bool  # whether there was a directory of that name

    def __str__(self) -> str:
        return place(self.stage, self.axes)


@dataclass(frozen=True)
class Blocked:
    """A point that cannot be planned, since it asks for what a run that failed, or could not tell it, does not have."""

    stage: str
    axes: Axes
    why: str

    def __str__(self) -> str:
        return place(self.stage, self.axes)


@dataclass(frozen=True)
class LeftOut:
    """A point that asks for what a run could not tell, of a stage that leaves such points out."""

    stage: str
    axes: Axes
    why: str

    def __str__(self) -> str:
        return place(self.stage, self.axes)


def place(stage: str, axes: Axes) -> str:
    """A point in words: `attack (seed=1, eps=0.1)`."""
    at = ", ".join(f"{name}={value}" for name, value in axes.items())
    return f"{stage} ({at})" if at else stage


@dataclass
class Planner:
    """Turns stages into runs below a root; what it has digested once it knows.

    `lacking` says what is not there yet, where nothing is to be made (`suite.locks.making_nothing`): runs of it are
    planned under names that no finished run has.
    """

    registry: Registry
    root: Path
    device: str = "auto"
    lacking: dict[str, None] = field(default_factory=dict)
    _origins: dict[Any, Mapping[str, str]] = field(default_factory=dict)

    def points(self, stage: Stage, earlier: Earlier) -> Iterator[Planned | Blocked | LeftOut]:
        """The stage's points in order, with their progress on stderr; two that come to the same run are one error.

        Raises SuiteError for values that an option refuses, references that find nothing, and more points than MOST,
        naming the stage.
        """
        total = count(stage, earlier, MOST)
        check_count(stage, total)
        progress = Progress()
        try:
            yield from progress.track(self._points(stage, earlier), f"planning {stage.name}", total)
        finally:
            progress.stop()

    def _points(self, stage: Stage, earlier: Earlier) -> Iterator[Planned | Blocked | LeftOut]:
        study, config_class = self.registry.study(stage.study), self.registry.config(stage.study)
        folder, preset = self.root / stage.study, of_preset(study, stage.preset)
        begun, seen = _names(folder), dict[str, Axes]()
        for axes, values in combinations(stage, earlier):
            if isinstance(values, Missing) and stage.on_missing == "skip":
                yield LeftOut(stage.name, axes, str(values))
                continue
            if isinstance(values, Unfinished | Missing):
                yield Blocked(stage.name, axes, str(values))
                continue
            labelled = {name: (value, f"stage {stage.name!r}, {name}") for name, value in values.items()}
            config = validated(config_class, {**preset, **labelled})
            key = self._key(stage.study, config)
            other = seen.setdefault(key, axes)
            if other is not axes:
                both = f"{place(stage.name, other)} and {place(stage.name, axes)}"
                raise SuiteError(f"{both} are the same run", "leave one of them out")
            yield Planned(stage.name, axes, study, config, RunDirectory(folder / key), key in begun)

    def origins(self, study: str, config: StudyConfig) -> dict[str, str]:
        """Digests of the code, data and weights that a run of this config is made with; see `Run.origins`."""
        asked = tuple((kind, tuple(references(config, kind))) for kind in kinds_of(type(config)))
        if (study, asked) not in self._origins:
            code = measuring_code(study, config, self.registry)
            self._origins[study, asked] = {"code": code, **self._digests(config)}
            keep()
        return {**self._origins[study, asked]}

    def _digests(self, config: StudyConfig) -> Mapping[str, str]:
        if not any(references(config, kind) for kind in kinds_of(type(config))):  # no need for torch
            return {}
        try:
            digests = told(config, self.registry, self.device)
            return resolve(config, self.registry, self.device).digests if digests is None else digests
        except NotMade as error:
            self.lacking[error.what] = None
            return {"lacking": error.what}

    def _key(self, study: str, config: StudyConfig) -> str:
        digests = self.origins(study, config)
        return run_key(study, config, digests.pop("code"), digests)


def _names(folder: Path) -> set[str]:
    """What is in a folder; nothing where there is none."""
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()
