"""Words for columns that several studies of this module have; light to import."""

OF_TRAININGS = {
    "model": "architecture that is trained",
    "samples": "number of training samples",
    "eps": "attack strength: radius of the ball, in pixels in [0, 1]; 0 is clean training",
    "seed": "seed of the training: initial weights, training samples, batches",
    "epoch": "number of the epoch, from 1",
}
"""Of the studies that train networks."""

OF_EPOCHS = {
    "gradient": "gradient rule of the inner attack; empty for clean training",
    "learning_rate": "learning rate at the beginning of the epoch",
    "train_loss": "running training loss: mean attacked objective over the epoch while the weights moved, in nats",
    "train_accuracy": "share of attacked training samples classified correctly during the epoch, in [0, 1]",
    "watched_loss": "mean cross-entropy on the watched samples after the attack, in nats; least in the selected epoch",
    "watched_accuracy": "share of the watched samples classified correctly after the attack, in [0, 1]",
    "selected": "whether it is the epoch of least watched loss, whose weights count",
    "diverged": "whether the training's loss became infinite or NaN",
}
"""A training at one epoch."""

AT_THE_END = {
    "clean_test_loss": "mean cross-entropy on clean test samples, in nats; of the selected epoch alone",
    "clean_test_accuracy": "share of clean test samples classified correctly, in [0, 1]; of the selected epoch alone",
    "clean_test_objective": "mean of the objective on clean test samples, R*; of the selected epoch alone",
    "attacked_train_loss": "mean objective on attacked training samples, weights fixed; of the selected epoch alone",
}
"""Of the model that is selected."""

THRESHOLD = "R*: the clean model's test loss, which the adversarial training loss is compared with"
MEASURE = "which training loss: running (while the weights moved) or attacked (of the selected weights)"
MONOTONE = "whether the training losses rose with eps; where not, isotonic ones took their place"
EPS_STAR = "critical strength: eps at which the adversarial training loss reaches R*, in pixels in [0, 1]"

OF_SIZES = {
    "d": "dimension of the inputs",
    "samples": "number of training samples n",
    "repeat": "number of the data set, from 0",
    "eps": "attack strength in the l2 norm",
    "eps_over_order": "attack strength in units of sqrt(d/n)",
}
"""Of the studies of simulated regression."""
