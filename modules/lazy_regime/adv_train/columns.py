"""What the tables of `lazy_regime.adv_train` hold; light, since `suite info` shows them."""

from modules.lazy_regime.glossary import NET
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **{name: NET[name] for name in ("d", "m", "run", "distance")},
    "panel": "dimension: Fig. 4 left, over d and eps; width: Fig. 4 right, over m and the radius of the ball",
    "order": "when weights are projected into the ball, and which net is evaluated: step, epoch or released",
    "eps": "l2 radius of the attack, images having norm 1",
    "radius": "radius of the ball in which each neuron stays, in the l2 norm",
    "across": "d in the panel dimension, m in the panel width",
    "clean": "share of test images classified correctly as they are, in [0, 1]",
    "robust": "share of test images classified correctly after PGD by true gradients, in [0, 1]",
    "by_rule": "share of test images classified correctly after PGD under the gradient rule, in [0, 1]",
    "robust_train": "share of attacked training images classified correctly in the last epoch, in [0, 1]",
    "epochs": "epochs of training",
    "stalled": "whether training ended since robust training accuracy no longer rose",
    "touching": "share of neurons on the surface of their ball or beyond, in [0, 1]",
    "steepness": "slope of the logit of the fitted accuracy in the logarithm of eps or radius; empty for a step",
    "misfit": "root mean square of accuracy minus the fitted curve",
    "beyond": "on which side of the grid accuracy would pass one half where it does not on it; else empty",
    "published": "power in the paper: -1/2 in both panels",
}
_OF_RUNS = "runs with a value"

TABLES = {
    "claims": CLAIMS,
    "transitions": Table(
        "where robust accuracy passes one half, for nets of one shape",
        "panel, order, d, m, along, value, low, high, n, runs, scaled, width, misfit, touching, touching_low, "
        "touching_high, steps, beyond",
        {
            "along": "what varies: eps or radius",
            "value": "eps or radius at which accuracy passes 1/2, geometric mean; empty unless all runs do on the grid",
            "n": "runs that pass one half on the grid",
            "runs": "number of runs",
            "scaled": "value times sqrt(d) or sqrt(m), constant if the paper's power holds",
            "width": "factor in eps or radius between 10 % and 90 % accuracy, of the median run; empty for steps",
            "misfit": "root mean square of accuracy minus the fitted curve, of the worst run",
            "touching": "share of neurons on the surface of their ball in the cell next to value, mean over runs",
            "steps": "runs whose accuracy jumps within one gap of the grid: the place is known to that gap only",
            "beyond": "on which sides of the grid the other runs would pass one half",
        },
    ),
    "powers": Table(
        "the power of d or m in those places, for one panel and order",
        "panel, order, variable, part, first, points, values, value, low, high, n, published",
        {
            "variable": "d or m",
            "part": "over which values of d or m: all, or the upper half of four or more",
            "first": "the smallest value of d or m that is used",
            "points": "number of values of d or m that are used: those at which every run passes one half",
            "values": "number of values of d or m that there are",
            "value": "power p of place = constant x d^p or m^p: least squares on logarithms, mean over runs",
            "n": _OF_RUNS,
        },
    ),
    "orders": Table(
        "a later order beside the first, at one width; without m over all widths",
        "order, against, m, value, low, high, n, runs",
        {
            "against": "the first order",
            "value": "radius of the transition over that in the first order, geometric mean over runs",
            "n": _OF_RUNS,
            "runs": "number of runs",
        },
    ),
    "cells": Table(
        "the nets of one cell of a panel: means over runs",
        "panel, order, d, m, eps, radius, value, low, high, n, clean, by_rule, robust_train, epochs, stalled, touching",
        {
            "value": "share of test images classified correctly after PGD by true gradients, in [0, 1]",
            "n": "runs; for a single run, its test images",
            "epochs": "epochs of training, mean over runs",
            "stalled": "share of runs that ended since robust training accuracy no longer rose, in [0, 1]",
        },
    ),
    "passages": Table(
        "a run of one shape: where its robust accuracy passes one half",
        "panel, order, d, m, across, run, at_least, at_most, steepness, misfit, beyond",
        {
            "at_least": "lower end of the eps or radius at which accuracy passes 1/2; at_most where it is known",
            "at_most": "upper end of that eps or radius: the grid's next value where accuracy jumps in one gap",
        },
    ),
    "nets": Table(
        "a net and an order of projection and evaluation",
        "panel, order, d, m, eps, radius, run, epochs, stalled, robust_train, clean, robust, by_rule, distance, "
        "touching, n",
        {"n": "test images"},
    ),
}
