"""What trainings that shall be comparable have in common."""

import torch
from torch import nn

from suite.errors import SuiteError
from suite.measuring import Run
from suite.models import Classifier
from suite.training import as_pixels


def initial_model(run: Run, model: str, seed: int) -> Classifier:
    """A model with the initial weights of a seed, whatever the rule; LinBP starts where it does in training."""
    architecture = run.architecture(model)
    classifier = architecture.initial(seed, run.device)
    if architecture.entry.training_start is not None:
        classifier.linbp_start = architecture.entry.training_start
    return classifier


def check_rule(run: Run, model: str, gradient: str, data: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Raises SuiteError where a gradient rule cannot be applied to a model, or its batches not be trained on."""
    classifier = initial_model(run, model, run.seed).eval()
    with torch.no_grad():
        run.gradient(gradient)(classifier)(as_pixels(data[0][:2]))
    batch_size = run.architecture(model).entry.recipe.batch_size
    alone = len(data[1]) % batch_size == 1
    if alone and any(isinstance(module, nn.BatchNorm2d) for module in classifier.modules()):
        raise SuiteError(
            f"{model}: batch norm cannot train on the last batch of one sample ({len(data[1])} in {batch_size}s)",
            "choose another --train-limit",
        )


def entropy(labels: torch.Tensor) -> float:
    """Entropy of the labels' shares in nats: the least cross-entropy that a constant answer can have."""
    shares = labels.bincount().double() / len(labels)
    return float(-torch.xlogy(shares, shares).sum())
