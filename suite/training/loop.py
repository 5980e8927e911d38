"""The training loop: minibatch steps on device-resident data, resumable per epoch."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from suite.training.batches import as_pixels, random_crop_flip
from suite.training.checkpoint import read_checkpoint, write_checkpoint
from suite.training.mode import in_mode
from suite.training.recipe import Recipe

Adversary = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(pixels (B, C, H, W), labels (B,)) -> adversarial pixels of the same shape."""

Watch = Callable[[], Mapping[str, float]]
"""What to measure on the model after each epoch, by name: test accuracy, robust accuracy, distance from the start."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training set: means over it, in train mode, while the weights moved."""

    number: int  # from 0
    learning_rate: float
    loss: float  # mean cross-entropy in nats, on the adversary's samples where there is one
    accuracy: float  # in [0, 1], on the same samples
    watched: Mapping[str, float] = field(default_factory=dict)  # measured after it, by `watch`


@dataclass(frozen=True)
class History:
    """What training did, epoch by epoch."""

    epochs: tuple[Epoch, ...]

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
    backward_model: nn.Module | None = None,
    adversary: Adversary | None = None,
    watch: Watch | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoint: Path | None = None,
) -> History:
    """Trains the model in place with cross-entropy; one forward and one backward pass per sample and epoch.

    All random draws of an epoch (order, augmentation, dropout, the adversary's, the watch's) come from (seed, epoch)
    alone and leave torch's global generator as it was: an interrupted training continues to bit-identical weights,
    and two trainings of one seed see the same batches. Training ends early when an epoch's mean loss is not finite;
    see `History.diverged`.

    Args:
        model: pixels in [0, 1] to logits, on the device of the data. Its mode is restored afterwards.
        images: (N, C, H, W), uint8 or float pixels in [0, 1].
        labels: (N,) int64.
        seed: of every draw except the model's initial weights.
        backward_model: computes the loss in place of `model`, whose parameters it must share: the weights'
            gradient then follows its backward pass (LinBP training).
        adversary: replaces every batch before the step (adversarial training); called in train mode.
        watch: measures the model after each epoch; its numbers are kept in `Epoch.watched` and in the checkpoint.
        on_epoch: told of each finished epoch, after the checkpoint is written.
        checkpoint: file to continue from and to write after each epoch. One that was written under another
            recipe, seed, architecture or number of samples is ignored; adversary, watch and backward_model are the
            caller's to tell apart, by the file's name. The one before it is kept beside it, see `read_checkpoint`.
    """
    through = model if backward_model is None else backward_model
    optimiser = recipe.optimiser_for(model)
    key = _fingerprint(model, recipe, seed, len(labels))
    epochs = _restore(checkpoint, key, model, optimiser) if checkpoint else []
    with in_mode(model, through, training=True):
        while len(epochs) < recipe.epochs and not History(tuple(epochs)).diverged:
            with _own_randomness(seed, len(epochs), labels.device):
                epoch = _one_epoch(len(epochs), through, optimiser, images, labels, recipe, adversary)
                epochs.append(replace(epoch, watched=dict(watch())) if watch else epoch)
            if checkpoint:
                _store(checkpoint, key, model, optimiser, epochs)
            if on_epoch:
                on_epoch(epochs[-1])
    return History(tuple(epochs))


def _one_epoch(
    number: int,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    recipe: Recipe,
    adversary: Adversary | None,
) -> Epoch:
    for group in optimiser.param_groups:
        group["lr"] = recipe.rate(number)
    loss_sum = torch.zeros((), dtype=torch.float64, device=labels.device)
    correct = torch.zeros((), dtype=torch.int64, device=labels.device)
    order = torch.randperm(len(labels), device=labels.device)
    batches = zip(images[order].split(recipe.batch_size), labels[order].split(recipe.batch_size), strict=True)
    for images_of_batch, targets in batches:
        pixels = as_pixels(images_of_batch)
        if recipe.augment != "none":
            pixels = random_crop_flip(pixels, recipe.augment)
        if adversary is not None:
            pixels = adversary(pixels, targets)
        logits = model(pixels)
        loss = F.cross_entropy(logits, targets)
        optimiser.zero_grad()  # also drops what the adversary may have left in param.grad
        loss.backward()
        optimiser.step()
        # Sums stay on the device: the host reads them once an epoch.
        loss_sum += loss.detach() * len(targets)
        correct += (logits.detach().argmax(1) == targets).sum()
    return Epoch(number, recipe.rate(number), float(loss_sum) / len(labels), float(correct) / len(labels))


@contextmanager
def _own_randomness(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0] >> 1))
        yield


def _fingerprint(model: nn.Module, recipe: Recipe, seed: int, samples: int) -> str:
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    return hashlib.sha256(repr((shapes, recipe, seed, samples)).encode()).hexdigest()


def _store(path: Path, key: str, model: nn.Module, optimiser: torch.optim.Optimizer, epochs: list[Epoch]) -> None:
    state = {"key": key, "epochs": [asdict(epoch) for epoch in epochs]}
    write_checkpoint(path, {**state, "model": model.state_dict(), "optimiser": optimiser.state_dict()})


def _restore(path: Path, key: str, model: nn.Module, optimiser: torch.optim.Optimizer) -> list[Epoch]:
    state = read_checkpoint(path)
    if state is None or state["key"] != key:
        return []
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return [Epoch(**epoch) for epoch in state["epochs"]]
