"""What tables and their columns mean: how a study says it, and the names that mean the same in all studies.

A study's `columns.py` has `TABLES`, its tables in reading order, and may have `COLUMNS`, what columns of several of
them mean. A column named as in `COMMON`, or like an option of one value, needs no words; nor do `X_low` and `X_high`,
the ends of the interval of `X`. `suite info`, reports and the reference show it (`suite.host.glossary.explain`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST = 200
"""Characters of an explanation."""


@dataclass(frozen=True)
class Table:
    """A table in words.

    Args:
        row: what a row stands for: "an image under one rule and eps".
        columns: their names, separated by commas, in order; `<victim>` stands for any number of columns whose names
            depend on the run, and has its meaning in `own`.
        own: column -> what it means here, with unit and range; comes before what it means elsewhere.
    """

    row: str
    columns: str
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [name.strip() for name in self.columns.split(",")]


CLAIMS = Table(
    "a claim of the paper in one setting, and whether these numbers carry it",
    "claim, setting, value, low, high, n, of, unit, published, source, verdict, note",
    {
        "value": "what was measured, in `unit`; empty where there is no one number",
        "n": "number of independent units behind value; `of` names them",
        "of": "what n counts: images, seeds, data sets",
    },
)
"""The table `claims` of every study that has claims."""

CLASSES = Table(
    "a class of the data set; joins what holds numbers of classes",
    "number, name",
    {
        "number": "the number that stands for the class in the other tables",
        "name": "the class, in the data set's words",
    },
)
"""The table `classes` of a study whose rows name classes by number: one that lists it is given it, and writes none."""

OF_CLASSES = ("label", "prediction", "clean_prediction", "target")
"""Columns that hold numbers of classes, which pages show by name."""

COMMON: Mapping[str, str] = {
    "low": "lower end of the 95 % confidence interval of value; empty where there are too few units",
    "high": "upper end of the 95 % confidence interval of value; empty where there are too few units",
    "n": "number of independent units that the row's estimates are made of",
    "claim": "what the paper says",
    "setting": "options under which it was measured; empty where it holds for all",
    "unit": "unit of value and published",
    "published": "the number that the paper gives; empty where it gives none",
    "source": "place in the paper: table, figure or theorem",
    "verdict": "reproduced, differs, or cannot be told",
    "note": "the reason in words",
    "seed": "seed of the random draws",
    "run": "number of the repetition, from 0; each has random draws of its own",
    "id": "index of the image in its split of the data set",
    "label": "true class",
    "prediction": "class that the model names after the attack",
    "model": "model, as typed",
    "gradient": "gradient rule, as typed; bp is true backpropagation",
    "eps": "attack strength: radius of the ball around an image, in the unit of the pixels",
    "steps": "number of attack steps",
    "step": "number of the step, from 0 for the start",
    "epoch": "number of the training epoch",
    "learning_rate": "learning rate",
    "train_loss": "mean loss on the training data",
    "train_accuracy": "share of training images classified correctly, in [0, 1]",
    "test_loss": "mean loss on the test data",
    "test_accuracy": "share of test images classified correctly, in [0, 1]",
    "accuracy": "share of images classified correctly, in [0, 1]",
    "clean_accuracy": "share of unattacked images classified correctly, in [0, 1]",
    "robust_accuracy": "share of images classified correctly under the attack, in [0, 1]",
    "p_value": "two-sided p-value of the comparison, in [0, 1], not adjusted for the number of comparisons",
    "p_holm": "p-value adjusted for the number of comparisons by Holm's method, in [0, 1]",
    "lost": "number of units that are in no estimate: diverged, failed, or not measured",
    "d": "dimension of the inputs",
    "m": "width: number of hidden neurons",
}
"""Columns that mean the same where a study does not say otherwise. `value` is not here: each table says what it is."""
