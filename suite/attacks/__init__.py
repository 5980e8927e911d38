"""Attacks: a fused I-FGSM/PGD over all strengths, attacks meant to transfer, a Foolbox adapter, and ways to
differentiate a frozen model.

What is built on Foolbox is loaded on first use: it takes half a second, and few attacks are Foolbox's.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from suite.attacks.adversary import Adversary
from suite.attacks.apgd import apgd
from suite.attacks.attack_probe import OutputProbe, UnboundedProbe, probe_outputs, probe_unbounded
from suite.attacks.autoattack import MEMBERS, Efforts, Evaluation, autoattack
from suite.attacks.compiled import Trial, check_compiler
from suite.attacks.differentiate import Autograd, Differentiator, differentiator, frozen
from suite.attacks.eight_bit import eight_bit
from suite.attacks.engine import Engine, GradientRule, exact_engine, fast_engine, fast_layout
from suite.attacks.fab import fab
from suite.attacks.fast import fold_batch_norm
from suite.attacks.gradient_health import GradientHealth, gradient_health
from suite.attacks.ila import MidLayer, ila
from suite.attacks.iterate import iterate
from suite.attacks.losses import LOSSES
from suite.attacks.random_start import ball_noise, random_starts
from suite.attacks.robustness import one_and_many, robustness
from suite.attacks.sign_steps import SignSteps, sign_steps
from suite.attacks.square import square
from suite.attacks.transferable import METHODS, Budget, Method, craft
from suite.attacks.walk import Settings, Trajectory

if TYPE_CHECKING:
    from suite.attacks.foolbox_adapter import attack_names, foolbox_model, has_steps, make_attack
    from suite.attacks.fused import IFGSM

__all__ = [
    "IFGSM",
    "LOSSES",
    "MEMBERS",
    "METHODS",
    "Adversary",
    "Autograd",
    "Budget",
    "Differentiator",
    "Efforts",
    "Engine",
    "Evaluation",
    "GradientHealth",
    "GradientRule",
    "Method",
    "MidLayer",
    "OutputProbe",
    "Settings",
    "SignSteps",
    "Trajectory",
    "Trial",
    "UnboundedProbe",
    "apgd",
    "attack_names",
    "autoattack",
    "ball_noise",
    "check_compiler",
    "craft",
    "differentiator",
    "eight_bit",
    "exact_engine",
    "fab",
    "fast_engine",
    "fast_layout",
    "fold_batch_norm",
    "foolbox_model",
    "frozen",
    "gradient_health",
    "has_steps",
    "ila",
    "iterate",
    "make_attack",
    "one_and_many",
    "probe_outputs",
    "probe_unbounded",
    "random_starts",
    "robustness",
    "sign_steps",
    "square",
]

_HOMES = {
    **dict.fromkeys(("attack_names", "foolbox_model", "has_steps", "make_attack"), "suite.attacks.foolbox_adapter"),
    "IFGSM": "suite.attacks.fused",
}


def __getattr__(name: str) -> Any:
    """Names on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
