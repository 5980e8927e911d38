"""What the tables of `lazy_regime.dial` hold; light, since `suite info` shows them."""

from modules.lazy_regime.glossary import NET
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **{name: NET[name] for name in NET if name != "d"},
    "c0": "C0: no neuron is further than C0 / sqrt(m) from its start; empty: no ball",
    "gradient": "l2 length of the gradient of f at the image",
    "drift": "move of the tangent kernel at the test points since initialisation, over its size there",
    "sgd_steps": "SGD steps that the net was trained for",
}
_MEDIANS = {
    "single_step": "smallest flip by one step along the gradient, over the image's norm: median over points",
    "rule_step": "smallest flip by one step along the rule's direction, over the image's norm: median over points",
    "pgd": "smallest l2 radius at which PGD flips, over the image's norm: median over points",
    "rule_pgd": "smallest l2 radius at which PGD under the rule flips, over the image's norm: median over points",
    "many_steps": "smallest flip found by many steps, over the image's norm: median over points",
    "unflipped": "share of those points that no single gradient step flips, in [0, 1]",
    "gradient": "mean l2 length of the gradient of f over those points",
}

TABLES = {
    "claims": CLAIMS,
    "dial": Table(
        "the nets of one width and ball: means over nets; a quantity that some net lacks is empty",
        "m, c0, nets, left, single_step, single_step_low, single_step_high, rule_step, rule_step_low, rule_step_high, "
        "pgd, pgd_low, pgd_high, rule_pgd, rule_pgd_low, rule_pgd_high, many_steps, many_steps_low, many_steps_high, "
        "accuracy, accuracy_low, accuracy_high, distance, distance_low, distance_high, drift, drift_low, drift_high, "
        "gradient, gradient_low, gradient_high, unflipped, unflipped_low, unflipped_high",
        {**_MEDIANS, "nets": "number of nets", "left": "nets that left their ball during training"},
    ),
    "nets": Table(
        "a net in one ball",
        "m, c0, run, n, accuracy, single_step, rule_step, pgd, rule_pgd, many_steps, unflipped, gradient, drift, "
        "distance, sgd_steps, left, note",
        {**_MEDIANS, "n": "test points that the net classifies correctly"},
    ),
    "flips": Table(
        "an attack on a net in one ball",
        "m, c0, run, accuracy, attack, gradient, size, ratio",
        {
            "attack": "one step, PGD, or the nearest flip found by many steps",
            "gradient": "gradient rule that it follows; bp is true backpropagation",
            "size": "smallest flip over the image's norm: median over the points that the net gets right",
            "ratio": "size over that of backpropagation's single step; empty where either is not finite",
        },
    ),
    "points": Table(
        "a net in one ball and a test point",
        "m, c0, run, id, margin, norm, gradient, single_step, rule_step, pgd, rule_pgd, many_steps, drift, distance, "
        "sgd_steps, left",
        {
            "single_step": "l2 length of the smallest flipping step along the gradient; infinite for none",
            "rule_step": "l2 length of the smallest flipping step along the rule's direction; infinite for none",
            "pgd": "smallest l2 radius at which PGD flips the point; infinite for none",
            "rule_pgd": "smallest l2 radius at which PGD under the rule flips the point; infinite for none",
            "many_steps": "l2 length of the smallest flip found by many steps; infinite for none",
        },
    ),
}
