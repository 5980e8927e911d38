"""Options that several studies share: `--loss`, a known loss or a function of the user's own. Light to import."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pydantic import AfterValidator

from suite.errors import SuiteError, did_you_mean, one_line

KNOWN = ("quadratic", "logistic")
_IMPORT = "import:"


def _with_digest(text: str) -> str:
    """`import:pkg.mod:function` gets the digest of its file behind it: an edited loss must not return an old result."""
    if not text.startswith(_IMPORT):
        if text not in KNOWN:
            raise SuiteError(f"unknown loss {text!r}", did_you_mean(text, [*KNOWN, "import:package.module:function"]))
        return text
    reference, _, stated = text.partition("@")
    module, _, attribute = reference.removeprefix(_IMPORT).partition(":")
    if not module or not attribute:
        raise SuiteError(f"cannot read the loss {text!r}", "write import:package.module:function")
    digest = hashlib.sha256(_source(module).read_bytes()).hexdigest()[:12]
    if stated not in ("", digest):
        raise SuiteError(f"{module} has changed since {stated}", f"write {reference}")
    return f"{reference}@{digest}"


LossRef = Annotated[str, AfterValidator(_with_digest)]
"""`quadratic`, `logistic`, or `import:package.module:function`: an elementwise torch function of (f, y)."""


def users_function(text: str) -> tuple[str, Callable[..., Any]]:
    """Name and function that an option `import:package.module:function` stands for.

    Raises:
        SuiteError: the module cannot be imported, or has no such function.
    """
    module, _, attribute = text.partition("@")[0].removeprefix(_IMPORT).partition(":")
    with _working_directory_first():
        try:
            function = getattr(_fresh(module), attribute)
        except Exception as error:  # the user's code may fail in any way
            raise SuiteError(f"cannot load the loss {attribute} of {module}: {one_line(error)}") from error
    if not callable(function):
        raise SuiteError(f"{attribute} of {module} is no function", "give a function of (f, y)")
    return attribute, function


def _fresh(name: str) -> ModuleType:
    """The module as its file is now, for which the digest stands; not as this process imported it before an edit."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no module {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _source(module: str) -> Path:
    with _working_directory_first():
        try:
            spec = importlib.util.find_spec(module)
        except Exception as error:  # a package around it is absent or broken
            raise SuiteError(f"cannot find the module {module}: {one_line(error)}") from error
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise SuiteError(f"there is no module {module}", "it is looked for in the working directory too")
    return Path(spec.origin)


@contextmanager
def _working_directory_first() -> Iterator[None]:
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    finally:
        sys.path.remove(str(Path.cwd()))
