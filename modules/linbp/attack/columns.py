"""What the tables of `linbp.attack` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import AUDIT, STARTS
from suite.glossary import CLAIMS, CLASSES, Table

COLUMNS = {
    "value": "share of attacked images that the model misclassifies, in [0, 1], with Wilson's 95 % interval",
    "n": "attacked images: those that the model classifies correctly when clean",
    "eps": "attack strength: radius of the ball, in pixels in [0, 1] or as --input-space says",
    "fooled": "for each recorded step, whether the image was misclassified there (or before, with --early-stop)",
}

TABLES = {
    "claims": CLAIMS,
    "success": Table(
        "a gradient rule under one eps and number of steps",
        "eps, steps, gradient, value, low, high, n, only_this, only_first_rule, p_value, audit",
        {
            "only_this": "images that this rule fools and the first rule does not",
            "only_first_rule": "images that the first rule fools and this one does not",
            "p_value": "McNemar's exact test of this rule against the first on the same images, two-sided, in [0, 1]",
            "audit": "flags of the table audit that concern this row; empty where there is none",
        },
    ),
    "audit": AUDIT,
    "by_step": Table("a gradient rule under one eps at one step", "gradient, eps, step, value, low, high, n"),
    "members": Table(
        "an attack of the ensemble under a gradient rule and one eps; with --attack autoattack",
        "gradient, eps, member, value, low, high, n",
        {
            "member": "the attack: APGD-CE, APGD-T and FAB-T follow the gradient rule, Square asks for outputs alone",
            "value": "share of attacked images that it or an attack before it fools, in [0, 1]",
        },
    ),
    "agreement": Table(
        "a gradient rule under one eps and number of steps; with --precision bf16 or --compile",
        "eps, steps, gradient, n, exact, lost, gained",
        {
            "n": "images that the exact attack meets, too",
            "exact": "those of them that the exact attack fools",
            "lost": "images that the exact attack fools and the fast attack does not",
            "gained": "images that the fast attack fools and the exact one does not",
        },
    ),
    "exact": Table("an image that the exact attack meets, too, under one rule and eps", "id, gradient, eps, fooled"),
    "samples": Table(
        "an image under one rule and eps",
        "id, label, clean_prediction, gradient, eps, first_fooled_step, fooled, prediction, perturbation, fooled_by",
        {
            "clean_prediction": "class that the model names without the attack: the label, else it is not attacked",
            "first_fooled_step": "first recorded step at which the image was misclassified; -1 for never",
            "prediction": "class that the model names at the last step",
            "perturbation": "norm of the change at the last step, in the unit of eps",
            "fooled_by": "with --attack autoattack, the first attack that fooled it; empty where none did",
        },
    ),
    "examples": Table(
        "an image of the picture, under the largest eps",
        "id, label, gradient, eps, prediction, shape, clean, adversarial",
        {
            "prediction": "class that the model names at the last step",
            "shape": "channels x height x width",
            "clean": "pixels of the image, in [0, 1], one after another",
            "adversarial": "pixels after the attack, in [0, 1], one after another",
        },
    ),
    "calibration": Table(
        "a start that was tried on training samples for start=auto",
        "gradient, path, start, success, p_holm, n",
        {
            **STARTS,
            "success": "share of training samples fooled, in [0, 1], mean over all eps and numbers of steps",
            "p_holm": "p-value against backpropagation on the same samples, adjusted by Holm for the number of starts",
            "n": "training samples attacked",
        },
    ),
    "classes": CLASSES,
}
