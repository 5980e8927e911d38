"""An experiment as written down: a question and stages, read from TOML and checked before anything runs.

    question = "Does LinBP's edge vanish past eps_star?"

    [stages.star]
    study = "phase_transition.epsilon_star"
    grid = { seed = [0, 1, 2] }

    [stages.attack]
    study = "linbp.attack"
    grid = { seed = [0, 1, 2], eps = "{star.headline.eps_star} * [0.5, 1, 2]" }

    [presets.paper.star]
    preset = "paper"

`set` gives options values, `grid` makes a point for every combination, `zip` walks its lists in step; `labels` names
what of these is no option and only tells points apart. A preset's stages replace single values of those of the same
name.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, did_you_mean
from suite.host.experiments.expressions import Reference, is_expression, parse, references
from suite.host.experiments.forms import (
    FileForm,
    JointFigure,
    JointTable,
    OnMissing,
    StageChange,
    StageForm,
    check_name,
    fitted,
)
from suite.host.experiments.summaries import read_summaries
from suite.host.registry import Registry
from suite.host.store import content_key
from suite.host.toml import read_toml

MOST = 1_000_000  # points of a stage
DURATIONS = ("seconds", "cpu_seconds")  # what `timings` of a run are numbers


@dataclass(frozen=True)
class Stage:
    """Runs of one study.

    Args:
        name: as references name it.
        study: full name.
        preset: of the study.
        fixed: option -> value, alike in all points.
        grid: option -> values, or an expression that gives them; every combination is a point.
        zipped: option -> values of one length, or expressions; walked in step, as one more dimension of the grid.
        labels: what of grid and zip is no option: it tells points apart, in joint rows and for later stages.
        on_missing: a point that asks an earlier run for what it could not tell is left out (`skip`), or has failed.
    """

    name: str
    study: str
    preset: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Any] = field(default_factory=dict)
    zipped: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    on_missing: OnMissing = "fail"

    @property
    def references(self) -> list[Reference]:
        """What the stage asks of others."""
        values = [*self.fixed.values(), *self.grid.values(), *self.zipped.values()]
        return [found for value in values for text in _expressions(value) for found in references(parse(text))]


@dataclass(frozen=True)
class Experiment:
    """Stages, each after those that it refers to."""

    name: str
    question: str
    stages: tuple[Stage, ...]
    tables: Mapping[str, JointTable] = field(default_factory=dict)
    figures: Mapping[str, JointFigure] = field(default_factory=dict)


def sweep(study: str, preset: str | None, fixed: Mapping[str, Any], grid: Mapping[str, Any]) -> Experiment:
    """The experiment of one stage."""
    stage = Stage(study.rpartition(".")[2], study, preset, fixed, grid)
    key = content_key({"preset": preset, "fixed": dict(fixed), "grid": dict(grid)})
    return Experiment(f"{study}-{key[:8]}", "", (stage,))


def read(path: Path, preset: str | None = None) -> Experiment:
    """The experiment of a file, its stages ordered; see `check` for what is judged further.

    Raises SuiteError: no such file or no TOML, a key, preset or stage that is unknown, a value of a wrong type, a name
    that cannot be a file's, references to no stage or in a circle.
    """
    content = read_toml(path, "", "see the files in experiments/")
    check_name(path.stem, f"{path}: the file's name without its ending, which names the experiment")
    form = fitted(FileForm, content, str(path))
    stages, presets = form.stages, form.presets
    if not stages:
        raise SuiteError(f"{path} has no stage", "write [stages.NAME] with study = ...")
    if preset is not None and preset not in presets:
        raise SuiteError(f"--preset: {path} has no preset {preset!r}", did_you_mean(preset, [*presets]))
    for name, stage in stages.items():
        check_name(name, f"{path}: a stage's name")
        fitted(StageChange, stage, f"{path}: stage {name!r}")
        if "study" not in stage:
            raise SuiteError(f"{path}: stage {name!r} names no study", 'write study = "module.study"')
    for name, changed in presets.items():
        check_name(name, f"{path}: a preset's name")  # which is a part of the experiment's
        if not isinstance(changed, Mapping):
            raise SuiteError(f"{path}: preset {name!r} is no table: {changed!r}", f"write [presets.{name}.STAGE]")
        for stage, change in changed.items():
            fitted(StageChange, change, f"{path}: preset {name!r}, stage {stage!r}")
    changes = presets.get(preset or "", {})
    for name in changes:
        if name not in stages:
            raise SuiteError(f"{path}: preset {preset!r} changes no stage {name!r}", did_you_mean(name, [*stages]))
    made = [_stage(name, _merged(stages[name], changes.get(name, {})), path) for name in stages]
    tables, figures = read_summaries(form, [*stages], str(path))
    name = path.stem if preset is None else f"{path.stem}-{preset}"
    return Experiment(name, form.question, tuple(_ordered(made)), tables, figures)


def check(experiment: Experiment, registry: Registry) -> None:
    """Raises SuiteError for what would fail later.

    Unknown studies, presets, options or durations, values given twice, more points of a stage than MOST.
    """
    studies = {stage.name: stage.study for stage in experiment.stages}
    for stage in experiment.stages:
        _check_references(f"stage {stage.name!r}", stage.references, studies, registry)
        study, config = registry.study(stage.study), registry.config(stage.study)
        if stage.preset is not None and stage.preset not in study.presets:
            remedy = did_you_mean(stage.preset, sorted(study.presets))
            raise SuiteError(f"stage {stage.name!r}: {stage.study} has no preset {stage.preset!r}", remedy)
        names = [*stage.fixed, *stage.grid, *stage.zipped]
        for name in stage.labels:
            if name in config.model_fields or name not in [*stage.grid, *stage.zipped]:
                remedy = "a label is varied by grid or zip, and is no option"
                raise SuiteError(f"stage {stage.name!r}: {name!r} is no label of {stage.study}", remedy)
        for name in names:
            if name not in config.model_fields and name not in stage.labels:
                remedy = did_you_mean(name, [*config.model_fields])
                raise SuiteError(f"stage {stage.name!r}: {stage.study} has no option {name!r}", remedy)
            if names.count(name) > 1:
                raise SuiteError(f"stage {stage.name!r} gives {name!r} twice", "set it, or vary it")
        for name, values in [*stage.grid.items(), *stage.zipped.items()]:
            _check_values(stage, name, values, zipped=name in stage.zipped)
        lengths = {name: len(values) for name, values in stage.zipped.items() if isinstance(values, list)}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{count} of {name}" for name, count in lengths.items())
            raise SuiteError(f"stage {stage.name!r} zips {told}", "give lists of one length")
        count = by_lists(stage) or 0
        check_count(stage, count, f": {count:,}")
    for name, table in experiment.tables.items():
        asked = [found for text in table.columns.values() for found in references(parse(text))]
        _check_references(f"table {name!r}", asked, studies, registry)


def by_lists(stage: Stage) -> int | None:
    """How many points the lists of a stage make; None where an expression gives one of them."""
    lengths = [len(values) for values in stage.grid.values() if not is_expression(values)]
    zipped = [len(values) for values in stage.zipped.values() if not is_expression(values)]
    if len(lengths) < len(stage.grid) or (stage.zipped and not zipped):
        return None
    return math.prod(lengths) * (zipped[0] if zipped else 1)


def check_count(stage: Stage, count: int, told: str = "") -> None:
    """Raises SuiteError for more points than are planned at once; `told` is the number, where it was counted out."""
    if count > MOST:
        what = f"stage {stage.name!r} has more than {MOST:,} points{told}"
        raise SuiteError(what, "vary fewer options at once, or give them fewer values")


def _check_references(where: str, asked: Iterable[Reference], studies: Mapping[str, str], registry: Registry) -> None:
    """Of what runs always have, the names: their options and durations."""
    for reference in asked:
        known = {"timings": [*DURATIONS]}
        if reference.kind == "config":
            known["config"] = [*registry.config(studies[reference.stage]).model_fields]
        if reference.kind in known and reference.name not in known[reference.kind]:
            remedy = did_you_mean(reference.name, known[reference.kind])
            what = f"{where}: {reference} asks for what no run of {studies[reference.stage]} has"
            raise SuiteError(what, remedy)


def _check_values(stage: Stage, name: str, values: Any, *, zipped: bool) -> None:
    if is_expression(values):
        return
    where = f"stage {stage.name!r}, {name}"
    if not isinstance(values, list) or not values:
        raise SuiteError(f"{where}: {values!r} is no list of values", "write [a, b, ...]")
    if name in stage.labels and any(isinstance(value, Mapping) for value in values):
        raise SuiteError(f"{where}: {values!r} are no labels", "write texts or numbers")
    repeated = [value for value, times in Counter(map(repr, values)).items() if times > 1]
    if repeated and not zipped:
        raise SuiteError(f"{where}: {repeated[0]} is given twice", "give each value once")


def _stage(name: str, content: Mapping[str, Any], path: Path) -> Stage:
    form = fitted(StageForm, content, f"{path}: stage {name!r}")
    return Stage(name, form.study, form.preset, form.fixed, form.grid, form.zipped, form.labels, form.on_missing)


def _merged(stage: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A value that the preset sets is neither varied any more nor the other way round."""
    merged: dict[str, Any] = {key: dict(value) if isinstance(value, Mapping) else value for key, value in stage.items()}
    for key, value in change.items():
        if not isinstance(value, Mapping):
            merged[key] = value
            continue
        for option in value:
            for place in ("set", "grid", "zip"):
                merged.get(place, {}).pop(option, None)
        merged[key] = {**merged.get(key, {}), **value}
    return merged


def _ordered(stages: Sequence[Stage]) -> Iterator[Stage]:
    """The stages, each after those that it refers to, else in the order of the file."""
    names, done = [stage.name for stage in stages], list[str]()
    asked = {stage.name: {reference.stage for reference in stage.references} for stage in stages}
    for name, others in asked.items():
        for other in sorted(others - set(names)):
            raise SuiteError(f"stage {name!r} refers to {other!r}, which is no stage", did_you_mean(other, names))
    while len(done) < len(stages):
        ready = [stage for stage in stages if stage.name not in done and asked[stage.name] <= set(done)]
        if not ready:
            circle = " -> ".join(_circle(asked, next(name for name in names if name not in done), done))
            raise SuiteError(f"the stages refer to each other in a circle: {circle}", "break it")
        done.append(ready[0].name)
        yield ready[0]


def _circle(asked: Mapping[str, set[str]], start: str, done: Sequence[str]) -> list[str]:
    path = [start]
    while path.count(path[-1]) < 2:
        path.append(min(asked[path[-1]] - set(done)))
    return path[path.index(path[-1]) :]


def _expressions(value: Any) -> list[str]:
    """The expressions in a value, also inside lists."""
    if isinstance(value, list):
        return [text for item in value for text in _expressions(item)]
    return [value] if is_expression(value) else []
