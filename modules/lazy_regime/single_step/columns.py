"""What the tables of `lazy_regime.single_step` hold; light, since `suite info` shows them."""

from modules.lazy_regime.glossary import NET
from suite.glossary import CLAIMS, Table

COLUMNS = {
    **NET,
    "direction": "along what the step goes: bp, the true gradient of f, or a gradient rule's",
    "quantity": "what is measured of each net: a column of the table nets",
    "steps": "SGD steps that the net was trained for",
    "gradient": "l2 length of the direction, before it is made a unit vector",
    "delta": "l2 length of the smallest step along the direction that flips the sign; infinite where none does",
    "eta": "smallest flipping step in multiples of the direction: delta over gradient",
    "cosine": "cosine between the direction and the true gradient, in [-1, 1]",
    "n": "number of nets",
    "lost": "nets without a value, since somewhere they classify no point correctly or nothing flips",
}
_SMALLEST = "mean over the net's points that it classifies correctly and a step flips"

TABLES = {
    "claims": CLAIMS,
    "settings": Table(
        "a quantity of the nets of one d, m and C0, along one direction",
        "direction, d, m, c0, quantity, value, low, high, n",
        {"value": "mean of the quantity over nets"},
    ),
    "slopes": Table(
        "a quantity's power of d, along one direction for one m and C0",
        "direction, m, c0, quantity, value, low, high, n, lost, published, turned",
        {
            "value": "power p of quantity = constant x d^p: least squares on logarithms, mean over nets",
            "published": "power in Theorem 3.1 and Corollary 3.2, about the true gradient",
            "turned": "power over the same d if nets use their whole ball: |grad f|^2 = d / 2 + C0^2 / 4, f = C0 / 2; "
            "empty where it is not derived",
        },
    ),
    "generalising": Table(
        "the nets of one m and C0, of all d",
        "m, c0, value, low, high, n, lowest, generalise, nets, left",
        {
            "value": "test accuracy: mean over runs of a run's mean over d, in [0, 1]",
            "n": "number of runs",
            "lowest": "lowest test accuracy of a net",
            "generalise": "nets with a test error of at most 2 %",
            "nets": "number of nets",
            "left": "nets that left their ball during training",
        },
    ),
    "growth": Table(
        "a quantity's power of C0, along one direction for one m and d",
        "direction, m, d, quantity, value, low, high, n, lost",
        {"value": "power p of quantity = constant x C0^p: least squares on logarithms, mean over nets"},
    ),
    "directions": Table(
        "the rule's direction beside the gradient's, for one d, m and C0",
        "direction, d, m, c0, value, low, high, n, cosine",
        {"value": "delta along the rule over that along the gradient, geometric mean; below 1 it is shorter"},
    ),
    "shapes": Table(
        "the shape of a quantity's histogram over points, in the largest nets",
        "quantity, moment, value, low, high, n, lost",
        {
            "moment": "skewness or excess kurtosis, both 0 for a Gaussian",
            "value": "the moment over the points of a net, mean over nets",
            "lost": "nets with too few points that a step flips, or whose points are all alike",
        },
    ),
    "nets": Table(
        "a net and a direction: means over its test points",
        "d, m, c0, run, direction, steps, left, distance, accuracy, n, flipped, gradient, eta, delta, eta_over_norm, "
        "delta_over_norm, gradient_std, eta_std, delta_std, eta_over_norm_std, delta_over_norm_std, "
        "largest, radius_90, cosine, ratio, note",
        {
            "n": "test points that the net classifies correctly",
            "flipped": "share of the points that are right which some step flips, in [0, 1]",
            "gradient": "mean l2 length of the direction over the points that are right",
            "eta": f"smallest flipping multiple of the direction, {_SMALLEST}",
            "delta": f"l2 length of the smallest flipping step, {_SMALLEST}",
            "eta_over_norm": f"eta over the l2 norm of the image, {_SMALLEST}",
            "delta_over_norm": f"delta over the l2 norm of the image, {_SMALLEST}",
            "gradient_std": "standard deviation of gradient over points",
            "eta_std": "standard deviation of eta over points",
            "delta_std": "standard deviation of delta over points",
            "eta_over_norm_std": "standard deviation of eta_over_norm over points",
            "delta_over_norm_std": "standard deviation of delta_over_norm over points",
            "largest": "largest delta over the l2 norm of the image, of the points that are right and flip",
            "radius_90": "radius over the norm of the image within which 90 % of all test points are wrong or flipped",
            "cosine": "mean cosine between the direction and the true gradient, in [-1, 1]",
            "ratio": "delta along the direction over delta along the true gradient, geometric mean over points",
        },
    ),
    "points": Table(
        "a test point of the largest nets with the largest C0, along one direction",
        "run, id, margin, norm, gradient, delta, cosine, direction, eta",
    ),
    "samples": Table(
        "a net, direction and test point",
        "d, m, c0, run, steps, left, distance, direction, id, margin, norm, gradient, delta, cosine",
    ),
}
