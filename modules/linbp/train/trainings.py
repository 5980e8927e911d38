"""A training for each model, factor, seed and gradient rule, alike in all but the rule."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from modules.linbp.recipes import recipe_of
from modules.linbp.train.config import TrainConfig, format_factor
from modules.linbp.training import check_rule, fitted, initial_model
from suite.errors import SuiteError
from suite.measuring import Run
from suite.training import Recipe, evaluate, resident

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
        self.cells = [
            Cell(model, factor, seed, gradient)
            for model in config.models
            for factor in config.factors
            for seed in range(config.seed, config.seed + config.seeds)
            for gradient in config.gradients
        ]
        self.recipes = {(cell.model, cell.factor): self._recipe(cell.model, cell.factor) for cell in self.cells}
        for model in config.models:
            for gradient in config.gradients:
                check_rule(run, model, gradient, self.train)

    def curve(self, cell: Cell) -> dict[str, list[Any]]:
        """Trains a cell, or continues it: one row per epoch."""
        model, rule = initial_model(self.run, cell.model, cell.seed), self.run.gradient(cell.gradient)

        def watch() -> dict[str, float]:
            test = evaluate(model, *self.test)
            return {"test_loss": test.loss, "test_accuracy": test.accuracy}

        recipe = self.recipes[cell.model, cell.factor]
        history = fitted(self.run, cell, model, rule, self.train, recipe, seed=cell.seed, watch=watch)
        return history.columns(asdict(cell))

    def _recipe(self, model: str, factor: float) -> Recipe:
        recipe = recipe_of(self.run.architecture(model), self.config.protocol)
        epochs = self.config.epochs or recipe.epochs
        if self.config.stretch and factor < 1:
            epochs = round(epochs / factor)
            if epochs > LONGEST:
                what = f"--stretch trains {format_factor(factor)} x learning rate for {epochs:.0e} epochs"
                raise SuiteError(what, f"give factors that need at most {LONGEST}")
        return replace(
            recipe,
            epochs=epochs,
            learning_rate=recipe.learning_rate * factor,
            bfloat16=self.config.bfloat16,
            channels_last=self.config.channels_last,
        )
