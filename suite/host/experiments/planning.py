"""Which runs an experiment is made of: for every point its config and its directory, without any work.

Keys need digests of data, weights and code. Each is computed once, however many points share it.
"""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.errors import SuiteError
from suite.host.experiments.definition import Stage
from suite.host.experiments.points import Axes, Earlier, Unfinished, combinations
from suite.host.inputs import REFERENCES, references, resolve
from suite.host.keys import measuring_code, run_key
from suite.host.registry import Registry
from suite.host.settings import build_config
from suite.host.store import RunDirectory, find_runs
from suite.plugin import Study, StudyConfig


@dataclass(frozen=True)
class Planned:
    """A point of a stage: where it lies, and the run that stands for it."""

    stage: str
    axes: Axes
    config: StudyConfig
    directory: RunDirectory

    def __str__(self) -> str:
        return place(self.stage, self.axes)


@dataclass(frozen=True)
class Blocked:
    """A point that cannot be planned, since it asks something of a run that failed."""

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
    """Turns stages into runs below a root; what it has digested once it knows."""

    registry: Registry
    root: Path
    device: str = "auto"
    _digests: dict[Any, Mapping[str, str]] = field(default_factory=dict)

    def points(self, stage: Stage, earlier: Earlier) -> Iterator[Planned | Blocked]:
        """The stage's points in order; two that come to the same run are one error.

        Raises SuiteError for values that an option refuses and references that find nothing, naming the stage.
        """
        study, config_class = self.registry.study(stage.study), self.registry.config(stage.study)
        seen: dict[Path, Planned] = {}
        for axes, values in combinations(stage, earlier):
            if isinstance(values, Unfinished):
                yield Blocked(stage.name, axes, str(values))
                continue
            config = _config(stage, study, config_class, values)
            point = Planned(stage.name, axes, config, self._directory(stage.study, config))
            other = seen.setdefault(point.directory.path, point)
            if other is not point:
                raise SuiteError(f"{other} and {point} are the same run", "leave one of them out")
            yield point

    def origins(self, study: str, config: StudyConfig) -> dict[str, str]:
        """Digests of the code, data and weights that a run of this config is made with; see `Run.origins`."""
        asked = tuple((kind, tuple(references(config, kind))) for kind in REFERENCES)
        if asked not in self._digests:
            nothing = not any(refs for _, refs in asked)  # and then no need for torch
            self._digests[asked] = {} if nothing else resolve(config, self.registry, self.device).digests
        return {"code": measuring_code(study, config, self.registry), **self._digests[asked]}

    def _directory(self, study: str, config: StudyConfig) -> RunDirectory:
        digests = self.origins(study, config)
        return RunDirectory(self.root / study / run_key(study, config, digests.pop("code"), digests))


def usual_seconds(root: Path) -> dict[str, float]:
    """Median duration of the finished runs below a root, by study."""
    taken: dict[str, list[float]] = {}
    for run in find_runs(root):
        content = run.read()
        if content.get("status") == "finished":
            taken.setdefault(content["study"], []).append(content["timings"]["seconds"])
    return {study: statistics.median(seconds) for study, seconds in taken.items()}


def _config(stage: Stage, study: Study, config: type[StudyConfig], values: Mapping[str, Any]) -> StudyConfig:
    labelled = {name: (value, f"stage {stage.name!r}, {name}") for name, value in values.items()}
    return build_config(config, study, labelled, preset=stage.preset)
