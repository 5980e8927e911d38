"""What the tables of `phase_transition.two_layer` hold; light, since `suite info` shows them."""

from modules.phase_transition.glossary import OF_SIZES
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **OF_SIZES,
    "scale": "size of the fixed output weights: one, |a_j| in [1/2, 3/2]; norm, the same with |a| = 1",
    "activation": "softplus (minus log 2), tanh or gelu",
    "h": "hidden nodes",
    "quantity": "which distance between the net and the linear model: a column of the table distances",
    "repeat": "number of the data set, from 0; it has an initial net of its own",
}
_CELL = "d, samples, scale, activation, eps, eps_over_order"
_FAR = "distance of the effective coefficients from the linear path, over the length of its end"

TABLES = {
    "claims": CLAIMS,
    "powers": Table(
        "a power of the width in one distance, for one size, scale, activation and strength",
        f"{_CELL}, quantity, lost, value, low, high, n",
        {
            "value": "power p of distance = constant x h^p: slope of logarithms, mean over data sets",
            "n": "data sets with a slope",
            "lost": "data sets on which a training diverged",
        },
    ),
    "by_width": Table(
        "one distance at one width",
        f"{_CELL}, h, quantity, value, low, high, n, diverged",
        {
            "value": "geometric mean over data sets of the relative distance",
            "n": "data sets whose training did not diverge",
            "diverged": "data sets whose training did",
        },
    ),
    "distances": Table(
        "a net and the linear model on the same data set",
        "d, samples, h, scale, activation, repeat, eps, eps_over_order, path, end, path_from_zero, end_from_zero, "
        "prediction, loss, gone",
        {
            "path": f"largest {_FAR}, which starts where the net does",
            "end": f"last {_FAR}, which starts where the net does",
            "path_from_zero": f"largest {_FAR}, which starts at 0",
            "end_from_zero": f"last {_FAR}, which starts at 0",
            "prediction": "root mean square difference of the predictions at the end, over those of the linear model",
            "loss": "difference of the training losses at the end, over the loss of the zero predictor",
            "gone": "whether a training ended above 10 times the loss of the zero predictor, or not finite",
        },
    ),
}
