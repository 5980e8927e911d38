"""What a module's table of contents must keep."""

import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from suite.errors import SuiteError
from suite.host.registry import GROUP, Registry, load_target
from suite.plugin import Module, StudyConfig, Target

HEAVY = (
    "torch",
    "torchvision",
    "scipy",
    "matplotlib",
    "pyarrow",
    "polars",
    "rich",
    "foolbox",
    "sklearn",
    "ray",
    "mlflow",
)
"""What contents, configs and words for columns must not import: `suite list` and `suite info` are to be quick."""

_LIST = """
import sys
sys.path[:] = {path!r}
from importlib.metadata import EntryPoint
from suite.host.glossary import explain
from suite.host.registry import Registry
known = Registry([EntryPoint({name!r}, {value!r}, {group!r})])
for study in known.studies:
    explain(study, known)
print(*[name for name in {heavy!r} if name in sys.modules])
"""


_IMPORT = """
import sys
sys.path[:] = {path!r}
from importlib import import_module
for target in {targets!r}:
    import_module(target)
    if "torch" in sys.modules:
        print(target)
        break
"""


def is_installed(module: Module) -> Iterator[str]:
    """Found by its entry point, as this very object."""
    if _entry_point(module) is None:
        yield f"no entry point of the group {GROUP} gives it: run pip install -e, or mend pyproject.toml"


def is_complete(module: Module) -> Iterator[str]:
    """Names, summaries, a paper, entries of the right kind."""
    if not module.name.isidentifier():
        yield f"its name {module.name!r} is no identifier"
    for name in ("summary", "paper"):
        if not getattr(module, name).strip():
            yield f"it has no {name}"
    known = Registry()
    yield from (line for line in known.broken if line.startswith(f"study {module.name}."))
    for short, study in known.studies_of(module.name).items():
        if not (study.question.strip() and short.isidentifier()):
            yield f"study {short!r} has no question, or its name is no identifier"
    for name, rule in module.gradients.items():
        if not (isinstance(rule, Target) and rule.summary.strip()):
            yield f"gradient rule {name!r} has no summary, or is no Target"


def loads(module: Module) -> Iterator[str]:
    """Every target leads to something of its kind."""
    for short, study in Registry().studies_of(module.name).items():
        config = yield from _loaded(study.config)
        if config is not None and not (isinstance(config, type) and issubclass(config, StudyConfig)):
            yield f"{study.config} of {short} is no StudyConfig"
        function = yield from _loaded(study.measure)
        if function is not None and not callable(function):
            yield f"{study.measure} of {short} is no function"
    for name, rule in module.gradients.items():
        function = yield from _loaded(rule.target)
        if function is not None and not callable(function):
            yield f"{rule.target} of the gradient rule {name} is no function"


def is_light(module: Module) -> Iterator[str]:
    """A fresh interpreter that lists the module, all its options and columns has imported nothing heavy."""
    plugin = _entry_point(module)
    if plugin is None:
        return
    code = _LIST.format(path=sys.path, name=plugin.name, value=plugin.value, group=GROUP, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    if done.returncode:
        yield f"listing it fails: {done.stderr.strip().splitlines()[-1]}"
    for name in done.stdout.split():
        yield f"listing it imports {name}: import it inside the functions that need it"


def analyses_without_torch(module: Module) -> Iterator[str]:
    """A fresh interpreter that has imported all results and figures has no torch: analysing takes seconds."""
    known = Registry().studies_of(module.name)
    targets = [target for study in known.values() for target in (study.results, study.figures) if target]
    code = _IMPORT.format(path=sys.path, targets=targets)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    if done.returncode:
        yield f"its results cannot be imported: {done.stderr.strip().splitlines()[-1]}"
    if target := done.stdout.strip():
        yield f"{target} imports torch: results and figures are made of tables alone"


RULES: Mapping[str, Callable[[Module], Iterator[str]]] = {
    "is installed": is_installed,
    "has a complete table of contents": is_complete,
    "every target loads": loads,
    "is light to list": is_light,
    "analyses without torch": analyses_without_torch,
}


def _entry_point(module: Module) -> EntryPoint | None:
    for plugin in entry_points(group=GROUP):
        with suppress(Exception):  # another's plugin may be broken in any way
            if plugin.load() is module:
                return plugin
    return None


def _loaded(target: str) -> Generator[str, None, Any]:
    """Yields the fault where a target cannot be loaded; returns what it is, or None."""
    try:
        return load_target(target)
    except SuiteError as error:
        yield str(error)
        return None
