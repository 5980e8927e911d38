"""The old name of `options` and `losses.load_loss`, until `rules` has moved."""

from modules.pgd_dynamics.losses import load_loss
from modules.pgd_dynamics.options import LossRef

__all__ = ["LossRef", "load_loss"]
