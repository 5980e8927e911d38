"""What the tables of `linbp.rules` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import AUDIT, MODELS
from suite.glossary import CLAIMS, CLASSES, Table

COLUMNS = {
    "surrogate": "model whose gradients made the images",
    "rule": "backward rule, as --rules and --own name it; bp: backpropagation",
    "place": "published: where its paper puts it; calibrated: where training images would; both: they are one",
    "gradient": "the rule at its place, as it is typed",
    "at": "the place in words: the module that calls the first rectifier concerned, or the factor",
    "method": "attack that made the images",
    "eps": "attack strength: radius of the ball in the sup-norm, in pixels in [0, 1]",
    "passes": "budget of an image: forward and backward passes of the surrogate",
    "passes_per_step": "multiply-adds of a step under the rule over those of backpropagation's",
    "victim": "model that the images are shown to",
    "black_box": "share of the pairs of an attack and a model other than the surrogate that an image fools, in [0, 1], "
    "mean over images",
    "n": "attacked images: those that all models classify correctly when clean",
}

TABLES = {
    "claims": CLAIMS,
    "audit": AUDIT,
    "ranking": Table(
        "a rule among those of a surrogate, all at their published or all at their calibrated places",
        "surrogate, place, rule, value, low, high, n, pairs, pairs_low, pairs_high, first, behind",
        {
            "surrogate": "model whose gradients made the images; all: over all of them, of the rules that all have",
            "value": "mean over pairs of the rule's rank by success within the largest budget, 1 the best",
            "low": "lower end of the 95 % interval of value, images drawn anew: for these nets",
            "high": "upper end of the same",
            "pairs": "pairs of a surrogate and a victim",
            "pairs_low": "lower end of the 95 % interval of value, images and pairs drawn anew; empty below six pairs",
            "pairs_high": "upper end of the same",
            "first": "share of the resamples in which its mean rank is the best, in [0, 1]",
            "behind": "whether it is told to be behind the best rule; empty for that one",
        },
    ),
    "comparisons": Table(
        "a rule at a place of a surrogate, against backpropagation within the largest budget, over all attacks",
        "surrogate, rule, place, gradient, at, black_box, difference, difference_low, difference_high, more, fewer, "
        "p_value, over_published, over_published_low, over_published_high, n, p_holm",
        {
            "difference": "black_box minus backpropagation's, in [-1, 1], paired by image",
            "more": "images that fool more under this rule than under backpropagation",
            "fewer": "images that fool less under this rule than under backpropagation",
            "p_value": "exact sign test of more against fewer, two-sided, in [0, 1]",
            "over_published": "black_box minus that at the published place, in [-1, 1], paired by image",
            "p_holm": "p_value adjusted by Holm for all tests of the table, in [0, 1]",
        },
    ),
    "cost": Table(
        "a rule at a place of a surrogate within a budget: success beside cost",
        "surrogate, rule, place, passes, passes_per_step, steps, multiply_adds, black_box, black_box_low, "
        "black_box_high, n, front, front_share",
        {
            "steps": "steps that the budget buys: as many as passes, or fewer where a step needs more than one",
            "multiply_adds": "of an image's attack, in convolutions and matrix products, forward and backward",
            "front": "whether no arm of this surrogate succeeds as often for less, or more often for as little",
            "front_share": "share of the resamples of the images in which front is true, in [0, 1]",
        },
    ),
    "success": Table(
        "a set of adversarial images shown to one model",
        "surrogate, rule, place, method, eps, passes, victim, value, low, high, n, white_box",
        {
            "value": "share of the images that fool the victim, in [0, 1], with Wilson's 95 % interval",
            "white_box": "whether the victim is the surrogate itself",
        },
    ),
    "samples": Table(
        "an image under one surrogate, gradient, method, eps and budget",
        "id, label, fooled, predictions, perturbation, surrogate, gradient, method, eps, passes",
        {
            "fooled": "for each model of the table models, whether the image fools it",
            "predictions": "for each model of the table models, the class that it names",
            "perturbation": "sup-norm of the change after rounding to 8 bits, in pixels in [0, 1]",
        },
    ),
    "arms": Table(
        "a rule at a place of a surrogate",
        "surrogate, rule, place, gradient, at, passes_per_step, multiply_adds",
        {"multiply_adds": "of one image's forward and backward pass, in convolutions and matrix products"},
    ),
    "calibration": Table(
        "a candidate for a rule's place in a surrogate",
        "surrogate, rule, gradient, at, success, n, chosen",
        {
            "success": "mean share of the judges that a training image fools, in [0, 1]",
            "n": "training images: those that all surrogates and judges classify correctly",
            "chosen": "whether it is the calibrated place: of equals the one that changes least",
        },
    ),
    "models": MODELS,
    "classes": CLASSES,
}
