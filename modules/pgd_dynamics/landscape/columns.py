"""What the tables of `pgd_dynamics.landscape` hold; light, since `suite info` shows them."""

from modules.pgd_dynamics.glossary import EPS_OVER_TAU, NETWORK, ONE_SIGN, RATIO, SCALE, STEPS_90
from suite.glossary import CLAIMS, Table

COLUMNS = {
    "scale": SCALE,
    "ratio": RATIO,
    "network": NETWORK,
    "eps": "radius of the ball: ratio times scale",
    "activation": "ReLU, or softplus and its sharpness",
    "gradient": "field that the ascent follows: bp, the gradient of the loss, or linbp",
    "pace": "raw: steps of size eta |dL|, the paper's; unit: steps of a fixed share of eps",
    "steps_90": f"{STEPS_90}; empty where it had not settled at its end",
    "attained": "loss at the end: 0 the least on the circle, 1 the largest",
    "to_minimum": "angle from the end to the nearest minimum of L = -loss on the circle, in degrees",
    "at_minimum": "whether it ended on the circle within 0.05 radians of a minimum of L",
    "u1": "first coordinate of the perturbation, in units of eps",
    "u2": "second coordinate of the perturbation, in units of eps",
    "angle": "angle of the extremum on the circle, in radians",
    "loss": "the loss at the place",
    "kind": "what the extremum is for the loss: a maximum or a minimum",
    "start": "number of the ascent, from 0",
    "undecided": "arcs of the circle whose number of extrema is not proven",
}
_MEDIAN = f"median over ascents of the {STEPS_90}; infinite where half had not settled"

TABLES = {
    "claims": CLAIMS,
    "counts": Table(
        "networks at one scale and ratio: minima of L = -loss on the circle",
        "scale, ratio, eps, minima, minima_low, minima_high, single, single_low, single_high, most, n, on_ball, "
        "guaranteed, undecided",
        {
            "minima": "mean number of minima of L on the circle",
            "single": "share of networks with exactly one minimum, in [0, 1]",
            "most": "largest number of minima that a network has",
            "n": "number of networks",
            "on_ball": "mean number of minima on the circle that are minima on the whole ball, too",
            "guaranteed": "share of networks with eps < tau and l' of one sign, to which Theorem 5.1 promises one",
        },
    ),
    "escape": Table(
        "ascents from all local minima of the loss on the circle, at one scale, ratio and pace",
        "pace, scale, ratio, steps_90, lower_quartile, upper_quartile, settled, at_minimum, best, n, networks",
        {
            "steps_90": _MEDIAN,
            "lower_quartile": "lower quartile over ascents of the steps to 90 % of the gain",
            "upper_quartile": "upper quartile over ascents of the steps to 90 % of the gain",
            "settled": "share of ascents that had settled at their end, in [0, 1]",
            "at_minimum": "share of ascents that ended at a minimum of L on the circle, in [0, 1]",
            "best": "share of ascents whose last loss is nearly the largest on the circle, in [0, 1]",
            "n": "number of ascents",
            "networks": "number of networks that the ascents are of",
        },
    ),
    "atlas": Table(
        "ascents from anywhere in the ball under one activation, along one field",
        "activation, gradient, steps_90, to_minimum, n, attained, attained_low, attained_high, always, always_low, "
        "always_high, at_minimum, networks",
        {
            "steps_90": _MEDIAN,
            "to_minimum": "median angle from the end to the nearest minimum of L on the circle, in degrees",
            "n": "number of ascents",
            "attained": "mean loss at the end over networks: 0 the least on the circle, 1 the largest",
            "always": "share of networks whose ascents all end at a minimum of L, in [0, 1]",
            "at_minimum": "share of ascents that end at a minimum of L, in [0, 1]",
            "networks": "number of networks",
        },
    ),
    "minima": Table(
        "a network at one scale and ratio",
        "scale, ratio, network, eps, minima, on_ball, extrema, undecided, eps_over_tau, one_sign",
        {
            "minima": "minima of L on the circle",
            "on_ball": "minima of L on the circle that are minima on the whole ball, too",
            "extrema": "minima and maxima of L on the circle",
            "eps_over_tau": EPS_OVER_TAU,
            "one_sign": ONE_SIGN,
        },
    ),
    "escapes": Table(
        "an ascent from a local minimum of the loss",
        "scale, ratio, pace, network, steps_90, attained, to_minimum, at_minimum",
    ),
    "extrema": Table("an extremum on the circle of the first network", "scale, ratio, angle, loss, kind"),
    "paths": Table("an ascent of the first network at one step", "scale, ratio, start, step, u1, u2"),
    "pictures": Table("a point of the grid over the first network's ball", "scale, ratio, u1, u2, loss"),
    "atlas_ends": Table(
        "an ascent of the atlas",
        "activation, gradient, network, steps_90, attained, to_minimum, at_minimum",
    ),
    "atlas_extrema": Table("an extremum on the circle of the atlas", "activation, angle, loss, kind"),
    "atlas_paths": Table(
        "an ascent of the atlas that is drawn, at one step", "activation, gradient, start, step, u1, u2"
    ),
    "atlas_pictures": Table("a point of the grid over the ball of the atlas", "activation, u1, u2, loss"),
}
