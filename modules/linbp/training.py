"""What trainings that shall be comparable have in common."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn

from suite.errors import SuiteError
from suite.measuring import Run
from suite.models import Classifier
from suite.training import History, Recipe, as_pixels, fit, remove_checkpoint

Cell = TypeVar("Cell")
Samples = tuple[torch.Tensor, torch.Tensor]


def measure_curves(
    run: Run,
    cells: Sequence[Cell],
    curve: Callable[[Cell], dict[str, list[Any]]],
    *,
    train: Samples,
    test: Samples,
    **facts: Any,
) -> None:
    """Each cell's training as a part of the run, under the cell's `str()`; its rows, one an epoch, go to `curves`.

    Recorded are the facts, the numbers of samples, the loss at chance (that of the best constant answer), and how long
    those trainings took that were done in this process.
    """
    seconds: dict[str, float] = {}

    def timed(cell: Cell) -> dict[str, list[Any]]:
        begin = time.perf_counter()
        rows = curve(cell)
        seconds[str(cell)] = round(time.perf_counter() - begin, 3)
        return rows

    parts = [(str(cell), partial(timed, cell)) for cell in cells]
    for cell, columns in zip(cells, run.each(parts, "trainings"), strict=True):
        run.table("curves").extend(columns)
        remove_checkpoint(run.checkpoint(str(cell)))
    samples = {"train": len(train[1]), "test": len(test[1])}
    run.record(**facts, samples=samples, chance_loss=entropy(train[1]), seconds=seconds)


def fitted(
    run: Run, cell: object, model: nn.Module, rule: Callable[[nn.Module], nn.Module] | None, data: Samples,
    recipe: Recipe, **settings: Any,
) -> History:  # fmt: skip
    """Trains a cell's model, or continues it, with the weights' gradient by a rule; None: the true one."""
    through = model if rule is None else rule(model)
    with run.training(str(cell), recipe.epochs) as hooks:
        backward_model = None if through is model else through
        return fit(model, data[0], data[1], recipe, backward_model=backward_model, **settings, **hooks)


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
