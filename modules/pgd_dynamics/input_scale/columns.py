"""What the tables of `pgd_dynamics.input_scale` hold; light, since `suite info` shows them."""

from suite.glossary import CLAIMS, Table

COLUMNS = {
    "training": "adversarial or clean",
    "scale": "factor on the pixels that the model sees",
    "train_loss": "mean cross-entropy on the training samples, attacked where training is adversarial, in nats",
    "train_accuracy": "share of the training samples of train_loss classified correctly during the epoch, in [0, 1]",
    "robust_loss": "mean cross-entropy on test samples after PGD at the end of training, in nats; empty if diverged",
    "robust_accuracy": "share of test samples classified correctly after PGD at the end, in [0, 1]; empty if diverged",
    "diverged": "whether the training's loss became infinite or NaN",
    "n": "number of seeds",
    "epoch": "number of the training epoch, from 1",
}

TABLES = {
    "claims": CLAIMS,
    "summary": Table(
        "the trainings of one scale and learning rate: means over seeds; empty where any diverged",
        "training, scale, learning_rate, train_loss, train_loss_low, train_loss_high, robust_loss, robust_loss_low, "
        "robust_loss_high, robust_accuracy, robust_accuracy_low, robust_accuracy_high, n, diverged, best",
        {
            "diverged": "seeds whose training diverged",
            "best": "whether this learning rate has the scale's least mean training loss",
        },
    ),
    "comparisons": Table(
        "a scale beside the next larger one",
        "training, smaller, larger, learning_rate, value, low, high, n, lost",
        {
            "smaller": "the smaller scale",
            "larger": "the larger scale",
            "learning_rate": "learning rate of both; best: each scale at its own best",
            "value": "mean training loss at the smaller scale minus that at the larger, paired by seed, in nats",
            "lost": "seeds of which a training diverged; any leaves no estimate",
        },
    ),
    "outcomes": Table(
        "a training at its last epoch",
        "training, scale, learning_rate, seed, epoch, train_loss, train_accuracy, robust_loss, robust_accuracy, "
        "diverged",
    ),
    "by_epoch": Table(
        "a scale at its best learning rate, at one epoch",
        "training, scale, learning_rate, epoch, value, low, high, n",
        {"value": "mean training loss over seeds, in nats"},
    ),
    "curves": Table(
        "a training at one epoch",
        "training, scale, learning_rate, seed, epoch, train_loss, train_accuracy, robust_loss, robust_accuracy, "
        "diverged",
    ),
}
