"""The trainings of `phase_transition.epsilon_star`: a clean one and some adversarial ones for each kind and seed."""

import re
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from modules.phase_transition.crossing import next_strength
from modules.phase_transition.epsilon_star_tables import crossings, found, losses
from modules.phase_transition.trainings import Cell, Trainings

if TYPE_CHECKING:
    from modules.phase_transition.epsilon_star import EpsilonStarConfig
    from suite.host.run import Run


@dataclass(frozen=True)
class Kind:
    """Trainings that have an eps_star in common."""

    model: str
    samples: int
    gradient: str


class Scene:
    """All trainings of a run, by kind, seed and strength; those of the grid are known beforehand.

    Raises SuiteError where one of them cannot be trained, before any training.
    """

    def __init__(self, config: "EpsilonStarConfig", run: "Run") -> None:
        self.config, self.run = config, run
        self.trainings = Trainings(config, run, config.model)
        sizes = config.train_limit or (self.trainings.largest,)
        self.kinds = [Kind(m, n, gradient) for m in config.model for n in sizes for gradient in config.gradient]
        self.seeds = range(config.seed, config.seed + config.seeds)
        clean = [Cell(m, n, "", 0.0, seed) for m in config.model for n in sizes for seed in self.seeds]
        attacked = [
            Cell(**asdict(kind), eps=eps, seed=seed) for kind in self.kinds for seed in self.seeds for eps in config.eps
        ]
        self.cells = clean + attacked
        self.trainings.check(self.cells)
        self.trained: list[Cell] = []
        self.seconds: dict[str, float] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """For the record: recipes, sizes, and how long the trainings took that this process did."""
        return {
            "recipes": {model: asdict(recipe) for model, recipe in self.trainings.recipes.items()},
            "samples": {"watched": self.config.watched, "test": len(self.trainings.test[1])},
            "seconds": self.seconds,
        }

    def train(self, cell: Cell) -> None:
        """Trains a cell, or continues it: rows of the table of epochs."""
        self.run.table("epochs").extend(self.run.once(str(cell), partial(self._rows, cell)))
        self.trained.append(cell)
        if not self.config.keep_models:
            self.trainings.forget(cell)

    def bisect(self, kind: Kind, seed: int) -> None:
        """Trains at further strengths until the seed's crossing is bracketed narrowly, or there is none to find."""
        while True:
            rows = [row for row in self.run.table("epochs").rows() if _belongs(row, kind, seed)]
            running = next(crossings(losses(rows), self.config.loss))
            strength = next_strength(found(running), self.config.tolerance, self.trainings.largest_eps)
            # A strength that was tried and diverged leaves the bracket as it was.
            if strength is None or strength in {row["eps"] for row in rows}:
                return
            self.train(Cell(**asdict(kind), eps=strength, seed=seed))

    def end(self) -> None:
        """Stores the models that are to be kept, in the order of training, and gives up what trainings held on to."""
        for cell in self.trained if self.config.keep_models else ():
            model = self.trainings.initial(cell)
            self.trainings.fit(cell, model)  # the end of that training, or where that was given up, it again
            self.run.save_model(model_name(cell), model)
        for cell in self.trained:
            self.trainings.forget(cell)

    def _rows(self, cell: Cell) -> dict[str, list[Any]]:
        begin = time.perf_counter()
        model = self.trainings.initial(cell)
        history = self.trainings.fit(cell, model)
        rows = self.trainings.rows(cell, history)
        ending = self.trainings.ending(cell, model)
        for name, value in ending.items():
            rows[name] = [value if selected else None for selected in rows["selected"]]
        self.seconds[str(cell)] = round(time.perf_counter() - begin, 3)
        return rows


def model_name(cell: Cell) -> str:
    """The cell's name where it has to be one of a file."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", str(cell)).strip("-.")


def _belongs(row: dict[str, Any], kind: Kind, seed: int) -> bool:
    same = (row["model"], row["samples"], row["seed"]) == (kind.model, kind.samples, seed)
    return same and row["gradient"] in ("", kind.gradient)
