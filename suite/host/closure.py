"""The code behind a result: all sources that some roots import, directly or not, and one digest of them.

Sources are read, never imported. A file belongs to the closure of a root when it defines what the root, or another
file of the closure, imports: at the top level, in a function or in a `try`, but not under `if TYPE_CHECKING`. An
`__init__.py` belongs to it when a name that it *defines* is used, or when importing it does something (a call, say);
not because Python runs it on the way to a module below it. So a study's `__init__.py` and a plugin's table of contents
are not behind the numbers that the study measures.

The digest leaves out comments and docstrings. What static reading cannot see is outside it: modules named in strings
(`import_module("a.b")`), other files that code reads, and what a module does on import to one that does not import it.
"""

import hashlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from suite.errors import SuiteError
from suite.host.imports.graph import Found, Graph


def sources_behind(roots: Iterable[str], packages: Collection[str]) -> dict[str, Path]:
    """Module name -> source file of everything that roots import transitively, the roots' own files included.

    Args:
        roots: `"package.module"` or `"package.module:attribute"`; a package without an attribute stands for all that
            its `__init__.py` defines and passes on.
        packages: top-level packages, or single-file modules, to which the closure is restricted.

    Raises:
        SuiteError: a root, or a module that a file needs, does not exist, or a file cannot be read or parsed; the file
            and the line are named.
    """
    closure = _close(roots, packages)
    return {module: closure.paths[module] for module in sorted(closure.paths)}


def code_digest(roots: Iterable[str], packages: Collection[str]) -> str:
    """sha256 over the closure of roots: names and code of its modules, and which name stands for which in packages.

    Comments, docstrings and blank lines do not count. The digest is the same under every version of Python, and on
    every machine. Arguments and errors as in `sources_behind`.
    """
    closure = _close(roots, packages)
    lines = [f"{module} {digest}" for module, digest in sorted(closure.digests.items())]
    return hashlib.sha256("\n".join([*lines, *sorted(closure.passed_on)]).encode()).hexdigest()


def why(roots: Iterable[str], packages: Collection[str], module: str) -> list[str]:
    """The shortest chain of imports from a root to a module, with both; empty when the module is not in the closure."""
    closure = _close(roots, packages)
    chain = [module] if module in closure.paths else []
    while chain and (importer := closure.importers[chain[0]]):
        chain.insert(0, importer)
    return chain


@dataclass
class _Closure:
    """The modules behind some roots, and by which other each was found first."""

    paths: dict[str, Path] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    importers: dict[str, str | None] = field(default_factory=dict)
    passed_on: set[str] = field(default_factory=set)


def _close(roots: Iterable[str], packages: Collection[str]) -> _Closure:
    """Breadth first, so that the importers make the shortest chains."""
    graph, closure = Graph(packages), _Closure()
    waiting: deque[str] = deque()

    def take(found: Found, importer: str | None) -> None:
        closure.passed_on |= found.passed_on
        acting = {package for package in found.packages if graph.source(package).effect}
        for module in sorted(found.files | acting):
            if module not in closure.importers:
                closure.importers[module] = importer
                waiting.append(module)

    for root in sorted(set(roots)):
        module, _, attribute = root.partition(":")
        if not graph.knows(module):
            raise SuiteError(f"{root!r} is in none of the packages {', '.join(sorted(packages))}")
        take(graph.target(module, attribute), None)
    while waiting:
        module = waiting.popleft()
        source = graph.source(module)
        if source.path:
            closure.paths[module], closure.digests[module] = source.path, source.digest
        for found in _imports(graph, module):
            take(found, module)
    return closure


def _imports(graph: Graph, module: str) -> Iterator[Found]:
    """What is behind the imports of a file. A package's own count where it uses them itself or acts on import."""
    source = graph.source(module)
    for one in source.imports:
        if one.typing or one.place == "getattr" or not graph.knows(one.module):
            continue
        if not graph.is_package(module) or source.effect or one.key in source.uses():
            yield graph.imported(module, one)
