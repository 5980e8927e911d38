"""Where modules lie: packages by the import path, everything below them by folders. Nothing is imported."""

import sys
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A module's file, None for a folder without `__init__.py`; and the folders of a package, None for a module."""

    path: Path | None
    folders: tuple[Path, ...] | None


class Places:
    """Finds modules, and remembers what it found."""

    def __init__(self) -> None:
        self._found: dict[str, Place | None] = {}
        self._listings: dict[Path, frozenset[str]] = {}

    def find(self, module: str) -> Place | None:
        """Where a module lies, by its dotted name; None where there is none."""
        if module not in self._found:
            parent, _, name = module.rpartition(".")
            self._found[module] = self._below(parent, name) if parent else _top_level(name)
        return self._found[module]

    def _below(self, parent: str, name: str) -> Place | None:
        place = self.find(parent)
        folders = (place.folders if place else None) or ()
        for folder in folders:
            if "__init__.py" in self._listing(folder, name):
                return Place(folder / name / "__init__.py", (folder / name,))
            for suffix in (*EXTENSION_SUFFIXES, ".py"):
                if name + suffix in self._listing(folder):
                    return Place(folder / (name + suffix), None)
        bare = tuple(folder / name for folder in folders if self._listing(folder, name))
        return Place(None, bare) if bare else None

    def _listing(self, folder: Path, name: str = "") -> frozenset[str]:
        """The names in a folder, or in a folder of it; empty where there is none. Capitals count on every system."""
        if name and name not in self._listing(folder):
            return frozenset()
        path = folder / name
        if path not in self._listings:
            self._listings[path] = frozenset(file.name for file in path.iterdir()) if path.is_dir() else frozenset()
        return self._listings[path]


def _top_level(name: str) -> Place | None:
    """A top-level module as this process has imported it, or else as it would."""
    spec = getattr(sys.modules.get(name), "__spec__", None) or PathFinder.find_spec(name) or _otherwise(name)
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    path = Path(spec.origin) if spec.origin and spec.has_location else None
    if path is None and folders is None:
        return None
    return Place(path, None if folders is None else tuple(map(Path, folders)))


def _otherwise(name: str) -> ModuleSpec | None:
    """By the other finders of this process: an editable install may have one of its own."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None)
        if spec is not None:
            return spec
    return None
