"""What the tables of `phase_transition.connectivity` hold; light, since `suite info` shows them."""

from modules.phase_transition.glossary import OF_EPOCHS, OF_TRAININGS
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **{name: OF_TRAININGS[name] for name in ("seed", "epoch")},
    **{
        name: OF_EPOCHS[name]
        for name in ("train_loss", "train_accuracy", "watched_loss", "watched_accuracy", "diverged")
    },
    "eps": "strength of the adversarial model at the path's end, in pixels in [0, 1]; 0: a second clean one",
    "path": "curve with a trained middle, or straight segment",
    "t": "place on the path, 0 the clean model and 1 the adversarial one",
    "loss": "clean training loss at the place, mean cross-entropy in nats",
    "accuracy": "share of clean training samples classified correctly at the place, in [0, 1]",
    "barrier": "highest loss on the path minus the larger loss of its two ends, in nats, >= 0",
    "excess": "most by which the loss is above the line between the losses of the two ends, in nats, >= barrier",
    "low_share": "share of the path's points with a loss below the clean model's test loss, in [0, 1]",
    "start_loss": "loss of the clean end, in nats",
    "end_loss": "loss of the adversarial end, in nats",
    "asymmetry": "end_loss minus start_loss, in nats",
    "threshold": "R*: the clean model's test loss, in nats",
    "x": "place on the plane through the three models: distance in weight space along its first axis",
    "y": "place on the plane through the three models: distance in weight space along its second axis",
}

TABLES = {
    "claims": CLAIMS,
    "means": Table(
        "the paths of one kind and strength: means over seeds",
        "path, eps, barrier, barrier_low, barrier_high, excess, excess_low, excess_high, low_share, low_share_low, "
        "low_share_high, start_loss, start_loss_low, start_loss_high, end_loss, end_loss_low, end_loss_high, "
        "asymmetry, asymmetry_low, asymmetry_high, threshold, n",
        {"n": "seeds with a path whose losses are finite"},
    ),
    "barriers": Table(
        "a path of one seed and strength",
        "eps, seed, path, barrier, excess, highest_at, low_share, start_loss, end_loss, asymmetry, threshold",
        {"highest_at": "place of the highest loss, 0 the clean model and 1 the adversarial one"},
    ),
    "profiles": Table(
        "a point of the paths of one kind and strength",
        "path, eps, t, value, low, high, n",
        {"value": "mean clean training loss over seeds, in nats", "n": "seeds with a finite loss there"},
    ),
    "ends": Table(
        "a model at an end of paths",
        "end, eps, seed, epoch, train_loss, train_accuracy, watched_loss, watched_accuracy, clean_test_loss, "
        "clean_test_accuracy, diverged",
        {
            "end": "start: the clean model; end: an adversarial one",
            "eps": "strength that it was trained with, in pixels in [0, 1]",
            "epoch": "epoch at which it was taken, from 1",
            "clean_test_loss": "mean cross-entropy on clean test samples, in nats",
            "clean_test_accuracy": "share of clean test samples classified correctly, in [0, 1]",
        },
    ),
    "paths": Table("a point of a path", "eps, seed, path, t, loss, accuracy"),
    "plane": Table("a point of the grid on the first seed's plane", "eps, x, y, loss, accuracy"),
    "marks": Table(
        "a model, or a point of the curve, on the first seed's plane",
        "eps, what, x, y",
        {"what": "start, middle, end, or curve"},
    ),
}
