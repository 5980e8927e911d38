"""The cells of `linbp.train`: a training for each model, factor, seed and gradient rule, alike in all but the rule."""

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from modules.linbp.recipes import recipe_of
from modules.linbp.training import beginning, check_rule, entropy
from suite.errors import SuiteError
from suite.training import Recipe, evaluate, remove_checkpoint, resident

if TYPE_CHECKING:
    from modules.linbp.train import TrainConfig
    from suite.host.run import Run


LONGEST = 10**6  # epochs: beyond it a stretched training is a slip of the pen


def format_factor(factor: float) -> str:
    """A factor in all its digits, since it tells trainings apart: 10, 0.1."""
    return repr(factor).removesuffix(".0")


@dataclass(frozen=True)
class Cell:
    """One training; `str()` names it within its run."""

    model: str
    factor: float
    seed: int
    gradient: str

    def __str__(self) -> str:
        return f"{self.model} x{format_factor(self.factor)} seed {self.seed} {self.gradient}"


class Scene:
    """What the cells of one run share: data on the device and recipes.

    Raises SuiteError where a gradient rule cannot be applied to a model, before any training.
    """

    def __init__(self, config: "TrainConfig", run: "Run") -> None:
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
        model = beginning(self.run, cell.model, cell.seed)

        def watch() -> dict[str, float]:
            test = evaluate(model, *self.test)
            return {"test_loss": test.loss, "test_accuracy": test.accuracy}

        recipe, rule = self.recipes[cell.model, cell.factor], self.run.gradient(cell.gradient)
        history = self.run.fit(str(cell), model, self.train, recipe, seed=cell.seed, gradient=rule, watch=watch)
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
