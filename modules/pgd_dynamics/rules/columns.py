"""What the tables of `pgd_dynamics.rules` hold; light, since `suite info` shows them."""

from modules.pgd_dynamics.glossary import NETWORK, OF_NETWORKS, SCALE
from suite.glossary import Table

COLUMNS = {
    "activation": "softplus or relu",
    "scale": SCALE,
    "network": NETWORK,
    "rule": "field that is followed: bp; linbp; or linbp with steps as long as bp's at the centre",
    "asymmetry": "of the field's Jacobian at the start, |J - J^T| / |J + J^T|: 0 for a gradient, at most 1",
    "starts": "number of starts",
}

TABLES = {
    "answers": Table(
        "LinBP on one landscape, judged by the true loss: means over networks",
        "d, activation, scale, at_maximum, bp_at_maximum, degrees_away, away_low, away_high, gain_over_bp, gain_low, "
        "gain_high, bp_steps, sooner, sooner_low, sooner_high, sooner_same_length, sooner_n, never, asymmetry, n",
        {
            "at_maximum": "share of ascents that end at an approximate local maximum of the true loss, in [0, 1]",
            "bp_at_maximum": "share of bp's ascents that end at an approximate local maximum of the loss, in [0, 1]",
            "degrees_away": "angle between the end and the maximum that bp ascends to from there, in degrees",
            "away_low": "lower end of the 95 % confidence interval of degrees_away",
            "away_high": "upper end of the 95 % confidence interval of degrees_away",
            "gain_over_bp": "loss gained over what bp gains from the same start",
            "gain_low": "lower end of the 95 % confidence interval of gain_over_bp",
            "gain_high": "upper end of the 95 % confidence interval of gain_over_bp",
            "bp_steps": "mean number of steps in which bp has --share of its gain",
            "sooner": "by how many steps LinBP has --share of bp's gain before bp, from the same start, where both do",
            "sooner_same_length": "as sooner, for LinBP with steps as long as bp's at the centre",
            "sooner_n": "networks with a start from which bp and LinBP have --share of bp's gain",
            "never": "share of LinBP's ascents that never have --share of bp's gain, in [0, 1]",
            "n": OF_NETWORKS,
        },
    ),
    "rules": Table(
        "a rule on one landscape: means over networks of the means over their starts",
        "d, activation, scale, rule, near, near_low, near_high, slant, slant_low, slant_high, away, away_low, "
        "away_high, gain, gain_low, gain_high, asymmetry, asymmetry_low, asymmetry_high, hit, hit_low, hit_high, "
        "reached, reached_low, reached_high, sooner, sooner_low, sooner_high, n, sooner_n, never_hit, never_reached",
        {
            "near": "share of ascents that end at an approximate local maximum of the true loss, in [0, 1]",
            "slant": "angle between the true gradient and the outward normal at the end, in degrees",
            "away": "angle between the end and the maximum that bp ascends to from there, in degrees",
            "gain": "loss gained over what bp gains from the same start",
            "hit": "first step on the sphere, of the ascents that get there",
            "reached": "first step with --share of bp's gain in loss, of the ascents that have it",
            "sooner": "by how many steps sooner than bp it has --share of bp's gain, where both have it",
            "n": OF_NETWORKS,
            "sooner_n": "networks with a start from which both have --share of bp's gain",
            "never_hit": "share of ascents that never get to the sphere, in [0, 1]",
            "never_reached": "share of ascents that never have --share of bp's gain, in [0, 1]",
        },
    ),
    "arrivals": Table(
        "a network on one landscape under one rule",
        "d, activation, scale, network, rule, share, ended, steps, later, starts",
        {
            "share": "share of starts whose ascent was at a local maximum of the true loss at some step, in [0, 1]",
            "ended": "share of starts whose ascent ends at a local maximum of the true loss, in [0, 1]",
            "steps": "mean steps to a local maximum; an ascent that never arrives counts with all its steps",
            "later": "by how many steps it arrives later than bp from the same start; empty where not both arrive",
        },
    ),
    "ascents": Table(
        "an ascent: landscape, rule, network and start",
        "d, scale, activation, rule, network, start, hit, reached, arrived, near, slant, away, gain, asymmetry",
        {
            "start": "number of the start, from 0; uniform in the ball",
            "hit": "first step on the sphere; -1 for never",
            "reached": "first step with --share of bp's gain in loss from that start; -1 for never",
            "arrived": "first step on the sphere with the true gradient within --degrees of the normal; -1 for never",
            "near": "whether it ends on the sphere with a tangential gradient below sqrt(eta)",
            "slant": "angle between the true gradient and the outward normal at the end, in degrees",
            "away": "angle between the end and the maximum that bp ascends to from there, in degrees",
            "gain": "loss gained over what bp gains from the same start",
        },
    ),
}
