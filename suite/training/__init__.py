"""Training shared by all studies: a recipe, one loop on device-resident data, and evaluation."""

from suite.training.batches import as_pixels, random_crop_flip, resident
from suite.training.checkpoint import remove_checkpoint
from suite.training.evaluation import evaluate
from suite.training.loop import Adversary, Epoch, History, Watch, fit
from suite.training.recipe import Recipe

__all__ = [
    "Adversary",
    "Epoch",
    "History",
    "Recipe",
    "Watch",
    "as_pixels",
    "evaluate",
    "fit",
    "random_crop_flip",
    "remove_checkpoint",
    "resident",
]
