"""Where a result comes from: versions, git revision, peak memory."""

import platform
import re
import resource
import subprocess
import sys
from functools import cache
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import suite

DISTRIBUTION = "suite-robustness"
"""The name under which this package is installed; it is imported, and typed, as `suite`."""

_HOST = Path(suite.__file__).parent


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
    return dict(_versions())


@cache  # reading them is dearer than a small study's work, and what is imported stays what it is
def _versions() -> dict[str, str]:
    required = [line for line in requires(DISTRIBUTION) or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line)[0] for line in required]
    return {
        "python": platform.python_version(),
        "suite": version(DISTRIBUTION),
        **{name: version(name) for name in sorted(names)},
    }


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
