"""Training shared by all studies: a recipe, objectives, one loop on device-resident data, and evaluation."""

from suite.training.batch_norm import has_batch_norm, recompute_batch_norm
from suite.training.batches import as_pixels, held_out, random_crop_flip, resident
from suite.training.catastrophic import MANY_STEPS, ONE_STEP, Collapse
from suite.training.checkpoint import remove_checkpoint
from suite.training.evaluation import Evaluation, evaluate
from suite.training.loop import Epoch, History, Watch, fit
from suite.training.mode import in_mode
from suite.training.objectives import Adversary, Mart, Objective, Trades, cross_entropy
from suite.training.recipe import Recipe

__all__ = [
    "MANY_STEPS",
    "ONE_STEP",
    "Adversary",
    "Collapse",
    "Epoch",
    "Evaluation",
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
    "has_batch_norm",
    "held_out",
    "in_mode",
    "random_crop_flip",
    "recompute_batch_norm",
    "remove_checkpoint",
    "resident",
]
