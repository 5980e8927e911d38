"""What the tables of `phase_transition.overfitting` hold; light, since `suite info` shows them."""

from modules.phase_transition.glossary import OF_EPOCHS, OF_TRAININGS
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **OF_TRAININGS,
    **OF_EPOCHS,
    "kind": "clean training, adversarial training by many steps, or by one step",
    "gap_at_reference": "robust test loss minus running training loss at the reference epoch, in nats",
    "gap_at_end": "robust test loss minus running training loss at the last epoch, in nats",
    "growth": "gap_at_end minus gap_at_reference, in nats",
    "ratio": "gap_at_end over gap_at_reference; empty where the latter is not above 0",
    "clean_gap_at_end": "clean test minus clean training loss at the last epoch, in nats",
    "fell": "whether the collapse took away robustness that had been there; else there never was any",
    "many_steps": "watched samples right under the many-step attack then or at the end, share in [0, 1]",
    "one_step": "watched samples right under a one-step attack then or at the end, share in [0, 1]",
}

TABLES = {
    "claims": CLAIMS,
    "means": Table(
        "the trainings of one size and strength that are not by one step: means over seeds",
        "samples, eps, gap_at_reference, gap_at_reference_low, gap_at_reference_high, gap_at_end, gap_at_end_low, "
        "gap_at_end_high, growth, growth_low, growth_high, clean_gap_at_end, clean_gap_at_end_low, "
        "clean_gap_at_end_high, ratio, ratio_low, ratio_high, n",
        {"n": "seeds that have a ratio"},
    ),
    "unstable": Table(
        "the smallest strength at which one-step training collapsed, for one size and seed",
        "samples, seed, unstable_eps, stable_eps, outcome, largest_tried, monotone, eps_star, eps_star_text, "
        "eps_star_at_least, eps_star_at_most",
        {
            "unstable_eps": "smallest strength at which training collapsed, in pixels in [0, 1]; empty where none did",
            "stable_eps": "strength tried next below unstable_eps, or 0; training becomes unstable between the two",
            "outcome": "of unstable_eps: found; above all strengths tried; below, as the least one collapsed already",
            "largest_tried": "largest strength tried, in pixels in [0, 1]",
            "monotone": "whether all larger strengths collapsed, too",
            "eps_star": "eps at which the running training loss by many steps reaches R*; empty unless bracketed",
            "eps_star_text": "eps_star in words, a bound where it is not bracketed",
            "eps_star_at_least": "lower bound of eps_star, in pixels in [0, 1]",
            "eps_star_at_most": "upper bound of eps_star, in pixels in [0, 1]; infinite where it is above all tried",
        },
    ),
    "stability": Table(
        "the trainings of one kind, size and strength: how many collapsed",
        "kind, samples, eps, value, low, high, n, collapsed, fell, epoch, many_steps, one_step",
        {
            "value": "share of trainings that collapsed, in [0, 1], with Wilson's 95 % interval",
            "n": "number of trainings",
            "collapsed": "trainings that collapsed",
            "fell": "trainings whose collapse took away robustness that had been there",
            "epoch": "epoch of the collapse, or the last one, mean",
            "many_steps": "mean share of watched samples right under the many-step attack then, in [0, 1]",
            "one_step": "mean share of watched samples right under a one-step attack then, in [0, 1]",
        },
    ),
    "gaps": Table(
        "a gap of one size and strength at one epoch",
        "measure, samples, eps, epoch, value, low, high, n",
        {
            "measure": "robust_gap, clean_gap, or ratio: the robust gap over that at the reference epoch",
            "value": "mean of the gap over seeds, in nats, or of the ratio",
            "n": "number of seeds",
        },
    ),
    "growth": Table(
        "a training that is not by one step: its gaps",
        "samples, eps, seed, gap_at_reference, gap_at_end, growth, ratio, clean_gap_at_end, clean_accuracy_gained",
        {"clean_accuracy_gained": "clean test accuracy at the end minus that at the reference epoch, in [-1, 1]"},
    ),
    "collapses": Table(
        "an adversarial training: whether and when it collapsed",
        "kind, samples, eps, seed, epoch, watched_loss, collapsed, fell, many_steps, one_step, best_many_steps, rise",
        {
            "epoch": "epoch of the collapse, or the last one",
            "collapsed": "whether it collapsed: catastrophic overfitting",
            "best_many_steps": "largest share of watched samples right under the many-step attack until then",
            "rise": "one_step minus its value in the epoch of best_many_steps, in [-1, 1]",
        },
    ),
    "epochs": Table(
        "a training at one epoch",
        "kind, model, samples, gradient, eps, seed, epoch, learning_rate, train_loss, train_accuracy, watched_loss, "
        "watched_accuracy, robust_test_loss, clean_test_loss, clean_test_accuracy, clean_train_loss, "
        "one_step_accuracy, selected, diverged",
        {
            "robust_test_loss": "mean of the objective on test samples under attack, in nats; not of one-step training",
            "clean_test_loss": "mean cross-entropy on clean test samples, in nats",
            "clean_test_accuracy": "share of clean test samples classified correctly, in [0, 1]",
            "clean_train_loss": "mean cross-entropy on clean training samples after the epoch, in nats",
            "one_step_accuracy": "share of watched samples right under a one-step attack; empty in clean training",
        },
    ),
    "onsets": Table(
        "an adversarial training",
        "kind, samples, eps, seed, epoch, fell",
        {"epoch": "epoch in which it collapsed, from 1; empty where it did not"},
    ),
}
