"""Finds plugins by entry point and turns names into objects: studies, their configs, gradient rules."""

import importlib
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from suite.errors import SuiteError, did_you_mean, one_line
from suite.plugin import Module, Study, StudyConfig, Target

T = TypeVar("T")

GROUP = "suite.modules"
_OWN_RULES = {
    "bp": Target("suite.gradients:bp", "the true gradient (backpropagation)"),
    "leaky": Target("suite.gradients:leaky", "rectifiers' derivative at least `slope`: 0 is bp, 1 is linear"),
    "softplus": Target("suite.gradients:softplus", "backward pass through rectifiers of sharpness `beta`"),
    "gated": Target("suite.gradients:gated", "another gate from `start` to `stop`: linear, half, rate, permuted, ..."),
    "guided": Target(
        "suite.gradients:guided", "only positive gradients, through active rectifiers (Springenberg et al. 2015)"
    ),
    "deconv": Target("suite.gradients:deconv", "only positive gradients, through all rectifiers (Zeiler, Fergus 2014)"),
    "silu": Target("suite.gradients:silu", "ReLUs with SiLU's derivative (Wang et al. 2023: half of BPA)"),
    "softpool": Target(
        "suite.gradients:softpool", "max-pools pass to the whole window by softmax (the other half of BPA)"
    ),
    "match": Target("suite.gradients:match", "with a rule about rectifiers: what it passes back at the true length"),
    "sgm": Target("suite.gradients:sgm", "gradient of residual branches times `lam` (Wu et al. 2020)"),
    "pna": Target("suite.gradients:pna", "attention maps are constants in the backward pass (Wei et al. 2022)"),
    "tgr": Target("suite.gradients:tgr", "token gradients scaled and without extremes (Zhang et al. 2023)"),
    "vdc": Target("suite.gradients:vdc", "blocks also get the gradients of deeper ones (Zhang et al. 2024)"),
}


class Registry:
    """Everything that the installed plugins offer, by name.

    Loads the plugins' tables of contents only; a target is imported when it is asked for. A plugin that
    cannot be loaded is left out and described in `broken`.

    Args:
        plugins: entry points to read; by default those installed under `suite.modules`.

    Attributes:
        modules: by module name.
        studies: by full name, `module.study`.
        gradients: gradient rules by name, the host's own (`bp`, `leaky`, `sgm` and others) among them.
        broken: one line for every plugin that could not be loaded.

    Raises:
        SuiteError: two plugins claim the same name; both owners are named.
    """

    def __init__(self, plugins: Iterable[EntryPoint] | None = None) -> None:
        self.modules: dict[str, Module] = {}
        self.studies: dict[str, Study] = {}
        self.gradients: dict[str, Target] = dict(_OWN_RULES)
        self.broken: list[str] = []
        self._owners = {("gradient rule", name): "suite" for name in _OWN_RULES}
        self._packages: dict[str, str] = {}  # module name -> where its table of contents lives
        found = entry_points(group=GROUP) if plugins is None else plugins
        for plugin in sorted(found, key=lambda plugin: plugin.name):
            self._add(plugin)

    def study(self, name: str) -> Study:
        """The study named `module.study`."""
        return _find("study", name, self.studies)

    def module_of(self, study: str) -> Module:
        """The module that a study belongs to."""
        self.study(study)
        return self.modules[study.partition(".")[0]]

    def studies_of(self, module: str) -> dict[str, Study]:
        """The studies of a module by short name, in reading order."""
        prefix = f"{module}."
        return {name.removeprefix(prefix): study for name, study in self.studies.items() if name.startswith(prefix)}

    def package_of(self, study: str) -> str:
        """The package in which a study is declared, `modules.linbp.attack`."""
        return f"{self._packages[self.module_of(study).name]}.{study.partition('.')[2]}"

    def config(self, study: str) -> type[StudyConfig]:
        """The config class of a study."""
        target = self.study(study).config
        config = load_target(target)
        if not (isinstance(config, type) and issubclass(config, StudyConfig)):
            raise SuiteError(f"{target!r} is not a StudyConfig", f"mend the config of {study!r}")
        return config

    def gradient(self, name: str) -> Any:
        """The gradient rule's function, `(nn.Module, **arguments) -> nn.Module`."""
        return load_target(self.rule(name).target)

    def rule(self, name: str) -> Target:
        """Where the gradient rule of that name is, and what it does."""
        return _find("gradient rule", name, self.gradients)

    def code_roots(self, study: str, gradients: Iterable[str]) -> list[str]:
        """Targets of what a run measures with: the study's measuring half and the gradient rules that it uses."""
        entry = self.study(study)
        rules = [self.gradients[name].target for name in gradients if name in self.gradients]
        return [entry.measure, entry.config, *rules]

    def top_packages(self) -> frozenset[str]:
        """Top-level names of the host's and all plugins' code."""
        return frozenset({"suite", *(package.partition(".")[0] for package in self._packages.values())})

    def _add(self, plugin: EntryPoint) -> None:
        owner = plugin.dist.name if plugin.dist else plugin.value
        try:
            module = plugin.load()
        except (Exception, SystemExit) as error:
            self.broken.append(f"plugin {plugin.name!r} of {owner} is broken: {one_line(error)}")
            return
        if not isinstance(module, Module):
            self.broken.append(f"plugin {plugin.name!r} of {owner} is broken: {plugin.value} is not a Module")
            return
        self._claim("module", module.name, owner)
        self.modules[module.name] = module
        self._packages[module.name] = plugin.module
        self._add_studies(module, plugin)
        for name, target in module.gradients.items():
            self._claim("gradient rule", name, owner)
            self.gradients[name] = target

    def _add_studies(self, module: Module, plugin: EntryPoint) -> None:
        """Declarations of the module's studies; one that cannot be loaded is left out, as a plugin would be."""
        for short in module.studies:
            package = f"{plugin.module}.{short}"
            try:
                study = load_target(f"{package}:study")
            except SuiteError as error:
                self.broken.append(f"study {module.name}.{short} is broken: {error.what}")
                continue
            if isinstance(study, Study):
                self.studies[f"{module.name}.{short}"] = study.located(package)
            else:
                self.broken.append(f"study {module.name}.{short} is broken: {package}:study is not a Study")

    def _claim(self, kind: str, name: str, owner: str) -> None:
        if (kind, name) in self._owners:
            owners = f"{self._owners[kind, name]} and {owner}"
            raise SuiteError(f"{kind} {name!r} is offered twice, by {owners}", "uninstall or rename one of them")
        self._owners[kind, name] = owner


def load_target(target: str) -> Any:
    """Imports `"package.file:attribute"`. Raises SuiteError with the reason when that fails."""
    path, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(path), attribute)
    except Exception as error:
        raise SuiteError(f"cannot load {target!r}: {one_line(error)}", "mend or reinstall the plugin") from error


def _find(kind: str, name: str, known: dict[str, T]) -> T:
    if name not in known:
        raise SuiteError(f"unknown {kind} {name!r}", did_you_mean(name, sorted(known)))
    return known[name]
