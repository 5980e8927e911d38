"""`phase_transition.epsilon_star` measured: a clean training and some adversarial ones for each kind and seed."""

import re
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import polars as pl

from modules.phase_transition.crossing import next_strength
from modules.phase_transition.crossings import crossings, found
from modules.phase_transition.epsilon_star.config import EpsilonStarConfig
from modules.phase_transition.trainings import Cell, Trainings
from suite.measuring import Run


@dataclass(frozen=True)
class Kind:
    """Trainings that have an eps_star in common."""

    model: str
    samples: int
    gradient: str


def measure(config: EpsilonStarConfig, run: Run) -> None:
    """Trains from scratch at given strengths, and on by bisection (Xing et al. 2022, Sec. 5, Table 1, 3).

    Raw table `epochs`: a row per epoch of each training; what is measured of the model that is selected stands in its
    epoch alone.

    Raises SuiteError where one of the trainings that are known beforehand cannot be done, before any of them.
    """
    trainings = Trainings(config, run, config.model)
    sizes = config.train_limit or (trainings.largest,)
    seeds = range(config.seed, config.seed + config.seeds)
    kinds = [Kind(model, n, gradient) for model in config.model for n in sizes for gradient in config.gradient]
    cells = [Cell(model, n, "", 0.0, seed) for model in config.model for n in sizes for seed in seeds]
    cells += [Cell(**asdict(kind), eps=eps, seed=seed) for kind in kinds for seed in seeds for eps in config.eps]
    trainings.check(cells)
    grown = _Epochs(config, run, trainings)
    for cell in run.track(cells, "trainings"):
        grown.train(cell)
    for kind in kinds if config.search == "bisect" else ():
        for seed in seeds:
            grown.bisect(kind, seed)
    grown.end()
    run.record(
        recipes={model: asdict(recipe) for model, recipe in trainings.recipes.items()},
        samples={"watched": config.watched, "test": len(trainings.test[1])},
        seconds=grown.seconds,
    )


class _Epochs:
    """The table of epochs as it grows, and the trainings behind it.

    `seconds`: how long those took that this process did.
    """

    def __init__(self, config: EpsilonStarConfig, run: Run, trainings: Trainings) -> None:
        self.config, self.run, self.trainings = config, run, trainings
        self.seconds: dict[str, float] = {}
        self._selected: dict[Cell, pl.DataFrame] = {}

    def train(self, cell: Cell) -> None:
        """Trains a cell, or continues it."""
        columns = self.run.once(str(cell), partial(self._rows, cell))
        self.run.table("epochs").extend(columns)
        self._selected[cell] = pl.DataFrame(columns).filter("selected")
        if not self.config.keep_models:
            self.trainings.forget(cell)

    def bisect(self, kind: Kind, seed: int) -> None:
        """Trains at further strengths until the seed's crossing is bracketed narrowly, or there is none to find."""
        while True:
            there = [cell for cell in self._selected if _belongs(cell, kind, seed)]
            losses = pl.concat([self._selected[cell] for cell in there], how="vertical_relaxed")
            running = crossings(losses, self.config.loss).row(0, named=True)
            strength = next_strength(found(running), self.config.tolerance, self.trainings.largest_eps)
            # A strength that was tried and diverged leaves the bracket as it was.
            if strength is None or strength in {cell.eps for cell in there}:
                return
            self.train(Cell(**asdict(kind), eps=strength, seed=seed))

    def end(self) -> None:
        """Stores the models that are to be kept, in the order of training, and gives up what trainings held on to."""
        for cell in self._selected if self.config.keep_models else ():
            model = self.trainings.initial(cell)
            self.trainings.fit(cell, model)  # the end of that training, or where that was given up, it again
            self.run.save_model(model_name(cell), model)
        for cell in self._selected:
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


def _belongs(cell: Cell, kind: Kind, seed: int) -> bool:
    same = (cell.model, cell.samples, cell.seed) == (kind.model, kind.samples, seed)
    return same and cell.gradient in ("", kind.gradient)
