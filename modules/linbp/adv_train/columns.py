"""What the tables of `linbp.adv_train` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import CURVES
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **CURVES,
    "model": "architecture that is trained",
    "strategy": "where the rule replaces the true gradient: bp (nowhere), weights, weights+examples",
    "reference": "the strategy that it is compared with, by seed",
    "train_loss": "mean cross-entropy on the attacked training samples, in nats",
    "train_accuracy": "share of attacked training samples classified correctly during the epoch, in [0, 1]",
    "clean_accuracy": "share of clean test images classified correctly, in [0, 1]",
    "robust_accuracy": "share of test images that no iterate of PGD fools, by true gradients, in [0, 1]",
    "apgd_accuracy": "share of test images that neither PGD nor APGD-CE fools, in [0, 1]; empty where not asked for",
    "clean_loss": "mean cross-entropy on clean test images, in nats",
    "n": "number of test images",
}
_OF_SEEDS = "seeds with which both trainings have a finite value"

TABLES = {
    "claims": CLAIMS,
    "outcomes": Table(
        "a training and its last epoch",
        "strategy, seed, epochs, outcome, train_loss, clean_accuracy, clean_accuracy_low, clean_accuracy_high, "
        "robust_accuracy, robust_accuracy_low, robust_accuracy_high, apgd_accuracy, apgd_accuracy_low, "
        "apgd_accuracy_high, n",
        {"outcome": "converged, diverged, stuck (no better than chance), or collapsed (catastrophic overfitting)"},
    ),
    "comparisons": Table(
        "a strategy minus another, in one accuracy over one window of epochs",
        "strategy, reference, model, metric, window, value, low, high, n, lost",
        {"value": "mean difference of the accuracy over seeds, strategy minus reference, in [-1, 1]", "n": _OF_SEEDS},
    ),
    "bands": Table(
        "a strategy's metric at one epoch",
        "model, strategy, metric, epoch, over, value, low, high, n",
        {
            "over": "what n counts: seeds, or the test images of a single training",
            "value": "mean of the metric over seeds",
            "n": "seeds, or test images, as over says",
        },
    ),
    "differences": Table(
        "a strategy minus the first, in one metric at one epoch",
        "model, strategy, reference, metric, epoch, value, low, high, n",
        {"value": "mean difference of the metric over seeds, strategy minus reference", "n": _OF_SEEDS},
    ),
    "curves": Table(
        "a training at one epoch",
        "model, strategy, seed, n, epoch, learning_rate, train_loss, train_accuracy, clean_loss, clean_accuracy, "
        "robust_accuracy, many_steps_accuracy, one_step_accuracy, collapsed, apgd_accuracy",
        {
            "many_steps_accuracy": "share of probed training samples that PGD of --watch-collapse steps leaves right",
            "one_step_accuracy": "share of probed training samples that a single step leaves right, in [0, 1]",
            "collapsed": "whether many steps take nearly all that a single step leaves: catastrophic overfitting",
        },
    ),
}
