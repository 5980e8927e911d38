"""Trainings that this module's studies share: data, objective and inner attack of a cell, and its row per epoch."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from modules.phase_transition.options import TrainingConfig, check_strengths
from modules.phase_transition.settings import adversary_of, objective_mean, objective_of, recipe_of
from suite.attacks import Adversary
from suite.data import balanced
from suite.data.dataset import Ids
from suite.errors import SuiteError
from suite.measuring import Run
from suite.models import Classifier
from suite.models.build import untrained
from suite.training import (
    Epoch,
    History,
    Objective,
    Recipe,
    Watch,
    as_pixels,
    cross_entropy,
    evaluate,
    fit,
    remove_checkpoint,
    resident,
)
from suite.training.batches import Data

WATCHED = "watched_loss"


@dataclass(frozen=True)
class Cell:
    """One training; `str()` names it within its run. `eps` 0 is clean training, where `gradient` means nothing."""

    model: str
    samples: int
    gradient: str  # rule of the inner attack
    eps: float
    seed: int

    def __str__(self) -> str:
        rule = f" {self.gradient}" if self.eps else ""
        return f"{self.model} n {self.samples} seed {self.seed} eps {self.eps!r}{rule}"


class Trainings:
    """Builds and trains the cells of one run.

    A cell's seed draws its initial weights, its training samples (smaller sets are parts of larger ones), the samples
    held out and the batches: cells of one seed differ in nothing but what their fields say.

    Raises SuiteError for an optimiser that needs a learning rate, and for more watched test samples than there are.
    """

    def __init__(self, config: TrainingConfig, run: Run, models: tuple[str, ...]) -> None:
        self.config, self.run = config, run
        dataset = run.dataset(config.dataset)
        self._pool = resident(dataset.train, run.device)
        self.test = resident(dataset.test, run.device)
        if config.select == "test" and config.watched > len(self.test[1]):
            raise SuiteError(
                f"--watched {config.watched} of {len(self.test[1])} test samples", f"give at most {len(self.test[1])}"
            )
        self.objective = objective_of(config.loss)
        self.recipes = {model: recipe_of(config, run.architecture(model).entry.recipe) for model in models}
        bare = {model: untrained(model, dataset, "meta") for model in models}
        self._has_batch_norm = {
            model: any(isinstance(module, nn.BatchNorm2d) for module in bare[model].modules()) for model in models
        }

    @property
    def largest(self) -> int:
        """How many samples there are to train on."""
        return len(self._pool[1]) - (self.config.watched if self.config.select == "validation" else 0)

    @property
    def largest_eps(self) -> float:
        """The radius of a ball around an image that holds all images."""
        return 1.0 if self.config.norm == "linf" else float(self._pool[0][0].numel() ** 0.5)

    def check(self, cells: Iterable[Cell]) -> None:
        """Raises SuiteError where a cell cannot be trained; nothing is trained and nothing written."""
        rules = set()
        for cell in cells:
            check_strengths(self.config.norm, (cell.eps,))
            if cell.eps > self.largest_eps:
                raise SuiteError(
                    f"an l2 eps of {cell.eps:g} is wider than the set of all images, {self.largest_eps:.3g}",
                    f"write {cell.eps:g}/255",
                )
            self._check_size(cell)
            rules |= {(cell.model, cell.gradient)} if cell.eps else set()
        for model, gradient in sorted(rules):
            classifier = self.run.architecture(model).initial(0, self.run.device).eval()
            with torch.no_grad():  # a rule that cannot be applied may say so in a forward pass only
                self.run.gradient(gradient)(classifier)(as_pixels(self._pool[0][:2]))

    def train_data(self, cell: Cell) -> Data:
        """The cell's training samples."""
        images, labels = self._pool
        free = np.setdiff1d(np.arange(len(labels)), self._held_out(cell.seed))
        ids = torch.from_numpy(free[balanced(labels.cpu().numpy()[free], cell.samples, cell.seed)]).to(labels.device)
        return images[ids], labels[ids]

    def watched_data(self, cell: Cell) -> Data:
        """The samples whose adversarial loss decides on the epoch: held out from the training set, or of the test."""
        (images, labels), ids = self._pool, self._held_out(cell.seed)
        if self.config.select == "test":
            images, labels = self.test
            ids = balanced(labels.cpu().numpy(), self.config.watched, self.run.seed)
        chosen = torch.from_numpy(ids).to(labels.device)
        return images[chosen], labels[chosen]

    def initial(self, cell: Cell) -> Classifier:
        """The cell's model with its initial weights."""
        return self.run.architecture(cell.model).initial(cell.seed, self.run.device)

    def adversary(self, model: nn.Module, cell: Cell, attack: str | None = None) -> Adversary | None:
        """What crafts the cell's training samples, under its gradient rule; None for clean training.

        `attack`: another one than the config's, see `options.attack_call`.
        """
        crafter = self.run.gradient(cell.gradient)(model) if cell.eps else model
        return adversary_of(self.config, crafter, cell.eps, mode=self.config.attack_mode, attack=attack)

    def adversarial_loss(
        self, model: nn.Module, data: Data, eps: float, objective: Objective, attack: str | None = None
    ) -> tuple[float, float]:
        """Mean of the objective and accuracy on attacked samples in eval mode, with true gradients; eps 0: clean."""
        adversary = adversary_of(self.config, model, eps, objective=objective, attack=attack)
        return objective_mean(model, data, objective, adversary)

    def fit(
        self,
        cell: Cell,
        model: nn.Module,
        *,
        name: str = "",
        seed: int | None = None,
        attack: str | None = None,
        recipe: Recipe | None = None,
        watch: Watch | None = None,
        until: Callable[[History], bool] | None = None,
        select: bool = True,
    ) -> History:
        """Trains the model in place; it ends with the weights of the epoch of least watched adversarial loss.

        Called again after the end, it gives model and history back without training, until `forget`.

        Args:
            model: with the weights to begin from, see `initial`.
            name: of the part; the cell's where it is empty. It says all that the training depends on.
            seed: of batches and attacks, where it is not the cell's.
            attack: that crafts the training samples, where it is not the config's; what is watched stays.
            recipe: another one than the model's.
            watch: more to measure after each epoch, beside `watched_loss` and `watched_accuracy`.
            until: ends the training, see `suite.training.fit`.
            select: False leaves the model as the last epoch made it.
        """

        judges = self.watched_data(cell)

        def measured() -> Mapping[str, float]:
            loss, accuracy = self.adversarial_loss(model, judges, cell.eps, cross_entropy)
            return {WATCHED: loss, "watched_accuracy": accuracy, **(watch() if watch else {})}

        recipe = recipe or self.recipes[cell.model]
        with self.run.training(name or str(cell), recipe.epochs) as hooks:
            return fit(
                model,
                *self.train_data(cell),
                recipe,
                **hooks,
                seed=cell.seed if seed is None else seed,
                objective=self.objective,
                adversary=self.adversary(model, cell, attack),
                watch=measured,
                select=WATCHED if select else None,
                until=until,
            )

    def forget(self, name: object) -> None:
        """Removes the state of a training that is stored and whose model nobody needs any more."""
        remove_checkpoint(self.run.checkpoint(str(name)))

    def rows(self, cell: Cell, history: History) -> dict[str, list[Any]]:
        """A row per epoch: the cell, learning rate, running training loss, what was watched, which was selected."""
        columns = history.columns(asdict(cell))
        chosen = selected(history)
        columns["selected"] = [epoch is chosen for epoch in history.epochs]
        columns["diverged"] = [history.diverged] * len(history.epochs)
        return columns

    def ending(self, cell: Cell, model: nn.Module) -> dict[str, float]:
        """Of a finished training's model, in eval mode: its losses on whole sets.

        `clean_test_loss` and `clean_test_accuracy` (cross-entropy), `clean_test_objective` (the objective without
        attack, which is another number for MART alone), `attacked_train_loss`: the objective on its training samples
        under attack with true gradients, the R_hat(theta_hat, eps) of Xing et al.'s definition.
        """
        clean = evaluate(model, *self.test)
        return {
            "clean_test_loss": clean.loss,
            "clean_test_accuracy": clean.accuracy,
            "clean_test_objective": self.adversarial_loss(model, self.test, 0.0, self.objective)[0],
            "attacked_train_loss": self.adversarial_loss(model, self.train_data(cell), cell.eps, self.objective)[0],
        }

    def _held_out(self, seed: int) -> Ids:
        count = self.config.watched if self.config.select == "validation" else 0
        return balanced(self._pool[1].cpu().numpy(), count, seed)

    def _check_size(self, cell: Cell) -> None:
        if self.largest < 1:
            raise SuiteError(
                f"--watched {self.config.watched} of {len(self._pool[1])} training samples leaves none to train on",
                "give a smaller number",
            )
        if cell.samples > self.largest:
            taken = f", {self.config.watched} held out" if self.config.select == "validation" else ""
            raise SuiteError(
                f"{cell.samples} training samples of {self.config.dataset}, which has {len(self._pool[1])}{taken}",
                f"give at most {self.largest}",
            )
        batch_size = self.recipes[cell.model].batch_size
        if cell.samples % batch_size == 1 and self._has_batch_norm[cell.model]:
            raise SuiteError(
                f"{cell.model}: batch norm cannot train on the last batch of one sample "
                f"({cell.samples} in {batch_size}s)",
                "choose another number of training samples",
            )


def selected(history: History) -> Epoch:
    """The epoch of least watched adversarial loss."""
    return history.best(WATCHED)
