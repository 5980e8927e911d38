"""What the tables of `pgd_dynamics.escape` hold; light, since `suite info` shows them."""

from suite.glossary import CLAIMS, Table

COLUMNS = {
    "seed": "seed of the network: initial weights and training",
    "scale": "factor on the pixels that the network sees",
    "epoch": "epochs of adversarial training; 0 is the initial network",
    "ratio": "radius eps over the mean l2 norm of the scaled inputs",
    "eps": "radius of the ball, in scaled pixels, l2 norm",
    "rule": "raw: steps of eta times the gradient, the paper's; unit: steps of a fixed share of eps",
    "gradient": "gradient rule that the ascent follows; bp is true backpropagation",
    "first_step": "length of the first step, in units of eps",
    "apart": "l2 distance of the end from bp's end, in units of eps",
    "to_90": "steps until 90 % of the rise to the best final loss of any ascent from that start; empty if it never did",
    "to_90_of_final": "steps until 90 % of its own last loss; 0 where the rise is small beside the loss",
    "to_90_of_rise": "steps until 90 % of its own rise, which says little of an ascent that did not leave",
    "start_loss": "true loss at the start, in nats",
    "end_loss": "true loss at the end, in nats",
    "best_loss": "largest final loss of any ascent from that start, in nats",
    "stationary": "whether it ended on the sphere with the true gradient outward: at a local maximum of the loss",
    "end_radius": "distance of the end from the centre, over eps",
    "end_outward": "cosine of the true gradient with the outward normal at the end, in [-1, 1]",
}

TABLES = {
    "claims": CLAIMS,
    "starts": Table(
        "descents to local minima of the loss on the sphere, for one epoch, scale and ratio",
        "epoch, scale, ratio, eps, tried, minimum, not_stationary, saddle, undecided, lower_nearby, pinned, "
        "least_curvature",
        {
            "tried": "number of descents",
            "minimum": "descents that ended at a local minimum: the starts that are used",
            "not_stationary": "discarded: the gradient is not normal to the sphere",
            "saddle": "discarded: a direction of negative curvature",
            "undecided": "discarded: the sign of the least curvature is not certain",
            "lower_nearby": "discarded: a lower point nearby (ReLU networks, which have no curvature)",
            "pinned": "share of the minima where the gradient points out of the ball: projection holds an ascent",
            "least_curvature": "median least tangential curvature, in units of |gradient| / eps; empty for ReLU",
        },
    ),
    "escape": Table(
        "the ascents of one epoch, scale, ratio, step rule and gradient rule: medians over starts",
        "epoch, scale, ratio, rule, gradient, eps, start_loss, end_loss, best_loss, to_90_of_final, first_step, apart, "
        "to_90, to_90_low, to_90_high, n, seeds, to_90_of_rise, stationary, seed_low, seed_high, reached, reached_low, "
        "reached_high",
        {
            "to_90": "median steps until 90 % of the rise to the best final loss; infinite where half never get there",
            "n": "number of starts",
            "seeds": "number of networks",
            "stationary": "share of ascents that end at a local maximum of the loss, in [0, 1]",
            "seed_low": "smallest median of to_90 of a single network",
            "seed_high": "largest median of to_90 of a single network",
            "reached": "share of ascents with 90 % of the rise to the best loss, in [0, 1]; interval over networks",
        },
    ),
    "comparisons": Table(
        "a claim about one pair of cells, start by start",
        "claim, source, rule, gradient, cell, in_favour, against, undecided, value, low, high, n",
        {
            "cell": "which epochs, scales and ratios are compared",
            "in_favour": "starts that speak for the claim",
            "against": "starts that speak against it",
            "undecided": "starts that speak for neither: ties, and what the steps made do not tell",
            "value": "share of all starts that speak for it, in [0, 1]; interval over networks",
            "n": "number of networks",
        },
    ),
    "ascents": Table(
        "an ascent from an accepted start",
        "seed, scale, epoch, ratio, eps, id, first_step, end_radius, end_outward, rule, gradient, apart, start_loss, "
        "end_loss, stationary, best_loss, to_90, to_90_of_final, to_90_of_rise",
    ),
    "curves": Table(
        "the ascents of one cell at one step: medians over starts",
        "epoch, scale, ratio, rule, gradient, step, loss, share, n",
        {
            "loss": "median true loss, in nats",
            "share": "median share of the rise to the best final loss, 1 at the best",
            "n": "number of starts",
        },
    ),
    "maxima": Table(
        "a network, sample and ratio: where descent ended, and the verdict on it",
        "seed, scale, epoch, ratio, eps, id, kind, angle, outward, lowest, residual",
        {
            "kind": "minimum, not stationary, saddle, undecided, or lower nearby",
            "angle": "between gradient and normal, 0 at a critical point, in radians",
            "outward": "cosine of the ascent direction with the outward normal: +1 where the surface pins an ascent",
            "lowest": "least tangential curvature, in units of |gradient| / eps; empty for ReLU networks",
            "residual": "uncertainty of lowest, in units of |gradient| / eps",
        },
    ),
    "trajectories": Table(
        "an ascent from an accepted start, step by step",
        "seed, scale, epoch, ratio, eps, id, first_step, end_radius, end_outward, loss, rule, gradient, apart",
        {"loss": "true loss at every step from 0, in nats"},
    ),
    "training": Table(
        "a trained network at one epoch of its adversarial training",
        "seed, scale, epoch, loss, accuracy",
        {
            "epoch": "number of the training epoch, from 1",
            "loss": "mean cross-entropy on attacked training samples, in nats",
            "accuracy": "share of attacked training samples classified correctly, in [0, 1]",
        },
    ),
}
