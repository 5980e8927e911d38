"""Gradient rules: how a model's backward pass is computed. A rule is a function `nn.Module -> nn.Module`."""

from suite.gradients.rectifiers import RECTIFIERS, is_rectifier
from suite.gradients.rule import bp
from suite.gradients.view import View, find_path, rules_of, view

__all__ = ["RECTIFIERS", "View", "bp", "find_path", "is_rectifier", "rules_of", "view"]
