"""Training shared by all studies: a recipe, one loop on device-resident data, and evaluation."""

from suite.training.batches import as_pixels, random_crop_flip, resident
from suite.training.evaluation import evaluate
from suite.training.loop import Epoch, History, fit
from suite.training.recipe import Recipe

__all__ = ["Epoch", "History", "Recipe", "as_pixels", "evaluate", "fit", "random_crop_flip", "resident"]
