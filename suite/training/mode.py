"""Train or eval mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_mode(*models: nn.Module, training: bool) -> Iterator[None]:
    """Puts the models in train or eval mode; afterwards each of their modules is as it was."""
    before = [(module, module.training) for model in models for module in model.modules()]
    try:
        for model in models:
            model.train(training)
        yield
    finally:
        for module, was_training in before:
            module.training = was_training
