"""Training shared by all studies: a recipe, objectives, one loop on device-resident data, and evaluation.

Names are loaded on first use: what is known without torch does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    **dict.fromkeys(("has_batch_norm", "recompute_batch_norm"), "suite.training.batch_norm"),
    **dict.fromkeys(("as_pixels", "held_out", "random_crop_flip", "resident"), "suite.training.batches"),
    **dict.fromkeys(("MANY_STEPS", "ONE_STEP", "Collapse"), "suite.training.catastrophic"),
    "remove_checkpoint": "suite.training.checkpoint",
    **dict.fromkeys(("Evaluation", "evaluate"), "suite.training.evaluation"),
    **dict.fromkeys(("Epoch", "History", "Watch", "fit"), "suite.training.loop"),
    "in_mode": "suite.training.mode",
    **dict.fromkeys(("Adversary", "Mart", "Objective", "Trades", "cross_entropy"), "suite.training.objectives"),
    "Recipe": "suite.training.recipe",
}


def __getattr__(name: str) -> Any:
    """Names on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
