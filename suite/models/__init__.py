"""The zoo: architectures with their recipes, and references resolved to classifiers with weights.

Names are loaded on first use: what is known without torch does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.models.build import Architecture, architecture
    from suite.models.classifier import Classifier, ModelInfo
    from suite.models.description import Row, describe
    from suite.models.entry import Entry
    from suite.models.foreign import from_module
    from suite.models.in_memory import module_digest
    from suite.models.loading import load
    from suite.models.stored import Trained, kept_weights, trained
    from suite.models.training import train
    from suite.models.zoo import ZOO

__all__ = [
    "ZOO",
    "Architecture",
    "Classifier",
    "Entry",
    "ModelInfo",
    "Row",
    "Trained",
    "architecture",
    "describe",
    "from_module",
    "kept_weights",
    "load",
    "module_digest",
    "train",
    "trained",
]

_HOMES = {
    **dict.fromkeys(("Architecture", "architecture"), "suite.models.build"),
    **dict.fromkeys(("Classifier", "ModelInfo"), "suite.models.classifier"),
    **dict.fromkeys(("Row", "describe"), "suite.models.description"),
    "Entry": "suite.models.entry",
    "from_module": "suite.models.foreign",
    "module_digest": "suite.models.in_memory",
    "load": "suite.models.loading",
    **dict.fromkeys(("Trained", "kept_weights", "trained"), "suite.models.stored"),
    "train": "suite.models.training",
    "ZOO": "suite.models.zoo",
}


def __getattr__(name: str) -> Any:
    """Names on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
