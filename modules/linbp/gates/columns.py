"""What the tables of `linbp.gates` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import MODELS
from suite.glossary import CLAIMS, CLASSES, Table

COLUMNS = {
    "method": "attack that made the images",
    "eps": "attack strength: radius of the ball in the sup-norm, in pixels in [0, 1]",
    "surrogate": "model whose gradients made the images",
    "victim": "model that the images are shown to, not the surrogate",
    "arm": "gate in the place of the image's own, @ its position where that is not the first; bp: the own gates",
    "n": "attacked images: those that all models classify correctly when clean",
    "gain": "share of fooled black boxes minus that under bp, in [-1, 1], mean over images, paired",
    "more": "images that fool more black boxes under this arm than under bp",
    "fewer": "images that fool fewer black boxes under this arm than under bp",
}

TABLES = {
    "claims": CLAIMS,
    "gains": Table(
        "a set of adversarial images: one method, eps, surrogate and arm",
        "method, eps, surrogate, arm, black_box, gain, gain_low, gain_high, more, fewer, n, white_box",
        {
            "black_box": "mean share of the models other than the surrogate that an image fools, in [0, 1]",
            "white_box": "share of the images that fool the surrogate itself, in [0, 1]",
        },
    ),
    "hypotheses": Table(
        "a hypothesis on one surrogate at one eps, over all methods",
        "hypothesis, surrogate, eps, first, second, value, low, high, n, more, fewer, p_value, p_beyond, p_holm, "
        "p_beyond_holm",
        {
            "hypothesis": "H1 to H5, as modules/linbp/gates/hypotheses.py states them",
            "first": "the arm that the hypothesis is about",
            "second": "the arm that it is compared with",
            "value": "mean over images of the first arm's share minus the second's, in [-1, 1]; a share is over all "
            "pairs of a method and a black box",
            "more": "images with a larger share under the first arm",
            "fewer": "images with a smaller share under the first arm",
            "p_value": "that there is a difference: exact sign test; of H2 and H4, that it is within 2 points: TOST",
            "p_beyond": "of H2 and H4: that the mean difference is beyond 2 points, two-sided",
            "p_holm": "p_value adjusted by Holm for all tests of this table, p_beyond among them",
            "p_beyond_holm": "p_beyond adjusted in the same family",
        },
    ),
    "similarity": Table(
        "an arm of a surrogate on one black box",
        "surrogate, eps, arm, victim, cosine, cosine_low, cosine_high, rise, rise_low, rise_high, gain, gain_low, "
        "gain_high, n",
        {
            "cosine": "between the arm's gradient and the victim's own on clean images, in [-1, 1], mean over images",
            "rise": "cosine minus that under bp, mean over images, paired",
            "gain": "share of methods under which an image fools this victim, minus that under bp, in [-1, 1]",
        },
    ),
    "correlation": Table(
        "a surrogate at one eps",
        "surrogate, eps, pairs, value, low, high, n",
        {
            "pairs": "pairs of an arm and a victim that are ranked",
            "value": "Spearman's rank correlation over the pairs of gain with rise of the cosine, in [-1, 1]",
            "n": "images that the bootstrap draws from",
        },
    ),
    "samples": Table(
        "an image under one surrogate, arm, method and eps",
        "id, label, fooled, predictions, perturbation, surrogate, arm, method, eps",
        {
            "fooled": "for each model of the table models, whether the image fools it",
            "predictions": "for each model of the table models, the class that it names",
            "perturbation": "sup-norm of the change after rounding to 8 bits, in pixels in [0, 1]",
        },
    ),
    "gradients": Table(
        "a clean image under one surrogate and arm",
        "id, surrogate, arm, length, cosines",
        {
            "length": "l2 norm of the arm's gradient over that of the surrogate's own",
            "cosines": "for each model of the table models, the cosine of the arm's gradient with the model's own",
        },
    ),
    "models": MODELS,
    "positions": Table(
        "a position in a surrogate",
        "surrogate, position, start, stop, block",
        {
            "position": "block, branch or addition",
            "start": "the first rectifier call whose gate is replaced, from 0 in order of execution",
            "stop": "the first behind it that keeps its own gate",
            "block": "module path of the residual block; empty where the model has none",
        },
    ),
    "classes": CLASSES,
}
