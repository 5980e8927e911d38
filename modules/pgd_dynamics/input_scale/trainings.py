"""The trainings of `pgd_dynamics.input_scale`: alike in weights, batches and ratio, at several scales and rates."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from modules.pgd_dynamics.image_networks import initial_network, mean_norm, pgd_adversary
from modules.pgd_dynamics.input_scale.config import TRAININGS, InputScaleConfig
from suite.attacks import frozen
from suite.data import Split
from suite.measuring import Run
from suite.models import Classifier
from suite.training import Evaluation, Recipe, as_pixels, evaluate, fit, remove_checkpoint, resident


@dataclass(frozen=True)
class Cell:
    """One training; `str()` names it within its run."""

    training: str  # one of TRAININGS
    scale: float
    learning_rate: float
    seed: int

    def __str__(self) -> str:
        return f"{self.training} scale {self.scale!r} rate {self.learning_rate!r} seed {self.seed}"


class Trainings:
    """All trainings of a run, which share the data on the device.

    Attributes:
        cells: all of them, in the order of work.
        mean_norm: mean l2 norm of the training images, in pixels.
        train, test: images in [0, 1] and labels.

    Raises SuiteError: softplus for a model that cannot have it.
    """

    def __init__(self, config: InputScaleConfig, run: Run) -> None:
        self.config, self.run = config, run
        dataset = run.dataset(config.dataset)
        self.mean_norm = mean_norm(dataset.train)
        self.train = self._pixels(dataset.train, config.train_limit)
        self.test = self._pixels(dataset.test, config.test_limit)
        self.cells = [
            Cell(training, scale, rate, seed)
            for training in TRAININGS
            for scale in config.scales
            for rate in config.learning_rates
            for seed in range(config.seed, config.seed + config.seeds)
        ]
        self._initial(config.seed)

    def curve(self, cell: Cell) -> dict[str, list[Any]]:
        """Trains a cell, or continues it: a row per epoch, counted from 1.

        robust_loss, robust_accuracy: on PGD's test samples after the last epoch; None where training diverged.
        """
        config, network = self.config, self._initial(cell.seed)
        eps = config.ratio * cell.scale * self.mean_norm
        recipe = Recipe(config.epochs, config.batch_size, cell.learning_rate, optimiser=config.optimiser)
        adversary = pgd_adversary(network, eps, config.attack_steps) if cell.training == "adversarial" else None
        images, labels = self.train
        with self.run.training(str(cell), config.epochs) as hooks:
            history = fit(network, cell.scale * images, labels, recipe, seed=cell.seed, adversary=adversary, **hooks)
        robust = None if history.diverged else self._robust(network, cell.scale, eps)
        count = len(history.epochs)
        return {
            **history.columns(asdict(cell)),
            "robust_loss": [robust and robust.loss] * count,
            "robust_accuracy": [robust and robust.accuracy] * count,
            "diverged": [history.diverged] * count,
        }

    def forget(self, cell: Cell) -> None:
        """Removes the state of a training whose rows are stored."""
        remove_checkpoint(self.run.checkpoint(str(cell)))

    def _robust(self, network: Classifier, scale: float, eps: float) -> Evaluation:
        """Of PGD's test samples, without early stop, from a uniform start."""
        images, labels = scale * self.test[0], self.test[1]
        with frozen(network):
            craft = pgd_adversary(network, eps, self.config.test_steps)
            crafted = torch.cat([craft(x, y) for x, y in zip(images.split(500), labels.split(500), strict=True)])
            return evaluate(network, crafted, labels)

    def _initial(self, seed: int) -> Classifier:
        architecture = self.run.architecture(self.config.model)
        return initial_network(architecture, self.config.activation, seed).to(self.run.device)

    def _pixels(self, split: Split, limit: int | None) -> tuple[Tensor, Tensor]:
        images, labels = resident(split, self.run.device, limit=limit, seed=self.config.seed)
        return as_pixels(images), labels
