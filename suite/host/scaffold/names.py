"""Which names a new module may have: they become a package, an import, a prefix on the command line."""

import importlib.util
import keyword
import re
import sys
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, distribution

from suite.errors import SuiteError

LONGEST = 30
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_GENERATED = ("tests",)  # folders of the package itself


def check_name(name: str, taken: Collection[str]) -> None:
    """Refuses what is no name for a package, or hides something that is installed.

    Args:
        name: as typed.
        taken: names of the installed modules and gradient rules.

    Raises:
        SuiteError: with the nearest name that would do.
    """
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        what = f"{name!r} cannot be imported" if len(name) <= LONGEST else f"a name of {len(name)} letters is too long"
        raise SuiteError(what, _remedy(_nearest(name), taken))
    why = _why_taken(name, taken)
    if why:
        raise SuiteError(f"{name!r} {why}", _remedy(f"{name}_study", taken))


def _why_taken(name: str, taken: Collection[str]) -> str:
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a keyword of Python"
    if name in taken:
        return "is taken by an installed module or gradient rule"
    if name in sys.stdlib_module_names or name in _GENERATED or importlib.util.find_spec(name) is not None:
        return "would hide a package that can be imported"
    try:
        distribution(name)
    except PackageNotFoundError:
        return ""
    return "is the name of an installed distribution"


def _nearest(name: str) -> str:
    """A name as it could be: `My-Rays 2` gives `my_rays_2`."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_").lstrip("0123456789_")
    return plain[:LONGEST].rstrip("_")


def _remedy(proposal: str, taken: Collection[str]) -> str:
    if proposal and not _why_taken(proposal, taken):
        return f"for example {proposal}"
    return f"a lower-case letter, then letters, digits and _, at most {LONGEST}"
