"""The zoo: architectures with their recipes, and references resolved to classifiers with weights."""

from suite.models.classifier import Classifier, ModelInfo
from suite.models.description import Row, describe
from suite.models.entry import Entry
from suite.models.loading import load
from suite.models.trained import Trained, train, trained
from suite.models.zoo import ZOO

__all__ = [
    "ZOO",
    "Classifier",
    "Entry",
    "ModelInfo",
    "Row",
    "Trained",
    "describe",
    "load",
    "train",
    "trained",
]
