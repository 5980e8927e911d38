"""Which files provide what a file imports: names are followed through packages that only pass them on."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import resolve_name

from suite.errors import SuiteError
from suite.host.imports.memory import read
from suite.host.imports.places import Place, Places
from suite.host.imports.source import Import, Source
from suite.host.imports.uses import ASKED, Chain

_OF_ANY_MODULE = {"__file__", "__name__", "__path__", "__doc__", "__spec__", "__package__", "__loader__"}
_NOT_OFFERED = {"__all__", "__getattr__", "__dir__"}


class MissingModule(SuiteError):
    """An import, or a root, names a module that is not there."""


@dataclass
class Found:
    """What is behind an import.

    Attributes:
        files: modules that define the names.
        packages: those that Python imports on the way.
        passed_on: `package:name is module:name`, a line for each name that a package passed on.
    """

    files: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    passed_on: set[str] = field(default_factory=set)


class Graph:
    """The imports between the files of some top-level packages. Nothing is imported, and no text is followed.

    The provider of a name is the file that defines it: a package's `__init__.py` that imports the name from elsewhere
    only passes it on. A package that is imported with a star, or is used other than by its attributes, stands for all
    that its `__init__.py` defines and passes on.

    Args:
        packages: top-level names; imports of others are ignored.
    """

    def __init__(self, packages: Collection[str]) -> None:
        self.packages = frozenset(packages)
        self.places = Places()
        self._sources: dict[str, Source] = {}

    def knows(self, module: str) -> bool:
        """Whether a module, if there is one, belongs to the packages."""
        return module.partition(".")[0] in self.packages

    def source(self, module: str) -> Source:
        """The module's file as parsed. It has no path where a package is a folder without `__init__.py`.

        Raises:
            SuiteError: there is no such module, or its file cannot be read or parsed.
        """
        if module not in self._sources:
            place = self._place(module)
            package = module.rpartition(".")[0] if place.folders is None else module
            self._sources[module] = Source(None) if place.path is None else read(place.path, package)
        return self._sources[module]

    def is_package(self, module: str) -> bool:
        """Whether a module is a folder."""
        return self._place(module).folders is not None

    def target(self, module: str, name: str = "") -> Found:
        """The files behind a name of a module, or without one behind all that the module offers.

        Raises:
            SuiteError: there is no such module, or a file on the way cannot be read or parsed.
        """
        search = _Search(self)
        search.provide(module, tuple(name.split(".")) if name else (), _as_it_is)
        return search.found

    def imported(self, module: str, one: Import) -> Found:
        """The files behind one of the imports of a module's file.

        Raises:
            SuiteError: it names a module that is not there and that the file needs, or a file cannot be read.
        """
        search = _Search(self)
        search.own(self.source(module), one)
        return search.found

    def lazy(self, module: str) -> Found:
        """The files behind all that the `__getattr__` of a package serves."""
        search = _Search(self)
        search.lazy(module, None)
        return search.found

    def _place(self, module: str) -> Place:
        place = self.places.find(module)
        if place is None:
            raise MissingModule(f"there is no module {module}")
        return place


Tails = Callable[[], Iterable[Chain]]
"""The attributes of a name that an importing file uses; asked for only when the name turns out to be a package."""


def _as_it_is() -> list[Chain]:
    return [()]


class _Search:
    """A search for the providers of names."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found = Found()
        self._seen: set[tuple[str, Chain, Tails]] = set()

    def provide(self, module: str, chain: Chain, tails: Tails) -> None:
        """Finds what `module.chain` stands for; where that is a package, its attributes `tails`."""
        if not self.graph.knows(module) or (module, chain, tails) in self._seen:
            return
        self._seen.add((module, chain, tails))
        source, words = self.graph.source(module), module.split(".")
        self.found.packages |= {".".join(words[:count]) for count in range(1, len(words))}
        if not self.graph.is_package(module):
            self.found.files.add(module)
            for one in source.bindings(chain[0]) if chain else ():
                self.follow(source, one, chain[1:], tails)
            return
        self.found.packages.add(module)
        if chain:
            self._name(module, chain[0], chain[1:], tails)
            return
        for tail in tails():
            if tail:
                self.provide(module, tail, _as_it_is)
            else:
                self._everything(module)

    def own(self, source: Source, one: Import, asked: str | None = None) -> None:
        """Finds what an import gives its file; `asked` is the argument of the `__getattr__` in which it stands."""

        def used() -> list[Chain]:
            return [_filled(chain, asked) for chain in source.uses().get(one.key, ())]

        if not one.binds_parent:
            self.follow(source, one, (), lambda: used() or [()])
        elif self.graph.knows(one.module):
            top, *below = one.module.split(".")
            count = len(below)
            attributes = [chain[count:] for chain in used() if chain[:count] == (*below,)]
            with _at(source, one):
                self.provide(one.module, (), lambda: attributes or [()])
                for chain in used():
                    if chain[:count] != (*below,):  # another module, or a name of the package `top`
                        self.provide(top, chain, _as_it_is)

    def follow(self, source: Source, one: Import, rest: Chain, tails: Tails) -> None:
        """Finds what an imported name, with the attributes `rest` behind it, stands for."""
        with _at(source, one):
            if one.binds_parent:
                self.provide(one.module.partition(".")[0], rest, tails)
            elif one.name == "*":
                self.provide(one.module, rest, tails if rest else _as_it_is)
            else:
                self.provide(one.module, (one.name, *rest) if one.name else rest, tails)

    def _name(self, module: str, name: str, rest: Chain, tails: Tails) -> None:
        """Finds a name of a package: in its `__init__.py`, below it, or by its `__getattr__`."""
        source = self.graph.source(module)  # where `from . import name` says nothing that is not known
        bindings = [one for one in source.bindings(name) if (one.module, one.name) != (module, name)]
        for one in bindings:
            self._note(module, name, one)
            self.follow(source, one, rest, tails)
        if name in source.defined:
            self.found.files.add(module)
        if bindings or name in source.defined:
            return
        served = self.lazy(module, name, rest, tails)
        submodule = f"{module}.{name}"
        if self.graph.places.find(submodule):
            self.provide(submodule, rest, tails)
        elif served or self._starred(source, name, rest, tails) or self.lazy(module, name, rest, tails, any_name=True):
            pass
        elif source.path is None:
            raise MissingModule(f"there is no module {submodule}")
        elif name == "__dict__":
            self._everything(module)
        elif name not in _OF_ANY_MODULE:
            self.found.files.add(module)  # it comes about there in a way that cannot be followed

    def lazy(
        self, module: str, name: str | None, rest: Chain = (), tails: Tails = _as_it_is, *, any_name: bool = False
    ) -> bool:
        """Finds what `__getattr__` serves under a name, or under every name; tells whether there is anything.

        Of its imports, those in branches that ask for the name; with `any_name`, those that run for all names.
        """
        source = self.graph.source(module)
        imports = {one.key: one for one in source.imports if one.place == "getattr" and not one.typing}
        served = False
        for key, when in source.lazy.imports.items():
            if key in imports and (name is None or (when.admits(name) and (when.only is None) == any_name)):
                self._note(module, name or "*", imports[key])
                self.own(source, imports[key], name)
                served = True
        for entry, (path, attributes) in source.lazy.table.items():
            target = self._target(module, path) if name in (None, entry) and not any_name else None
            if target:
                self.found.passed_on.add(f"{module}:{entry} is {target[0]}:{'.'.join((*target[1], *attributes))}")
                self.provide(target[0], (*target[1], *attributes, *rest), tails)
                served = True
        return served

    def _target(self, package: str, path: str) -> tuple[str, Chain] | None:
        """Module and attributes of a path in a table of `__getattr__`; None where it leads out of the packages."""
        absolute = resolve_name(path, package) if path.startswith(".") else path
        if not self.graph.knows(absolute):
            absolute = f"{package}.{path}"
            if not self.graph.places.find(absolute):
                return None
        words = absolute.split(".")
        count = max(count for count in range(1, len(words) + 1) if self.graph.places.find(".".join(words[:count])))
        return ".".join(words[:count]), (*words[count:],)

    def _starred(self, source: Source, name: str, rest: Chain, tails: Tails) -> bool:
        """Finds a name among those that a package takes by `from module import *`; tells whether it is there."""
        stars = [one for one in source.imports if one.name == "*" and not one.typing and self.graph.knows(one.module)]
        for one in stars:
            with _at(source, one):
                offering = self.graph.source(one.module)
                if name in offering.defined or offering.bindings(name):
                    self.follow(source, one, (name, *rest), tails)
                    return True
        for one in stars:
            self.follow(source, one, (), _as_it_is)
        return bool(stars)

    def _everything(self, module: str) -> None:
        """Finds all that a package defines and passes on."""
        source = self.graph.source(module)
        if source.defined - _NOT_OFFERED:
            self.found.files.add(module)
        for one in source.imports:
            if one.place == "top" and not one.typing:
                self._note(module, one.bound, one)
                if one.binds_parent:
                    self.own(source, one)
                else:
                    self.follow(source, one, (), _as_it_is)
        self.lazy(module, None)

    def _note(self, module: str, name: str, one: Import) -> None:
        if self.graph.knows(one.module):
            self.found.passed_on.add(f"{module}:{name} is {one.module}:{one.name}")


@contextmanager
def _at(source: Source, one: Import) -> Iterator[None]:
    """Says where a missing module is imported; passes over it where the file goes on without."""
    try:
        yield
    except MissingModule as error:
        if one.guarded:
            return
        where = f"{source.path}, line {one.line}: "
        raise MissingModule(error.what if ", line " in error.what else where + error.what) from None


def _filled(chain: Chain, asked: str | None) -> Chain:
    """A chain with the name that `__getattr__` was asked for; cut off before it where that is unknown."""
    if asked is not None:
        return tuple(asked if part == ASKED else part for part in chain)
    return chain[: chain.index(ASKED)] if ASKED in chain else chain
