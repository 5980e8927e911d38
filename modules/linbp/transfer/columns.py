"""What the tables of `linbp.transfer` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import AUDIT, MODELS
from suite.glossary import CLAIMS, CLASSES, Table

COLUMNS = {
    "method": "attack that made the images; +ila: continued by the intermediate-level attack",
    "eps": "attack strength: radius of the ball in the sup-norm, in pixels in [0, 1]",
    "surrogate": "model whose gradients made the images",
    "victim": "model that the images are shown to",
    "n": "attacked images: those that all models classify correctly when clean",
}
_SET = "method, eps, surrogate, gradient"

TABLES = {
    "claims": CLAIMS,
    "audit": AUDIT,
    "matrix": Table(
        "a set of adversarial images: its success on each model",
        f"{_SET}, difference, difference_low, difference_high, n, <model>, black_box, more, fewer, p_value, p_holm, "
        "excess_levels",
        {
            "difference": "black_box minus that of the first rule, in [-1, 1], paired by image",
            "<model>": "share of the images that fool the model of this name, in [0, 1]",
            "black_box": "mean of that share over the models other than the surrogate, in [0, 1]",
            "more": "images that fool more black boxes under this rule than under the first",
            "fewer": "images that fool fewer black boxes under this rule than under the first",
            "p_value": "exact sign test of more against fewer, two-sided, in [0, 1]",
            "p_holm": "p_value adjusted by Holm for all tests of the table, in [0, 1]",
            "excess_levels": "by how many grey levels (1/255) the rounded images leave their ball at most",
        },
    ),
    "success": Table(
        "a set of adversarial images shown to one model",
        f"{_SET}, victim, value, low, high, n, only_this, only_first_rule, p_value, white_box",
        {
            "value": "share of the images that fool the victim, in [0, 1], with Wilson's 95 % interval",
            "only_this": "images that fool it under this rule and not under the first",
            "only_first_rule": "images that fool it under the first rule and not under this one",
            "p_value": "McNemar's exact test against the first rule on the same images, two-sided, in [0, 1]",
            "white_box": "whether the victim is the surrogate itself",
        },
    ),
    "agreement": Table(
        "a set of adversarial images, with --precision bf16: what rounding costs it on the black boxes",
        f"{_SET}, n, exact, lost, gained",
        {
            "n": "pairs of an image that the exact attack meets, too, and a model other than the surrogate",
            "exact": "those of them in which the exact attack's image fools the model",
            "lost": "pairs in which the exact attack's image fools the model and the rounded attack's does not",
            "gained": "pairs in which the rounded attack's image fools the model and the exact one's does not",
        },
    ),
    "exact": Table(
        "an image that the exact attack meets, too, under one surrogate, rule, method and eps",
        "id, surrogate, gradient, method, eps, fooled",
        {"fooled": "for each model of the table models, whether the image fools it"},
    ),
    "samples": Table(
        "an image under one surrogate, rule, method and eps",
        "id, label, target, surrogate, gradient, method, eps, fooled, predictions, perturbation",
        {
            "target": "class that the attack aims at; -1 where any other class will do",
            "fooled": "for each model of the table models, whether the image fools it",
            "predictions": "for each model of the table models, the class that it names",
            "perturbation": "sup-norm of the change after rounding to 8 bits, in pixels in [0, 1]",
        },
    ),
    "models": MODELS,
    "classes": CLASSES,
}
