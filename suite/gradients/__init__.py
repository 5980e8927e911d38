"""Gradient rules: how a model's backward pass is computed. A rule is a function `nn.Module -> nn.Module`.

What comes out is a model like the one that went in: the same parameters, the same forward pass bit for bit, and
another backward pass. Any model will do, and any attack library or training loop:

    from suite.gradients import compose, leaky, linbp, rectifier_calls, sgm, softplus

    linear = linbp(model, start="layer4")                   # of the module linbp, loaded when it is asked for
    softer = softplus(model, beta=10, start="layer3")
    softer(x).sum().backward()

    rectifier_calls(model, x)                               # where a rule may start: (index, module path, function)
    both = compose(partial(leaky, slope=0.1), partial(sgm, lam=0.5))(model)
"""

from importlib import import_module
from typing import Any

from suite.gradients.calls import RectifierCall, rectifier_calls
from suite.gradients.compose import compose
from suite.gradients.gated import gated
from suite.gradients.leaky import leaky
from suite.gradients.match import match
from suite.gradients.pna import pna
from suite.gradients.positive import deconv, guided
from suite.gradients.rectified import Rectified, between, from_start
from suite.gradients.rectifiers import RECTIFIERS, is_rectifier
from suite.gradients.rule import GradientRule, bp, changing
from suite.gradients.sgm import sgm
from suite.gradients.silu import silu
from suite.gradients.softplus import softplus
from suite.gradients.softpool import softpool
from suite.gradients.straight_through import linear
from suite.gradients.tgr import tgr
from suite.gradients.vdc import vdc
from suite.gradients.view import View, find_path, rules_of, view
from suite.own_modules import find_own_modules

__all__ = [
    "RECTIFIERS",
    "GradientRule",
    "Rectified",
    "RectifierCall",
    "View",
    "between",
    "bp",
    "changing",
    "compose",
    "deconv",
    "find_path",
    "from_start",
    "gated",
    "guided",
    "is_rectifier",
    "leaky",
    "linear",
    "match",
    "pna",
    "rectifier_calls",
    "rules_of",
    "sgm",
    "silu",
    "softplus",
    "softpool",
    "tgr",
    "vdc",
    "view",
]

_OF_MODULES = dict.fromkeys(("linbp", "linear_backward"), "modules.linbp.gradient")


def __getattr__(name: str) -> Any:
    """Rules of the modules that come with the suite, on first use."""
    if name not in _OF_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    find_own_modules()
    return getattr(import_module(_OF_MODULES[name]), name)
