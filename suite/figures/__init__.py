"""Figures: one style, one palette by meaning, and a few forms that turn a table into a matplotlib Figure.

A study says what to show, not how to draw: `lines(by_step, x="step", y=percent("value"), colour="gradient")`.
"""

from suite.figures.frames import spread
from suite.figures.heat import DIVERGING, SEQUENTIAL, draw_heat, heat_map
from suite.figures.images import Picture, adversarial_examples, image_grid, perturbation
from suite.figures.legends import legend, name_in_legend
from suite.figures.lines import draw_lines, lines
from suite.figures.palette import BP, INK, LINBP, QUIET, colours, colours_of, dashes, markers, shades
from suite.figures.panels import nothing, panels
from suite.figures.points import draw_points, points
from suite.figures.quantities import Quantity, label, named, percent, quantity
from suite.figures.references import Reference, curve, level, mark, power, upright
from suite.figures.rendering import DPI, freeze, render
from suite.figures.style import style

__all__ = [
    "BP", "DIVERGING", "DPI", "INK", "LINBP", "QUIET", "SEQUENTIAL", "Picture", "Quantity", "Reference",
    "adversarial_examples", "colours", "colours_of", "curve", "dashes", "draw_heat", "draw_lines",
    "draw_points", "freeze", "heat_map", "image_grid", "label", "legend", "level", "lines",
    "mark", "markers", "name_in_legend", "named", "nothing", "panels", "percent", "perturbation",
    "points", "power", "quantity", "render", "shades", "spread", "style", "upright",
]  # fmt: skip
