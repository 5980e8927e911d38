"""How large the store and the cache are, in bytes."""

from dataclasses import dataclass
from pathlib import Path

from suite.host.removal import files, size_of
from suite.host.store import find_runs


@dataclass(frozen=True)
class Sizes:
    """Bytes by run (`study/key`), of all that is in the folder of runs, and of the cache by its folders."""

    runs: dict[str, int]
    store: int
    cache: dict[str, int]

    @property
    def studies(self) -> dict[str, int]:
        """Bytes by study."""
        found = dict[str, int]()
        for run, size in self.runs.items():
            study = run.partition("/")[0]
            found[study] = found.get(study, 0) + size
        return found


def sizes(root: Path, cache: Path) -> Sizes:
    """The sizes of files below both; links are not followed."""
    runs = {run.name: _size(run.path) for run in find_runs(root)}
    below = sorted(path for path in cache.glob("*") if path.is_dir()) if cache.is_dir() else []
    return Sizes(runs, _size(root), {path.name: _size(path) for path in below})


def _size(folder: Path) -> int:
    return sum(map(size_of, files(folder)))
