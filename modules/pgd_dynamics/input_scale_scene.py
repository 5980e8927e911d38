"""The trainings behind `pgd_dynamics.input_scale`: alike in weights, batches and ratio, at several scales and rates."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from modules.pgd_dynamics.image_networks import initial_network, mean_norm, pgd_adversary
from suite.attacks import frozen
from suite.data import Split
from suite.models import Classifier
from suite.training import Recipe, as_pixels, evaluate, fit, remove_checkpoint, resident

if TYPE_CHECKING:
    from modules.pgd_dynamics.input_scale import InputScaleConfig
    from suite.host.run import Run


@dataclass(frozen=True)
class Cell:
    """One training; `str()` names it within its run."""

    training: str  # "adversarial" or "clean"
    scale: float
    learning_rate: float
    seed: int

    def __str__(self) -> str:
        return f"{self.training} scale {self.scale!r} rate {self.learning_rate!r} seed {self.seed}"


class Scene:
    """What the trainings share: data on the device and the mean norm. Raises SuiteError where softplus does not fit."""

    def __init__(self, config: "InputScaleConfig", run: "Run") -> None:
        self.config, self.run = config, run
        dataset = run.dataset(config.dataset)
        self.mean_norm = mean_norm(dataset.train)
        self.train, self.test = (
            self._pixels(dataset.train, config.train_limit),
            self._pixels(dataset.test, config.test_limit),
        )
        self.samples = len(self.train[1])
        self.cells = [
            Cell(training, scale, rate, seed)
            for training in ("adversarial", "clean")
            for scale in config.scales
            for rate in config.learning_rates
            for seed in range(config.seed, config.seed + config.seeds)
        ]
        self._initial(config.seed)

    def curve(self, cell: Cell) -> Mapping[str, list[Any]]:
        """Trains a cell, or continues it: a row per epoch, counted from 1; the robust test numbers with the last."""
        config, network = self.config, self._initial(cell.seed)
        images, labels = cell.scale * self.train[0], self.train[1]
        eps = config.ratio * cell.scale * self.mean_norm
        recipe = Recipe(config.epochs, config.batch_size, cell.learning_rate, optimiser=config.optimiser)
        history = fit(
            network, images, labels, recipe,
            seed=cell.seed,
            adversary=pgd_adversary(network, eps, config.attack_steps) if cell.training == "adversarial" else None,
            checkpoint=self.run.checkpoint(str(cell)),
        )  # fmt: skip
        robust = (math.nan, math.nan) if history.diverged else self._robust(network, cell.scale, eps)
        count = len(history.epochs)
        return {
            **{name: [value] * count for name, value in asdict(cell).items()},
            "epoch": [epoch.number + 1 for epoch in history.epochs],
            "train_loss": [epoch.loss for epoch in history.epochs],
            "train_accuracy": [epoch.accuracy for epoch in history.epochs],
            "robust_loss": [robust[0]] * count,
            "robust_accuracy": [robust[1]] * count,
            "diverged": [history.diverged] * count,
        }

    def forget(self, cell: Cell) -> None:
        """Removes the state of a training whose rows are stored."""
        remove_checkpoint(self.run.checkpoint(str(cell)))

    def _robust(self, network: Classifier, scale: float, eps: float) -> tuple[float, float]:
        """Loss (nats) and accuracy on PGD's test samples; no early stop, from a uniform start."""
        images, labels = scale * self.test[0], self.test[1]
        with frozen(network):
            craft = pgd_adversary(network, eps, self.config.test_steps)
            crafted = torch.cat([craft(x, y) for x, y in zip(images.split(500), labels.split(500), strict=True)])
            found = evaluate(network, crafted, labels)
        return found.loss, found.accuracy

    def _initial(self, seed: int) -> Classifier:
        architecture = self.run.architecture(self.config.model)
        return initial_network(architecture, self.config.activation, seed).to(self.run.device)

    def _pixels(self, split: Split, limit: int | None) -> tuple[Tensor, Tensor]:
        images, labels = resident(split, self.run.device, limit=limit, seed=self.config.seed)
        return as_pixels(images), labels
