"""`phase_transition.fine_tune` measured: of each seed a clean training, fine-tunings of it, some from scratch."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import isfinite, nan
from typing import Any, Literal

from modules.phase_transition.fine_tune.config import FineTuneConfig
from modules.phase_transition.options import attack_call
from modules.phase_transition.trainings import Cell, Trainings
from suite.measuring import Run

SHARE = 5  # a fine-tuning takes a fifth of the epochs: 40 of 200 (Xing et al., App. A)
How = Literal["clean", "from scratch", "fine-tuned"]


def measure(config: FineTuneConfig, run: Run) -> None:
    """Trains clean, fine-tunes adversarially and trains from scratch (Xing et al. 2022, Algorithm A.1, Table 4).

    Raw table: `epochs`, one row per training and epoch.
    """
    tunings = FineTunings(config, run)
    for seed in tunings.seeds:
        for part in run.track(tunings.parts(seed), f"trainings of seed {seed}"):
            run.table("epochs").extend(tunings.train(part))
        tunings.forget(seed)
    run.record(**tunings.facts)


@dataclass(frozen=True)
class Part:
    """One training: of a cell, begun from initial or from the clean model's weights, under an inner attack."""

    how: How
    cell: Cell
    attack: str = ""

    def __str__(self) -> str:
        return f"{self.how} {self.cell} {self.attack}".rstrip()


class FineTunings:
    """All trainings of a run by seed; what they share is made once.

    The clean model of a seed stays in its checkpoint until the seed's last training is stored.

    Raises SuiteError where one of them cannot be trained, before any training.
    """

    def __init__(self, config: FineTuneConfig, run: Run) -> None:
        self.config, self.run = config, run
        self.trainings = Trainings(config, run, (config.model,))
        self.samples = config.train_limit or self.trainings.largest
        recipe = self.trainings.recipes[config.model]
        epochs = config.tune_epochs or max(1, round(recipe.epochs / SHARE))
        self.tuning = replace(recipe, epochs=epochs, schedule="rise-fall", peak=config.rise, milestones=(), period=None)
        self.seeds = range(config.seed, config.seed + config.seeds)
        self.trainings.check([part.cell for seed in self.seeds for part in self.parts(seed)])
        self.seconds: dict[str, float | None] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """For the record: recipes, sizes, and the seconds that each training took, None where they are not known."""
        return {
            "recipe": asdict(self.trainings.recipes[self.config.model]),
            "fine_tuning": asdict(self.tuning),
            "samples": {
                "train": self.samples, "watched": self.config.watched, "test": len(self.trainings.test[1])
            },
            "seconds": self.seconds,
        }  # fmt: skip

    def parts(self, seed: int) -> Sequence[Part]:
        """The trainings of a seed: the clean one first, which the others begin from or are compared with."""
        config = self.config
        tunings = [
            Part("fine-tuned", self._cell(seed, eps, gradient), attack)
            for attack in config.tune_attacks
            for gradient in config.gradient
            for eps in config.eps
        ]
        scratch = [
            Part("from scratch", self._cell(seed, eps, config.gradient[0]), config.attack) for eps in config.scratch_eps
        ]
        return [self._clean(seed), *tunings, *(scratch if config.from_scratch else ())]

    def train(self, part: Part) -> dict[str, Any]:
        """Trains a part, or continues it: columns with a row per epoch."""
        columns = self.run.once(str(part), partial(self._rows, part))
        seconds = float(columns.pop("seconds")[0])
        self.seconds[str(part)] = seconds if isfinite(seconds) else None
        if part.how != "clean":
            self.trainings.forget(part)
        return columns

    def forget(self, seed: int) -> None:
        """Removes a seed's clean model, once all that begins from it is stored."""
        self.trainings.forget(self._clean(seed))

    def _rows(self, part: Part) -> dict[str, list[Any]]:
        """`passes`: gradients of one image's loss, in the steps of training, of its attack, and of the watched attack.

        `seconds` is unknown for a training that another process began.
        """
        cell, begun_here = part.cell, not self.run.checkpoint(str(part)).exists()
        model = self.trainings.initial(cell)
        if part.how == "fine-tuned":
            clean = self._clean(cell.seed)
            self.trainings.fit(clean.cell, model, name=str(clean))
        begin = time.perf_counter()
        history = self.trainings.fit(
            cell,
            model,
            name=str(part),
            recipe=self.tuning if part.how == "fine-tuned" else None,
            attack=part.attack or None,
        )
        seconds = time.perf_counter() - begin if begun_here else nan
        rows = self.trainings.rows(cell, history)
        epochs = len(history.epochs)
        ending = self.trainings.ending(cell, model)
        for name, value in ending.items():
            rows[name] = [value if selected else None for selected in rows["selected"]]
        named = {"part": str(part), "how": part.how, "attack": part.attack, "passes": self._passes(part) * epochs}
        return {**{name: [value] * epochs for name, value in named.items()}, **rows, "seconds": [seconds] * epochs}

    def _passes(self, part: Part) -> int:
        """Of one epoch."""
        inner = _steps(part.attack) if part.cell.eps else 0
        judged = _steps(self.config.attack) if part.cell.eps else 0
        return self.samples * (1 + inner) + len(self.trainings.watched_data(part.cell)[1]) * judged

    def _clean(self, seed: int) -> Part:
        return Part("clean", self._cell(seed, 0.0, ""))

    def _cell(self, seed: int, eps: float, gradient: str) -> Cell:
        return Cell(self.config.model, self.samples, gradient, eps, seed)


def _steps(attack: str) -> int:
    return int(attack_call(attack).arguments.get("steps", 1))
