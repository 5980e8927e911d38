"""Attacks: a fused I-FGSM/PGD over all strengths, a Foolbox adapter, and ways to differentiate a frozen model."""

from suite.attacks.differentiate import Autograd, Differentiator, differentiator, frozen
from suite.attacks.engine import Engine, GradientRule, exact_engine, fast_engine, fast_layout
from suite.attacks.fast import fold_batch_norm
from suite.attacks.foolbox_adapter import attack_names, foolbox_model, has_steps, make_attack
from suite.attacks.fused import IFGSM
from suite.attacks.iterate import Settings, Trajectory, iterate
from suite.attacks.losses import LOSSES
from suite.attacks.random_start import ball_noise, random_starts

__all__ = [
    "IFGSM",
    "LOSSES",
    "Autograd",
    "Differentiator",
    "Engine",
    "GradientRule",
    "Settings",
    "Trajectory",
    "attack_names",
    "ball_noise",
    "differentiator",
    "exact_engine",
    "fast_engine",
    "fast_layout",
    "fold_batch_norm",
    "foolbox_model",
    "frozen",
    "has_steps",
    "iterate",
    "make_attack",
    "random_starts",
]
