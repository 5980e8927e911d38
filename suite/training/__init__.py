"""Training shared by all studies: a recipe, objectives, one loop on device-resident data, and evaluation."""

from suite.training.batches import as_pixels, held_out, random_crop_flip, resident
from suite.training.checkpoint import remove_checkpoint
from suite.training.evaluation import evaluate
from suite.training.loop import Epoch, History, Watch, fit
from suite.training.mode import in_mode
from suite.training.objectives import Adversary, Mart, Objective, Trades, cross_entropy
from suite.training.recipe import Recipe

__all__ = [
    "Adversary",
    "Epoch",
    "History",
    "Mart",
    "Objective",
    "Recipe",
    "Trades",
    "Watch",
    "as_pixels",
    "cross_entropy",
    "evaluate",
    "fit",
    "held_out",
    "in_mode",
    "random_crop_flip",
    "remove_checkpoint",
    "resident",
]
