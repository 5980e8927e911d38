"""The optimiser that a recipe names."""

import inspect
from typing import Any

import torch
from torch import nn

from suite.training.recipe import Recipe

_FOR_THE_COMPILER = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""Methods of torch's optimisers that are wrapped so that torch.compile leaves them alone."""


def optimiser_for(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """A fresh optimiser over the model's trainable parameters."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if recipe.optimiser == "adam":
        adam: torch.optim.Optimizer = _Adam(
            parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        return adam
    sgd: torch.optim.Optimizer = _SGD(
        parameters, recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay, fused=True
    )
    return sgd


def _plain(kind: type[torch.optim.Optimizer]) -> Any:
    """One of torch's optimisers, not to be compiled: its wrappers import the compiler, a second, at the first step."""
    bare: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in _FOR_THE_COMPILER}
    return type(kind.__name__, (kind,), {**bare, "step": torch.no_grad()(inspect.unwrap(kind.step))})


_Adam, _SGD = _plain(torch.optim.Adam), _plain(torch.optim.SGD)
