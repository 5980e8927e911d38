"""What the tables of `phase_transition.epsilon_star` hold; light, since `suite info` shows them."""

from modules.phase_transition.glossary import (
    AT_THE_END,
    EPS_STAR,
    MEASURE,
    MONOTONE,
    OF_EPOCHS,
    OF_TRAININGS,
    THRESHOLD,
)
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **OF_TRAININGS,
    **OF_EPOCHS,
    **AT_THE_END,
    "kind": "model, training samples and gradient rule: trainings that have an eps_star in common",
    "measure": MEASURE,
    "threshold": THRESHOLD,
    "outcome": "bracketed; below or above all strengths tried; none: no training left; mixed: it differs by seed",
    "at_least": "lower bound of eps_star, in pixels in [0, 1]",
    "at_most": "upper bound of eps_star, in pixels in [0, 1]; infinite where it is above all strengths tried",
    "published": "eps_star that the paper prints, in pixels in [0, 1]; empty where it prints none",
}
_EPOCH = (
    "model, samples, gradient, eps, seed, epoch, learning_rate, train_loss, train_accuracy, watched_loss, "
    "watched_accuracy, selected, diverged, clean_test_loss, clean_test_accuracy, clean_test_objective, "
    "attacked_train_loss"
)

TABLES = {
    "claims": CLAIMS,
    "eps_star": Table(
        "eps_star of one kind by one measure, over seeds",
        "kind, model, samples, gradient, measure, threshold, value, low, high, n, outcome, at_least, at_most, "
        "isotonic, eps_star_255, published, published_255",
        {
            "threshold": f"{THRESHOLD}; mean over seeds",
            "value": f"{EPS_STAR}, mean over seeds; empty unless every seed's is bracketed",
            "n": "number of seeds",
            "isotonic": "seeds whose losses did not rise with eps and were made to",
            "eps_star_255": "eps_star in words, in units of 1/255: mean and interval, or bounds",
            "published_255": "the paper's eps_star in units of 1/255",
        },
    ),
    "comparisons": Table(
        "eps_star of a kind over that of the reference, which differs in one factor",
        "factor, changed, reference, at, measure, value, low, high, n, bounded",
        {
            "factor": "what differs: model, samples or gradient",
            "changed": "value of the factor that differs",
            "reference": "value of that factor in the reference, the first one",
            "at": "the other two factors, alike in both",
            "value": "eps_star over the reference's by seed, geometric mean; empty where one side is a bound alone",
            "n": "number of seeds",
            "bounded": "seeds of which one side is known as a bound alone",
        },
    ),
    "means": Table(
        "a kind under one strength, at its selected epoch: means over seeds",
        "kind, eps, epoch, train_loss, train_loss_low, train_loss_high, attacked_train_loss, attacked_train_loss_low, "
        "attacked_train_loss_high, watched_loss, watched_loss_low, watched_loss_high, clean_test_loss, "
        "clean_test_loss_low, clean_test_loss_high, train_accuracy, watched_accuracy, clean_test_accuracy, n",
        {"epoch": "number of the selected epoch, from 1, mean over seeds", "n": "seeds that did not diverge"},
    ),
    "crossings": Table(
        "eps_star of one kind, seed and measure",
        "kind, model, samples, gradient, seed, measure, threshold, eps_star, outcome, at_least, at_most, monotone, "
        "strengths, left_out",
        {
            "eps_star": f"{EPS_STAR}, by linear interpolation; empty unless bracketed",
            "monotone": MONOTONE,
            "strengths": "trainings that eps_star is read off, the clean one among them",
            "left_out": "trainings that diverged",
        },
    ),
    "losses": Table("a training at its selected epoch", f"kind, {_EPOCH}"),
    "costs": Table(
        "what the trainings of one kind and seed cost; clean training by itself",
        "model, samples, gradient, seed, trainings, passes",
        {
            "trainings": "number of trainings",
            "passes": "gradients of one image's loss, in training and its inner attack",
        },
    ),
    "epochs": Table("a training at one epoch", _EPOCH),
}
