"""The zoo: architectures with their recipes, and references resolved to classifiers with weights."""

from suite.models.build import Architecture, architecture
from suite.models.classifier import Classifier, ModelInfo
from suite.models.description import Row, describe
from suite.models.entry import Entry
from suite.models.foreign import from_module
from suite.models.loading import load
from suite.models.module_digest import module_digest
from suite.models.trained import Trained, train, trained
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
    "load",
    "module_digest",
    "train",
    "trained",
]
