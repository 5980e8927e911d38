"""What this machine can reproduce, and what it gave: for each study the preset nearest to the paper that fits.

Results come from the paper's preset and from those whose cost is stated; others, such as `smoke`, only try a study out.
Finished runs cost nothing. The rest is chosen within a number of minutes: for every study its cheapest preset first,
then presets by rising cost, each in place of one that is further from the paper.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, did_you_mean
from suite.host.completion import is_made
from suite.host.executors import Point
from suite.host.experiments.planning import Planner
from suite.host.inputs import LIGHT_DEVICES, choose_device
from suite.host.keys import run_key
from suite.host.records import read_all
from suite.host.registry import Registry
from suite.host.settings import build_config
from suite.host.store import RunDirectory
from suite.host.system import may_have_gpu
from suite.host.text import format_minutes
from suite.host.verdicts import Verdict, verdicts
from suite.plugin import Cost, StudyConfig

PAPER = "paper"
_NO_COST = "what it takes is not stated"


@dataclass(frozen=True)
class Machine:
    """Memory in GB of this machine and, where there is one, of its GPU."""

    gigabytes: float
    gpu_gigabytes: float | None

    def refuses(self, cost: Cost) -> str:
        """Why what costs so much cannot run here; empty where it can."""
        there = self.gpu_gigabytes if cost.gpu else self.gigabytes
        if there is None:
            return "needs a GPU"
        return f"needs {cost.gigabytes:g} GB, here are {there:.0f}" if cost.gigabytes > there else ""


@dataclass(frozen=True)
class Option:
    """A preset that can be had: a finished run, by this code or by other, or one to be made."""

    study: str
    preset: str
    nearness: int  # the higher the nearer to the paper
    config: StudyConfig
    origins: Mapping[str, str]
    directory: RunDirectory
    minutes: float  # 0 where it is finished
    finished: bool
    other_code: bool = False


@dataclass(frozen=True)
class Plan:
    """What is done of a study: the option taken, or None; and what stands against the presets nearer to the paper."""

    study: str
    option: Option | None
    against: Mapping[str, str]


class Reproduction:
    """Plans for the studies of a registry.

    Args:
        registry: the plugins.
        root: folder of run directories.
        device: as `--device` takes it.
        any_code: a finished run of the same settings and inputs counts also when other code has made it.

    Raises SuiteError where there is no such device.
    """

    def __init__(self, registry: Registry, root: Path, device: str = "auto", *, any_code: bool = False) -> None:
        self._registry, self._root, self._device = registry, root, device
        self._planner = Planner(registry, root, device)
        self._machine = this_machine(device)
        self._made = _finished_runs(root) if any_code else {}

    @property
    def lacking(self) -> list[str]:
        """What is not there yet, where nothing was to be made (`suite.locks.making_nothing`)."""
        return [*self._planner.lacking]

    def plan(self, studies: Sequence[str], minutes: float) -> list[Plan]:
        """What to read and what to run of each study, within so many minutes of one core, or of one GPU."""
        found = {study: list(self._options(study)) for study in studies}
        options = [option for presets in found.values() for _, option in presets if isinstance(option, Option)]
        taken = choose(options, minutes)
        return [Plan(study, taken.get(study), _against(found[study], taken.get(study))) for study in studies]

    def _options(self, study: str) -> Iterator[tuple[str, Option | str]]:
        """(preset, an option or what stands against it), nearest to the paper first."""
        presets = [*self._registry.study(study).presets]
        if not presets:
            yield "-", "it has no presets"
        upto = presets.index(PAPER) + 1 if PAPER in presets else len(presets)
        for nearness, preset in reversed([*enumerate(presets[:upto])]):
            try:
                yield preset, self._option(study, preset, nearness)
            except SuiteError as error:
                yield preset, error.what

    def _option(self, study: str, preset: str, nearness: int) -> Option | str:
        entry = self._registry.study(study)
        config = build_config(self._registry.config(study), entry, {}, preset=preset)
        cost = entry.costs.get(preset)
        if cost is None and preset != PAPER:
            return _NO_COST
        origins = self._planner.origins(study, config)
        inputs = {name: digest for name, digest in origins.items() if name != "code"}
        directory = RunDirectory(self._root / study / run_key(study, config, origins["code"], inputs))
        option = Option(study, preset, nearness, config, origins, directory, 0, finished=True)
        if is_made(directory.read(), entry):
            return option
        for run, content in self._made.get(study, []):
            if run_key(study, config, content["code"]["digest"], inputs) == content["key"]:
                return replace(option, directory=run, other_code=True)
        if cost is None:
            return _NO_COST
        refusal = self._machine.refuses(cost)
        return refusal or replace(option, minutes=cost.minutes, finished=False)

    def points(self, plans: Sequence[Plan]) -> list[tuple[Option, Point]]:
        """What is to be run."""
        todo = [plan.option for plan in plans if plan.option and not plan.option.finished]
        return [(option, self._point(option)) for option in todo]

    def _point(self, option: Option) -> Point:
        values, key = option.config.model_dump(mode="json"), option.directory.path.name
        return Point(option.study, values, self._root, key, option.origins, self._device)


def studies_of(registry: Registry, name: str | None) -> list[str]:
    """The studies that a name stands for: those of a module, one, or all. Raises SuiteError for an unknown one."""
    if name is None:
        return [*registry.studies]
    if name in registry.studies:
        return [name]
    if name not in registry.modules:
        known = [*registry.modules, *registry.studies]
        raise SuiteError(f"unknown module or study {name!r}", did_you_mean(name, known))
    if not registry.studies_of(name):
        raise SuiteError(f"{name} has no studies", "name another module")
    return [f"{name}.{short}" for short in registry.studies_of(name)]


def choose(options: Sequence[Option], minutes: float) -> dict[str, Option]:
    """One option a study: first each one's cheapest, then by rising cost those nearer to the paper than these."""
    taken: dict[str, Option] = {}
    rising = sorted(options, key=lambda option: option.minutes)
    cheapest = {option.study: option for option in reversed(rising)}
    for option in [*sorted(cheapest.values(), key=lambda option: option.minutes), *rising]:
        before = taken.get(option.study)
        spent = sum(other.minutes for other in taken.values()) - (before.minutes if before else 0)
        if (before is None or option.nearness > before.nearness) and spent + option.minutes <= minutes:
            taken[option.study] = option
    return taken


def results(plan: Plan) -> list[Verdict] | None:
    """The verdicts of a plan's run; None where it is not finished. Raises SuiteError where a table of it is damaged."""
    option = plan.option
    return verdicts(option.directory) if option and option.directory.status() == "finished" else None


def this_machine(device: str) -> Machine:
    """What there is here, of it the part that `--device` allows."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if device in LIGHT_DEVICES and not may_have_gpu():
        return Machine(memory, None)
    chosen = choose_device(device)
    if chosen.type != "cuda":
        return Machine(memory, None)
    import torch

    return Machine(memory, torch.cuda.get_device_properties(chosen).total_memory / 1e9)


def _finished_runs(root: Path) -> dict[str, list[tuple[RunDirectory, dict[str, Any]]]]:
    """By study, the newest first."""
    read = [(run, content) for run, content in read_all(root) if content.get("status") == "finished"]
    found: dict[str, list[tuple[RunDirectory, dict[str, Any]]]] = {}
    for run, content in sorted(read, key=lambda pair: str(pair[1]["timings"]["started"]), reverse=True):
        found.setdefault(content["study"], []).append((run, content))
    return found


def _against(presets: Sequence[tuple[str, Option | str]], taken: Option | None) -> dict[str, str]:
    """Of the presets nearer to the paper than the one taken."""
    nearer = takewhile(lambda pair: taken is None or pair[0] != taken.preset, presets)
    return {name: told if isinstance(told, str) else f"takes {format_minutes(told.minutes)}" for name, told in nearer}
