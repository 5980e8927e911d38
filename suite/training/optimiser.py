"""The optimiser that a recipe names."""

import torch
from torch import nn

from suite.training.recipe import Recipe


def optimiser_for(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """A fresh optimiser over the model's trainable parameters."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    return torch.optim.SGD(
        parameters, recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay, fused=True
    )
