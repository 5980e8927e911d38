"""Gradient rules: how a model's backward pass is computed. A rule is a function `nn.Module -> nn.Module`.

What comes out is a model like the one that went in: the same parameters, the same forward pass bit for bit, and
another backward pass. Any model will do, and any attack library or training loop:

    from suite.gradients import compose, leaky, rectifier_calls, sgm, softplus

    softer = softplus(model, beta=10, start="layer3")
    softer(x).sum().backward()

    rectifier_calls(model, x)                               # where a rule may start: (index, module path, function)
    both = compose(partial(leaky, slope=0.1), partial(sgm, lam=0.5))(model)
"""

from suite.gradients.calls import RectifierCall, rectifier_calls
from suite.gradients.compose import compose
from suite.gradients.leaky import leaky
from suite.gradients.rectified import Rectified, from_start
from suite.gradients.rectifiers import RECTIFIERS, is_rectifier
from suite.gradients.rule import GradientRule, bp, changing
from suite.gradients.sgm import sgm
from suite.gradients.softplus import softplus
from suite.gradients.straight_through import linear
from suite.gradients.view import View, find_path, rules_of, view

__all__ = [
    "RECTIFIERS",
    "GradientRule",
    "Rectified",
    "RectifierCall",
    "View",
    "bp",
    "changing",
    "compose",
    "find_path",
    "from_start",
    "is_rectifier",
    "leaky",
    "linear",
    "rectifier_calls",
    "rules_of",
    "sgm",
    "softplus",
    "view",
]
