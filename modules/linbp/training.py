"""One training of a study, to one row per epoch, and what trainings that shall be comparable have in common."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from suite.data import Split, sample
from suite.errors import SuiteError
from suite.models import Classifier
from suite.training import Adversary, History, Recipe, Watch, as_pixels, fit, resident

if TYPE_CHECKING:
    from suite.run import Run

Data = tuple[torch.Tensor, torch.Tensor]
"""Images (N, C, H, W) uint8 and labels (N,), on the device."""


def fit_shown(
    run: "Run",
    name: str,
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    seed: int,
    watch: Watch,
    *,
    gradient: Callable[[nn.Module], nn.Module],
    adversary: Adversary | None = None,
) -> History:
    """`suite.training.fit` in a run: its progress is shown, and its state kept under the part's name."""
    through = gradient(model)
    ticks = iter(run.track(range(recipe.epochs), name))
    next(ticks)
    history = fit(
        model,
        *data,
        recipe,
        seed=seed,
        backward_model=None if through is model else through,
        adversary=adversary,
        watch=watch,
        on_epoch=lambda _: next(ticks, None),  # type: ignore[arg-type]
        checkpoint=run.checkpoint(name),
    )
    for _ in ticks:  # a training that diverged or was continued has fewer epochs to show
        pass
    return history


def rows_of(history: History, settings: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A row per epoch, counted from 1: the settings, the learning rate, loss and accuracy, and what was watched."""
    epochs = history.epochs
    return {
        **{name: [value] * len(epochs) for name, value in settings.items()},
        "epoch": [epoch.number + 1 for epoch in epochs],
        "learning_rate": [epoch.learning_rate for epoch in epochs],
        "train_loss": [epoch.loss for epoch in epochs],
        "train_accuracy": [epoch.accuracy for epoch in epochs],
        **{name: [epoch.watched[name] for epoch in epochs] for name in epochs[0].watched},
    }


def beginning(run: "Run", model: str, seed: int) -> Classifier:
    """A model with the initial weights of a seed, whatever the rule; LinBP starts where it does in training."""
    architecture = run.architecture(model)
    classifier = architecture.initial(seed, run.device)
    if architecture.entry.training_start is not None:
        classifier.linbp_start = architecture.entry.training_start
    return classifier


def check_rule(run: "Run", model: str, gradient: str, data: Data) -> None:
    """Raises SuiteError where a gradient rule cannot be applied to a model, or its batches not be trained on."""
    classifier = beginning(run, model, run.seed).eval()
    with torch.no_grad():
        run.gradient(gradient)(classifier)(as_pixels(data[0][:2]))
    batch_size = run.architecture(model).entry.recipe.batch_size
    alone = len(data[1]) % batch_size == 1
    if alone and any(isinstance(module, nn.BatchNorm2d) for module in classifier.modules()):
        raise SuiteError(
            f"{model}: batch norm cannot train on the last batch of one sample ({len(data[1])} in {batch_size}s)",
            "choose another --train-limit",
        )


def subset(split: Split, limit: int | None, run: "Run") -> Data:
    """A seeded class-balanced sample of a split, or all of it, on the run's device."""
    images, labels = resident(split, run.device)
    ids = torch.from_numpy(sample(split, limit, run.seed)).to(run.device)
    return (images, labels) if len(ids) == len(labels) else (images[ids], labels[ids])


def entropy(labels: torch.Tensor) -> float:
    """Entropy of the labels' shares in nats: the least cross-entropy that a constant answer can have."""
    shares = labels.bincount().double() / len(labels)
    return float(-torch.xlogy(shares, shares).sum())
