"""Who imports whom, in functions and under TYPE_CHECKING too: no circles, and the walls that CONTRIBUTING.md draws."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

import pytest

from suite.host.closure import sources_behind, why
from suite.host.imports.graph import Found, Graph, MissingModule
from suite.host.imports.source import Import

ROOT = Path(__file__).parents[1]
PACKAGES = ("suite", "modules")
LABORATORY = ("data", "models", "gradients", "attacks", "training", "statistics", "tables", "claims", "figures")
GROUND = ("errors", "paths", "refs", "files", "locks", "digests", "plugin", "own_modules", "glossary", "numbers")
MEASURING = ("measuring",)  # the types of what a measuring half is given; they name types of the laboratory
DOORS = ("suite", "suite.__main__")
TORCH = ("torch", "torchvision", "foolbox", "eagerpy")
GRAPH = Graph(PACKAGES)

Edges = Mapping[str, AbstractSet[str]]


def named(*patterns: str) -> list[str]:
    """The modules of the files that fit patterns."""
    files = {path.relative_to(ROOT).with_suffix("") for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(".".join(file.parts).removesuffix(".__init__") for file in files)


SUITE, PLUGINS, STUDIES = named("suite/**/*.py"), named("modules/**/*.py"), named("modules/*/*/__init__.py")


def part(module: str) -> str:
    """The second word of a module's name: `data` of `suite.data.folder`."""
    return module.partition(".")[2].partition(".")[0]


def below(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def found(module: str) -> list[tuple[Import, Found]]:
    """What a file imports, and what is behind it; without what is not there (test_every_import_leads_somewhere)."""
    return [(one, behind) for one in GRAPH.source(module).imports if (behind := _behind(module, one))]


def _behind(module: str, one: Import) -> Found | None:
    try:
        return GRAPH.imported(module, one)
    except MissingModule:
        return None


@cache
def edges() -> Edges:
    """The modules whose names each file imports."""
    return {module: {name for _, one in found(module) for name in one.files} - {module} for module in SUITE + PLUGINS}


def imports(module: str, *, lazy: bool = True) -> dict[str, str]:
    """The modules and packages that a file imports anything from -> `file:line imports module`.

    Without `lazy`, those at its top level only.
    """
    lines: dict[str, str] = {}
    for one, behind in found(module):
        if lazy or (one.place == "top" and not one.typing):
            outside = set() if GRAPH.knows(one.module) else {one.module}
            for name in sorted(behind.files | behind.packages - {*PACKAGES} | outside):
                lines.setdefault(name, f"{module}:{one.line} imports {name}")
    return lines


def wrong(module: str, allowed: Collection[str]) -> list[str]:
    """What a file imports of suite beyond the allowed parts."""
    return [line for name, line in imports(module).items() if below(name, "suite") and part(name) not in allowed]


def reachable(graph: Edges, start: str) -> dict[str, str]:
    """The modules that imports lead to from one, the nearest first, each with its importer; itself only by a circle."""
    importers = dict.fromkeys(sorted(graph[start]), start)
    waiting = [*importers]
    for module in waiting:
        for name in sorted(graph.get(module, ())):
            if name not in importers:
                importers[name] = module
                waiting.append(name)
    return importers


def circles(graph: Edges) -> list[list[str]]:
    """Groups of modules that all import each other, by way of others or not."""
    reached = {module: reachable(graph, module) for module in graph}
    groups = {frozenset(other for other in reached[module] if module in reached[other]) for module in graph}
    return sorted(sorted(group) for group in groups if group)


def round_trip(graph: Edges, module: str) -> str:
    """The shortest way by imports from a module to itself."""
    importers, way = reachable(graph, module), [module]
    while len(way) == 1 or way[0] != module:
        way.insert(0, importers[way[0]])
    return " -> ".join(way)


def executed(module: str) -> set[str]:
    """The modules that Python runs when it imports one: packages on the way, and imports at the top level."""
    done: set[str] = set()
    waiting = [module]
    while waiting:
        words = waiting.pop().split(".")
        for name in {".".join(words[:count]) for count in range(1, len(words) + 1)} - done:
            if GRAPH.knows(name) and GRAPH.places.find(name):
                done.add(name)
                top = [one for one in GRAPH.source(name).imports if one.place == "top" and not one.typing]
                waiting += [one.module for one in top] + [f"{one.module}.{one.name}" for one in top if one.name]
    return done


def torch_in(modules: Iterable[str]) -> list[str]:
    """Where modules import torch, or what is built on it, at their top level."""
    lines = [imports(module, lazy=False).items() for module in sorted(modules)]
    return [line for items in lines for name, line in items if below(name, *TORCH)]


def assert_none(lines: Collection[str]) -> None:
    """Shows every line that should not be there."""
    assert not lines, "\n".join(lines)


def test_the_graph_is_there() -> None:
    assert {"suite.data.dataset", "suite.attacks.iterate", "suite.host.registry"} <= {*SUITE}
    assert {"modules", "modules.linbp", "modules.linbp.attack.measure"} <= {*PLUGINS}
    assert "modules.linbp.attack" in STUDIES
    assert {"suite.attacks.differentiate", "suite.measuring"} <= {*edges()["modules.linbp.attack.measure"]}
    assert "modules.linbp.guo" in edges()["modules.linbp.gradient"]  # inside a function
    assert "suite.data.dataset" in edges()["suite.measuring"]  # under TYPE_CHECKING
    assert "suite.data.dataset" in executed("suite.data.folder")  # by the package on the way
    assert torch_in(["suite.models.classifier"]) and not torch_in(["suite.data.dataset"])


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set(), "f": {"f", "a"}, "g": {"h"}, "h": {"g"}}
    assert circles(graph) == [["a", "b", "c"], ["f"], ["g", "h"]]
    assert round_trip(graph, "a") == "a -> b -> c -> a"


def test_every_import_leads_somewhere() -> None:
    lost = []
    for module in SUITE + PLUGINS:
        for one in GRAPH.source(module).imports:
            try:
                GRAPH.imported(module, one)
            except MissingModule as error:
                lost.append(f"{module}:{one.line} imports {one.module}: {error}")
    assert_none(lost)


def test_there_is_no_circle() -> None:
    assert_none([round_trip(edges(), group[0]) for group in circles(edges())])


def test_every_file_of_suite_has_its_place() -> None:
    places = ("host", *LABORATORY, *GROUND, *MEASURING)
    assert_none([module for module in SUITE if module not in DOORS and part(module) not in places])


def test_only_the_host_imports_the_host() -> None:
    others = [module for module in SUITE + PLUGINS if not below(module, "suite.host", "suite.__main__")]
    lines = [item for module in others for item in imports(module, lazy=module != "suite").items()]
    assert_none([line for name, line in lines if below(name, "suite.host")])


def test_suite_never_imports_modules() -> None:
    assert_none([line for module in SUITE for name, line in imports(module).items() if below(name, "modules")])


def test_modules_never_import_each_other() -> None:
    lines = [(module, *item) for module in PLUGINS for item in imports(module).items()]
    assert_none([line for module, name, line in lines if below(name, "modules") and part(name) != part(module)])


def test_the_laboratory_imports_only_itself_and_the_ground() -> None:
    inside = [module for module in SUITE if part(module) in LABORATORY]
    assert_none([line for module in inside for line in wrong(module, (*LABORATORY, *GROUND))])


def test_the_ground_imports_only_itself() -> None:
    assert_none([line for module in SUITE if part(module) in GROUND for line in wrong(module, GROUND)])


def test_modules_use_the_laboratory_and_what_a_plugin_is_given() -> None:
    assert_none([line for module in PLUGINS for line in wrong(module, (*LABORATORY, *GROUND, *MEASURING))])


def test_only_the_command_line_and_what_types_it_import_the_command_line() -> None:
    typing = ("suite.host.cli", "suite.host.testing", "suite.__main__")
    lines = [item for module in SUITE if not below(module, *typing) for item in imports(module).items()]
    assert_none([line for name, line in lines if below(name, "suite.host.cli", "click")])


@pytest.mark.parametrize("study", STUDIES)
def test_a_table_of_contents_imports_only_what_it_is_made_of(study: str) -> None:
    assert edges()[study] <= {"suite.plugin"}


@pytest.mark.parametrize("module", named("modules/*/*/config.py"))
def test_a_config_leads_to_nothing_that_works_with_it(module: str) -> None:
    study = module.rpartition(".")[0]
    working = [f"{study}.{name}" for name in ("measure", "results", "figures")]
    assert_none([name for name in working if name in reachable(edges(), module)])


@pytest.mark.parametrize("module", named("modules/*/*/measure.py"))
def test_measuring_leads_to_no_results_and_no_figures(module: str) -> None:
    shown = [name for name in PLUGINS if name.endswith((".results", ".figures"))] + named("modules/*/*/columns.py")
    assert_none([line for name, line in imports(module).items() if name in shown])
    behind = {*shown, "suite.figures"} & sources_behind([module], PACKAGES).keys()
    assert_none([" -> ".join(why([module], PACKAGES, name)) for name in sorted(behind)])


@pytest.mark.parametrize("module", named("modules/*/*/results.py", "modules/*/*/figures.py"))
def test_analysing_leads_to_no_torch(module: str) -> None:
    assert_none(torch_in(sources_behind([module], PACKAGES)))


def test_what_is_light_runs_no_torch_when_it_is_imported() -> None:
    light = ("__init__", "*/__init__", "*/config", "*/results", "*/figures", "*/columns")
    answers = ("suite.host.told", "suite.models.told", "suite.host.cli.results")  # of what is stored
    for module in (*named(*(f"modules/*/{file}.py" for file in light)), *answers):
        assert_none([f"{module} runs it: {line}" for line in torch_in(executed(module))])
