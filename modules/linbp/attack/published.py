"""Table 1 of Li et al. 2022, and the options in which an attack is the table's."""

_MODELS = ("vgg16", "resnet50", "densenet161", "mobilenetv2")
_ROWS: dict[tuple[str, int, float], tuple[float, float, float, float]] = {
    ("bp", 5, 0.05): (71.37, 66.97, 58.25, 91.88),
    ("bp", 5, 0.1): (71.37, 66.97, 58.25, 91.88),
    ("bp", 10, 0.05): (90.99, 86.25, 82.94, 98.56),
    ("bp", 10, 0.1): (93.25, 90.76, 87.53, 98.87),
    ("linbp", 5, 0.05): (97.80, 90.23, 82.56, 99.85),
    ("linbp", 5, 0.1): (97.80, 90.23, 82.56, 99.85),
    ("linbp", 10, 0.05): (99.90, 98.67, 96.31, 100.0),
    ("linbp", 10, 0.1): (100.0, 99.72, 99.81, 100.0),
}

TABLE_1: dict[tuple[str, str, int, float], float] = {
    (gradient, model, steps, eps): percent / 100
    for (gradient, steps, eps), percents in _ROWS.items()
    for model, percent in zip(_MODELS, percents, strict=True)
}
"""Li et al. 2022, Table 1: (gradient rule, model, K, eps) -> success rate of I-FGSM on CIFAR-10, step 2/255.

Whether eps is in pixels or in normalised units cannot be told from the text; the weights are those of a public
collection. A measured rate can therefore agree or differ, but a difference does not refute the table.
"""

SETTINGS: dict[str, object] = {
    "attack": "ifgsm",
    "step_size": 2 / 255,
    "norm": "linf",
    "loss": "ce",
    "input_space": "pixel",
    "early_stop": True,
}
"""Options of `linbp.attack` with which an attack is the table's."""
