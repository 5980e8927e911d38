"""Where a result comes from: digests of the code, versions, git revision, peak memory."""

import hashlib
import importlib.util
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import suite

_HOST = Path(suite.__file__).parent
# Of `suite`, what cannot change a number.
_NO_PART_OF_RESULTS = {
    "cli", "comparison.py", "executors", "experiments", "query.py", "report", "reproduction.py", "scaffold", "testing",
    "text.py", "tracking", "verdicts.py",
}  # fmt: skip


def code_digest(packages: Iterable[str] = ()) -> str:
    """sha256 over the package version and the sources (`*.py`) of `suite` and of plugin packages.

    Args:
        packages: dotted names of the packages, or of the single-file modules, of the plugins involved.
    """
    digest = hashlib.sha256(suite.__version__.encode())
    for name in ["suite", *sorted(set(packages))]:
        for root, path in _sources(name):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{name}/{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def git_state(folder: Path = _HOST) -> dict[str, Any] | None:
    """Revision and dirty flag of the checkout that `folder`'s code is tracked in; None when it is in none."""
    try:
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        status = _git(folder, "--no-optional-locks", "status", "--porcelain")
        return {"revision": _git(folder, "rev-parse", "HEAD"), "dirty": bool(status)}
    except (OSError, subprocess.SubprocessError):
        return None


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of everything that it requires at run time."""
    required = [line for line in requires("suite") or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line)[0] for line in required]
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ["suite", *sorted(names)]},
    }


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def _sources(name: str) -> list[tuple[Path, Path]]:
    """(root, file) of every source of a package; a file inside a package stands for the whole package."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return []
    if spec.submodule_search_locations is None and "." in name:
        return _sources(name.rpartition(".")[0])
    root = Path(spec.origin).parent
    if spec.submodule_search_locations is None:
        return [(root, Path(spec.origin))]
    skipped = _NO_PART_OF_RESULTS if root == _HOST else set()
    files = sorted(root.rglob("*.py"))
    return [(root, file) for file in files if file.relative_to(root).parts[0] not in skipped]
