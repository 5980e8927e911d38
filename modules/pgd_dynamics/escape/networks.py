"""The networks of `pgd_dynamics.escape`: by seed, input scale and epoch of adversarial training."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from modules.pgd_dynamics.escape.config import EscapeConfig
from modules.pgd_dynamics.image_networks import initial_network, mean_norm, pgd_adversary
from suite.errors import WorkFailed
from suite.measuring import Run
from suite.models import Classifier
from suite.training import History, as_pixels, fit, remove_checkpoint, resident


@dataclass(frozen=True)
class Cell:
    """One network: `str()` names it within its run. epoch 0 is the initial one."""

    seed: int
    scale: float
    epoch: int

    def __str__(self) -> str:
        return f"seed {self.seed} scale {self.scale!r} epoch {self.epoch}"


class Networks:
    """The networks of a run, each trained from scratch when it is first asked for.

    Attributes:
        cells: all of them, in the order of work.
        mean_norm: mean l2 norm of the training images, in pixels.
        recipe: of adversarial training.

    Raises:
        SuiteError: softplus for a model that cannot have it; a gradient rule that does not fit.
    """

    def __init__(self, config: EscapeConfig, run: Run) -> None:
        self.config, self.run = config, run
        self.data = run.dataset(config.dataset)
        self.mean_norm = mean_norm(self.data.train)
        self.recipe = replace(run.architecture(config.model).entry.recipe, schedule="constant", augment="none")
        self.cells = [
            Cell(seed, scale, epoch)
            for seed in range(config.seed, config.seed + config.seeds)
            for scale in config.scales
            for epoch in sorted({0, *config.epochs})
        ]
        self._kept: dict[Cell, tuple[Classifier, History]] = {}
        with torch.no_grad():
            self.under(config.gradient, self._initial(config.seed).eval())(
                self.data.test.pixels(np.arange(2), run.device)
            )

    def exact(self, cell: Cell) -> Classifier:
        """The network in float64, frozen, in eval mode."""
        return copy.deepcopy(self._network(cell)[0]).double().eval().requires_grad_(False)

    def under(self, gradient: str, model: Classifier) -> nn.Module:
        """The model with the backward pass of a gradient rule."""
        return model if gradient == "bp" else self.run.gradient(gradient)(model)

    def training(self, cell: Cell) -> Mapping[str, list[Any]]:
        """Adversarial training loss (nats) and accuracy by epoch, counted from 1."""
        epochs = self._network(cell)[1].epochs
        return {
            "seed": [cell.seed] * len(epochs),
            "scale": [cell.scale] * len(epochs),
            "epoch": [epoch.number + 1 for epoch in epochs],
            "loss": [epoch.loss for epoch in epochs],
            "accuracy": [epoch.accuracy for epoch in epochs],
        }

    def forget(self, cell: Cell) -> None:
        """Lets go of a network that is done with, and of its training's state."""
        self._kept.pop(cell, None)
        remove_checkpoint(self.run.checkpoint(f"training {cell}"))

    def _network(self, cell: Cell) -> tuple[Classifier, History]:
        if cell not in self._kept:
            self._kept[cell] = self._trained(cell) if cell.epoch else (self._initial(cell.seed), History(()))
        return self._kept[cell]

    def _trained(self, cell: Cell) -> tuple[Classifier, History]:
        """Trained from scratch: a constant rate and draws keyed by epoch make every training begin like the longest."""
        config, network = self.config, self._initial(cell.seed)
        images, labels = resident(self.data.train, self.run.device, limit=config.train_limit, seed=self.run.seed)
        adversary = pgd_adversary(network, config.training_ratio * cell.scale * self.mean_norm, config.training_steps)
        recipe = replace(self.recipe, epochs=cell.epoch)
        with self.run.training(f"training {cell}", cell.epoch) as hooks:
            history = fit(
                network, cell.scale * as_pixels(images), labels, recipe, seed=cell.seed, adversary=adversary, **hooks
            )
        if history.diverged:
            raise WorkFailed(f"adversarial training diverged at {cell}", "use smaller --scales or --training-ratio")
        return network, history

    def _initial(self, seed: int) -> Classifier:
        architecture = self.run.architecture(self.config.model)
        return initial_network(architecture, self.config.activation, seed).to(self.run.device)
