"""How Li et al. 2022 trained: the released code's recipe, or what the text of the paper says."""

from dataclasses import replace
from typing import Literal

from suite.models import Architecture
from suite.training import Recipe

Protocol = Literal["code", "paper"]

# Sec. 4.2; VGG-16 is named in footnote 3 alone.
_PRINTED_RATES = {
    "mlp": 0.001,
    "lenet5": 0.005,
    "resnet50": 0.002,
    "densenet161": 0.002,
    "mobilenetv2": 0.002,
    "vgg16": 0.005,
}


def recipe_of(architecture: Architecture, protocol: Protocol) -> Recipe:
    """The training recipe of an architecture.

    `code` is the zoo's recipe: the released code, where the paper's figures come from. `paper` takes the learning
    rate that the text prints and keeps it constant, since the text mentions no schedule; momentum, weight decay and
    augmentation, without which the runs are not defined, stay those of the code. Architectures that are not in the
    paper are trained by the zoo's recipe under both.
    """
    recipe = architecture.entry.recipe
    if protocol == "code" or architecture.entry.name not in _PRINTED_RATES:
        return recipe
    return replace(recipe, learning_rate=_PRINTED_RATES[architecture.entry.name], schedule="constant")
