"""The models that `phase_transition.connectivity` connects: their cells, recipes and trainings."""

from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from modules.phase_transition.connectivity.config import ConnectivityConfig
from modules.phase_transition.trainings import Cell, Trainings, selected
from suite.data import balanced
from suite.errors import SuiteError
from suite.measuring import Run
from suite.training import History, evaluate
from suite.training.batches import Data

Columns = dict[str, Any]


class Models:
    """The models at the ends: of each seed a clean one, and an adversarial one for each strength.

    Models stay in their checkpoints until all that is measured on them is stored.

    Raises SuiteError where one of them cannot be trained, before any training.
    """

    def __init__(self, config: ConnectivityConfig, run: Run) -> None:
        self.config, self.run = config, run
        self.trainings = Trainings(config, run, (config.model,))
        recipe = self.trainings.recipes[config.model]
        if config.endpoint and config.endpoint > recipe.epochs:
            raise SuiteError(f"--endpoint {config.endpoint} of {recipe.epochs} epochs", "give more --epochs")
        # The middle's own weight decay would pull on another point than the one whose loss is taken.
        self.curve_recipe = replace(
            recipe,
            epochs=config.curve_epochs or recipe.epochs,
            learning_rate=config.curve_learning_rate or recipe.learning_rate,
            weight_decay=0.0,
            schedule="hold-fall",
            milestones=(),
            period=None,
        )
        self.decay = recipe.weight_decay
        self.samples = config.train_limit or self.trainings.largest
        self.seeds = range(config.seed, config.seed + config.seeds)
        self.trainings.check([self.cell(seed, eps) for seed in self.seeds for eps in (0.0, *config.eps)])

    @property
    def facts(self) -> Columns:
        """For the record: recipes and sizes."""
        return {
            "recipe": asdict(self.trainings.recipes[self.config.model]),
            "curve_recipe": asdict(self.curve_recipe) | {"decay_of_the_point": self.decay},
            "samples": {"train": self.samples, "loss": min(self.config.loss_limit or self.samples, self.samples)},
        }

    def cell(self, seed: int, eps: float) -> Cell:
        """An adversarial training, or for eps 0 a clean one."""
        return Cell(self.config.model, self.samples, self.config.gradient if eps else "", eps, seed)

    def start(self, seed: int) -> Columns:
        """The clean model of a seed: a row."""
        return self.run.once(
            f"start seed {seed}", lambda: self.end_row("start", self.cell(seed, 0.0), *self.clean(seed))
        )

    def forget(self, seed: int) -> None:
        """Removes the seed's clean model, once all that leads from it is stored."""
        self.trainings.forget(f"start {self.cell(seed, 0.0)}")

    def loss_data(self, seed: int) -> Data:
        """The training samples on which the loss is measured."""
        images, labels = self.trainings.train_data(self.cell(seed, 0.0))
        limit = self.config.loss_limit
        if limit is None or limit >= len(labels):
            return images, labels
        ids = torch.from_numpy(balanced(labels.cpu().numpy(), limit, seed)).to(labels.device)
        return images[ids], labels[ids]

    def clean(self, seed: int) -> tuple[nn.Module, History]:
        """The clean model of a seed."""
        cell = self.cell(seed, 0.0)
        return self.trained(f"start {cell}", cell, self.trainings.initial(cell), seed)

    def trained(self, name: str, cell: Cell, model: nn.Module, seed: int) -> tuple[nn.Module, History]:
        """The model after the endpoint, or at its best epoch; `seed` is of the batches."""
        last = self.config.endpoint
        history = self.trainings.fit(
            cell,
            model,
            name=name,
            seed=seed,
            until=None if last is None else lambda past: len(past.epochs) >= last,
            select=last is None,
        )
        return model, history

    def end_row(self, end: str, cell: Cell, model: nn.Module, history: History) -> Columns:
        """One end of a path: a row."""
        epoch = history.epochs[-1] if self.config.endpoint else selected(history)
        test = evaluate(model, *self.trainings.test)
        row = {
            "end": end,
            "eps": cell.eps,
            "seed": cell.seed,
            "epoch": epoch.number + 1,
            "train_loss": epoch.loss,
            "train_accuracy": epoch.accuracy,
            **epoch.watched,
            "clean_test_loss": test.loss,
            "clean_test_accuracy": test.accuracy,
            "diverged": history.diverged,
        }
        return {name: [value] for name, value in row.items()}
