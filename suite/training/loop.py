"""The training loop: minibatch steps on device-resident data, resumable per epoch."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from suite.errors import SuiteError
from suite.training.batches import as_pixels, random_crop_flip
from suite.training.bfloat16 import warn_where_imitated
from suite.training.checkpoint import read_checkpoint, write_checkpoint
from suite.training.depthwise import strided_depthwise_in_float32
from suite.training.mode import in_mode
from suite.training.objectives import Adversary, Objective, cross_entropy
from suite.training.optimiser import optimiser_for
from suite.training.recipe import Recipe

Watch = Callable[[], Mapping[str, float]]
"""What to measure on the model after each epoch, by name: test accuracy, robust accuracy, distance from the start."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training set: means over it, in train mode, while the weights moved."""

    number: int  # from 0
    learning_rate: float  # at its beginning
    loss: float  # mean of the objective in nats, on the adversary's samples where there is one
    accuracy: float  # in [0, 1], on the same samples
    watched: Mapping[str, float] = field(default_factory=dict)  # measured after it, by `watch`


@dataclass(frozen=True)
class History:
    """What training did, epoch by epoch."""

    epochs: tuple[Epoch, ...]

    def best(self, watched: str) -> Epoch:
        """The first epoch with the least finite value of what was watched under that name."""
        return self.epochs[_best(self.epochs, watched)]

    def columns(self, settings: Mapping[str, Any]) -> dict[str, list[Any]]:
        """A row per epoch, counted from 1: the settings, the learning rate, loss and accuracy, what was watched."""
        epochs = self.epochs
        return {
            **{name: [value] * len(epochs) for name, value in settings.items()},
            "epoch": [epoch.number + 1 for epoch in epochs],
            "learning_rate": [epoch.learning_rate for epoch in epochs],
            "train_loss": [epoch.loss for epoch in epochs],
            "train_accuracy": [epoch.accuracy for epoch in epochs],
            **{name: [epoch.watched[name] for epoch in epochs] for name in epochs[0].watched},
        }

    @property
    def diverged(self) -> bool:
        """Whether training was given up because the loss was no longer finite."""
        return bool(self.epochs) and not math.isfinite(self.epochs[-1].loss)


def fit(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    recipe: Recipe,
    *,
    seed: int,
    objective: Objective = cross_entropy,
    backward_model: nn.Module | None = None,
    adversary: Adversary | None = None,
    watch: Watch | None = None,
    select: str | None = None,
    until: Callable[[History], bool] | None = None,
    before_checkpoint: Callable[[Epoch], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoint: Path | None = None,
) -> History:
    """Trains the model in place: clean, adversarially, by TRADES or MART.

    All random draws of an epoch (order, augmentation, dropout, the adversary's, the watch's) come from (seed, epoch)
    alone and leave torch's global generator as it was: an interrupted training continues to bit-identical weights,
    and two trainings of one seed see the same batches. Training ends early when an epoch's mean loss is not finite;
    see `History.diverged`.

    Args:
        model: pixels in [0, 1] to logits, on the device of the data. Its mode is restored afterwards.
        images: (N, C, H, W), uint8 or float pixels in [0, 1].
        labels: (N,) int64.
        seed: of every draw except the model's initial weights.
        objective: a batch's loss, see `suite.training.objectives`.
        backward_model: computes the loss in place of `model`, whose parameters it must share: the weights'
            gradient then follows its backward pass (LinBP training).
        adversary: gives the objective its adversarial samples (adversarial training); called in train mode.
        watch: measures the model after each epoch; its numbers are kept in `Epoch.watched` and in the checkpoint.
        select: name of something watched; at the end the model has the weights of the epoch where it was least
            (early stopping), see `History.best`.
        until: ends the training after an epoch for which it is true; it depends on nothing but what it is given.
        before_checkpoint: told of each finished epoch before the checkpoint is written: a kill in it repeats the epoch.
        on_epoch: told of each finished epoch, after the checkpoint is written.
        checkpoint: file to continue from and to write after each epoch. One that was written under another
            recipe, seed, architecture or number of samples is ignored; all the other arguments are the caller's to
            tell apart, by the file's name. The one before it is kept beside it, see `read_checkpoint`.

    Raises SuiteError where there are no samples.
    """
    if not len(labels):
        raise SuiteError("there are no images to train on", "choose a data set that has training images")
    through = model if backward_model is None else backward_model
    if recipe.bfloat16:
        warn_where_imitated(labels.device)
    if recipe.channels_last:
        model.to(memory_format=torch.channels_last)
    state = _State(model, optimiser_for(recipe, model), _fingerprint(model, recipe, seed, len(labels)))
    if checkpoint:
        state.restore(checkpoint)
    kept = strided_depthwise_in_float32(model) if recipe.bfloat16 else nullcontext()
    with kept, in_mode(model, through, training=True):
        while len(state.epochs) < recipe.epochs and not state.history.diverged:
            if until is not None and state.epochs and until(state.history):
                break
            with _own_randomness(seed, len(state.epochs), labels.device):
                work = _Work(through, state.optimiser, images, labels, recipe, objective, adversary)
                epoch = _one_epoch(len(state.epochs), work)
                state.epochs.append(replace(epoch, watched=dict(watch())) if watch else epoch)
            if select is not None and _best(state.epochs, select) == len(state.epochs) - 1:
                state.best = {name: value.detach().clone() for name, value in model.state_dict().items()}
            if before_checkpoint:
                before_checkpoint(state.epochs[-1])
            if checkpoint:
                state.store(checkpoint)
            if on_epoch:
                on_epoch(state.epochs[-1])
    if state.best is not None:
        model.load_state_dict(state.best)
    return state.history


class _Work(NamedTuple):
    """What the steps of an epoch need."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    images: torch.Tensor
    labels: torch.Tensor
    recipe: Recipe
    objective: Objective
    adversary: Adversary | None


def _one_epoch(number: int, work: _Work) -> Epoch:
    recipe, labels, device = work.recipe, work.labels, work.labels.device
    loss_sum = torch.zeros((), dtype=torch.float64, device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    batches = torch.randperm(len(labels), device=device).split(recipe.batch_size)
    for step, ids in enumerate(batches):
        for group in work.optimiser.param_groups:
            group["lr"] = recipe.rate(number + (step + 0.5) / len(batches))
        pixels, targets = as_pixels(work.images[ids]), labels[ids]
        if recipe.augment != "none":
            pixels = random_crop_flip(pixels, recipe.augment)
        if recipe.channels_last:
            pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.bfloat16):
            loss, logits = work.objective(work.model, pixels, targets, work.adversary)
        work.optimiser.zero_grad()  # also drops what the adversary may have left in param.grad
        loss.backward()
        work.optimiser.step()
        # Sums stay on the device: the host reads them once an epoch.
        loss_sum += loss.detach() * len(targets)
        correct += (logits.detach().argmax(1) == targets).sum()
    return Epoch(number, recipe.rate(number), float(loss_sum) / len(labels), float(correct) / len(labels))


@contextmanager
def _own_randomness(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0] >> 1))
        yield


def _best(epochs: Sequence[Epoch], watched: str) -> int:
    values = [epoch.watched[watched] for epoch in epochs]
    return min(range(len(values)), key=lambda number: values[number] if math.isfinite(values[number]) else math.inf)


def _fingerprint(model: nn.Module, recipe: Recipe, seed: int, samples: int) -> str:
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    return hashlib.sha256(repr((shapes, recipe, seed, samples)).encode()).hexdigest()


@dataclass
class _State:
    """All that a training continues from."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    key: str
    epochs: list[Epoch] = field(default_factory=list)
    best: dict[str, torch.Tensor] | None = None  # weights of the selected epoch

    @property
    def history(self) -> History:
        return History(tuple(self.epochs))

    def store(self, path: Path) -> None:
        state = {"key": self.key, "epochs": [asdict(epoch) for epoch in self.epochs], "best": self.best}
        state |= {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        write_checkpoint(path, state)

    def restore(self, path: Path) -> None:
        state = read_checkpoint(path)
        if state is None or state["key"] != self.key:
            return
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
        self.best = state["best"]
