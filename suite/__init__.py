"""A research suite for adversarial robustness: studies to run, and the laboratory they are made of.

`run`, `load` and `runs` are the way in from Python (`docs/python.md`); `Study`, `StudyConfig`, `option` and the types
of options are what a study of one's own is declared with (`docs/writing-a-module.md`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.host.front import Result, load, run, runs
    from suite.plugin import Cost, Module, Study, StudyConfig, Target, option

__version__ = "0.1.0"

__all__ = ["Cost", "Module", "Result", "Study", "StudyConfig", "Target", "load", "option", "run", "runs"]

_HOMES = {
    **dict.fromkeys(("Result", "load", "run", "runs"), "suite.host.front"),
    **dict.fromkeys(("Cost", "Module", "Study", "StudyConfig", "Target", "option"), "suite.plugin"),
}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    """Names on first use: `import suite` alone is light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
