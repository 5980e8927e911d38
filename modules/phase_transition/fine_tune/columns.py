"""What the tables of `phase_transition.fine_tune` hold; light, since `suite info` shows them."""

from modules.phase_transition.glossary import (
    AT_THE_END,
    EPS_STAR,
    MEASURE,
    OF_EPOCHS,
    OF_TRAININGS,
    THRESHOLD,
)
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **OF_TRAININGS,
    **OF_EPOCHS,
    **AT_THE_END,
    "part": "name of the training: how, model, size, seed, strength, rule and attack",
    "how": "clean, from scratch, or fine-tuned from the clean model",
    "attack": "inner attack, as typed; empty for clean training",
    "measure": MEASURE,
    "method": "curve through the losses: 1-point, least-squares, isotonic or spline",
    "threshold": THRESHOLD,
    "scratch": "eps_star of trainings from scratch, in pixels in [0, 1]; empty unless bracketed",
    "ratio": "eps_star by fine-tuning over that from scratch",
}
_EPOCH = (
    "part, how, attack, passes, model, samples, gradient, eps, seed, epoch, learning_rate, train_loss, train_accuracy, "
    "watched_loss, watched_accuracy, selected, diverged, clean_test_loss, clean_test_accuracy, clean_test_objective, "
    "attacked_train_loss"
)
_PASSES = {"passes": "gradients of one image's loss in an epoch: of training, its attack, and the watched attack"}

TABLES = {
    "claims": CLAIMS,
    "eps_star": Table(
        "eps_star by one method for one measure, inner attack and gradient rule, over seeds",
        "measure, attack, gradient, method, eps_star, eps_star_low, eps_star_high, ratio, ratio_low, ratio_high, "
        "threshold, found, beyond, falling, n, scratch, scratch_low, scratch_high, scratch_text",
        {
            "eps_star": f"{EPS_STAR}, mean over seeds; empty unless every seed has one",
            "ratio": "eps_star over that from scratch, geometric mean over seeds; empty unless every seed has it",
            "found": "seeds that have an eps_star",
            "beyond": "seeds whose eps_star is extrapolated beyond the strengths tried",
            "falling": "seeds whose losses fall somewhere as eps grows",
            "n": "number of seeds",
            "scratch": "eps_star of trainings from scratch, mean over seeds; empty unless every seed's is bracketed",
            "scratch_text": "eps_star from scratch in words, a bound where it is not bracketed",
        },
    ),
    "costs": Table(
        "what one way to eps_star costs, all seeds together",
        "what, attack, gradient, trainings, passes, share, share_with_clean, share_each",
        {
            "what": "clean training, which all need; from scratch; one fine-tuning (1-point); or all points",
            "trainings": "number of trainings",
            "passes": "gradients of one image's loss",
            "share": "passes over those of all trainings from scratch",
            "share_with_clean": "as share, with clean training counted on both sides",
            "share_each": "passes of one training over those of one from scratch",
        },
    ),
    "estimates": Table(
        "eps_star of one seed by one method, for one measure, inner attack and gradient rule",
        "measure, seed, attack, gradient, points, left_out, threshold, clean_loss, method, eps_star, where, monotone, "
        "scratch, scratch_outcome, scratch_at_least, scratch_at_most, ratio",
        {
            "points": "fine-tunings that the curve goes through",
            "left_out": "fine-tunings that diverged",
            "clean_loss": "training loss of the clean model: the curve's point at eps = 0",
            "eps_star": f"{EPS_STAR}; empty where the curve does not",
            "where": "within the strengths tried; beyond them, extrapolated; starts above R*; never; no training left",
            "monotone": "whether the losses rise with eps",
            "scratch_outcome": "of the trainings from scratch: bracketed, below, above or none",
            "scratch_at_least": "lower bound of eps_star from scratch, in pixels in [0, 1]",
            "scratch_at_most": "upper bound of eps_star from scratch, in pixels in [0, 1]",
        },
    ),
    "table_4": Table(
        "Table 4 of the paper computed anew from the losses that it prints; strengths in 1/255",
        "attack, samples, norm, from_scratch, method, published, threshold, clean_test_loss, eps_star, eps_star_at_it",
        {
            "attack": "inner attack: pgd or fgm",
            "norm": "linf or l2",
            "from_scratch": "eps_star from scratch as printed, in 1/255",
            "published": "eps_star by this method as printed, in 1/255; empty where it prints none",
            "threshold": "R* from which the printed eps_star follows, in nats",
            "clean_test_loss": "R* as printed, in nats",
            "eps_star": "eps_star at threshold, computed anew, in 1/255",
            "eps_star_at_it": "eps_star at clean_test_loss, computed anew, in 1/255",
        },
    ),
    "trainings": Table("a training at its selected epoch", _EPOCH, _PASSES),
    "epochs": Table("a training at one epoch", _EPOCH, _PASSES),
}
