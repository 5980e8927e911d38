"""What the tables of `linbp.train` hold; light, since `suite info` shows them."""

from modules.linbp.glossary import CURVES
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **CURVES,
    "model": "architecture that is trained",
    "gradient": "gradient rule for the weights",
    "factor": "learning rate, in units of the recipe's",
    "n": "seeds with which there is a finite value",
    "reference": "the first gradient rule, with which each other is compared by seed",
    "test_loss": "mean cross-entropy on the test samples, in nats",
    "test_accuracy": "share of test samples classified correctly, in [0, 1]",
}

TABLES = {
    "claims": CLAIMS,
    "outcomes": Table(
        "a training and its last epoch",
        "model, factor, gradient, seed, epochs, outcome, train_loss, train_accuracy, test_loss, test_accuracy",
        {"outcome": "converged, diverged (a loss that is not finite), or stuck (no better than chance)"},
    ),
    "comparisons": Table(
        "a rule minus the first, in one metric over one window of epochs",
        "model, factor, gradient, reference, metric, window, value, low, high, n, lost",
        {"value": "mean difference of the metric over seeds, rule minus reference"},
    ),
    "best_rates": Table(
        "a rule minus the first, in one metric over one window of epochs, each at its best learning rate",
        "model, gradient, reference, metric, window, value, low, high, n, factor, reference_factor, at_end, lost",
        {
            "value": "mean difference over seeds, at rates chosen on the other seeds, rule minus reference",
            "low": "lower end of the 95 % interval, widened since seeds choose each other's rates",
            "high": "upper end of it",
            "factor": "the rule's best rate over all seeds, in units of the recipe's",
            "reference_factor": "the reference's",
            "at_end": "whether a chosen rate is the smallest or largest that was tried, so that a better one may exist",
        },
    ),
    "convergence": Table(
        "a rule beside the first: in how many seeds a statement holds",
        "model, factor, gradient, reference, claim, value, low, high, n",
        {
            "claim": "the statement: both converge, or only the reference does",
            "value": "share of seeds in which it holds, in [0, 1]",
            "n": "number of seeds",
        },
    ),
    "bands": Table(
        "a rule's metric at one epoch",
        "model, factor, gradient, metric, epoch, value, low, high, n",
        {"value": "mean of the metric over seeds"},
    ),
    "differences": Table(
        "a rule minus the first, in one metric at one epoch",
        "model, factor, gradient, reference, metric, epoch, value, low, high, n",
        {"value": "mean difference of the metric over seeds, rule minus reference"},
    ),
    "curves": Table(
        "a training at one epoch",
        "model, factor, seed, gradient, epoch, learning_rate, train_loss, train_accuracy, test_loss, test_accuracy",
    ),
}
