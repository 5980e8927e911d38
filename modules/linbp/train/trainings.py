"""A training for each model, factor, seed and gradient rule, alike in all but the rule."""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from modules.linbp.recipes import recipe_of
from modules.linbp.train.config import TrainConfig, format_factor
from modules.linbp.training import check_rule, entropy, initial_model
from suite.errors import SuiteError
from suite.measuring import Run
from suite.training import Recipe, evaluate, fit, remove_checkpoint, resident

LONGEST = 10**6  # epochs: beyond it a stretched training is a slip of the pen


@dataclass(frozen=True)
class Cell:
    """One training; `str()` names it within its run."""

    model: str
    factor: float
    seed: int
    gradient: str

    def __str__(self) -> str:
        return f"{self.model} x{format_factor(self.factor)} seed {self.seed} {self.gradient}"


class Trainings:
    """All trainings of one run, which share the data on the device and the recipes.

    Those of one model, factor and seed begin with the same weights and see the same batches in the same order.

    Raises SuiteError where a gradient rule cannot be applied to a model, before any training.
    """

    def __init__(self, config: TrainConfig, run: Run) -> None:
        self.run, self.config = run, config
        dataset = run.dataset(config.dataset)
        self.train = resident(dataset.train, run.device, limit=config.train_limit, seed=run.seed)
        self.test = resident(dataset.test, run.device, limit=config.test_limit, seed=run.seed)
        self.chance = entropy(self.train[1])
        self.cells = [
            Cell(model, factor, seed, gradient)
            for model in config.models
            for factor in config.factors
            for seed in range(config.seed, config.seed + config.seeds)
            for gradient in config.gradients
        ]
        self.recipes = {(cell.model, cell.factor): self._recipe(cell.model, cell.factor) for cell in self.cells}
        self.seconds: dict[str, float] = {}
        for model in config.models:
            for gradient in config.gradients:
                check_rule(run, model, gradient, self.train)

    @property
    def facts(self) -> dict[str, Any]:
        """For the record: recipes, sizes, the loss at chance, and how long the cells took that this process trained."""
        return {
            "recipes": {
                f"{model} x{format_factor(factor)}": asdict(recipe) for (model, factor), recipe in self.recipes.items()
            },
            "samples": {"train": len(self.train[1]), "test": len(self.test[1])},
            "chance_loss": self.chance,
            "seconds": self.seconds,
        }

    def curve(self, cell: Cell) -> dict[str, list[Any]]:
        """Trains a cell, or continues it: one row per epoch."""
        begin = time.perf_counter()
        model, recipe = initial_model(self.run, cell.model, cell.seed), self.recipes[cell.model, cell.factor]
        through = self.run.gradient(cell.gradient)(model)

        def watch() -> dict[str, float]:
            test = evaluate(model, *self.test)
            return {"test_loss": test.loss, "test_accuracy": test.accuracy}

        with self.run.training(str(cell), recipe.epochs) as hooks:
            backward_model = None if through is model else through
            history = fit(
                model, *self.train, recipe, seed=cell.seed, backward_model=backward_model, watch=watch, **hooks
            )
        self.seconds[str(cell)] = round(time.perf_counter() - begin, 3)
        return history.columns(asdict(cell))

    def forget(self, cell: Cell) -> None:
        """Removes the state of a training whose rows are stored."""
        remove_checkpoint(self.run.checkpoint(str(cell)))

    def _recipe(self, model: str, factor: float) -> Recipe:
        recipe = recipe_of(self.run.architecture(model), self.config.protocol)
        epochs = self.config.epochs or recipe.epochs
        if self.config.stretch and factor < 1:
            epochs = round(epochs / factor)
            if epochs > LONGEST:
                what = f"--stretch trains {format_factor(factor)} x learning rate for {epochs:.0e} epochs"
                raise SuiteError(what, f"give factors that need at most {LONGEST}")
        return replace(recipe, epochs=epochs, learning_rate=recipe.learning_rate * factor)
