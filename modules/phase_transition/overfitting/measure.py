"""`phase_transition.overfitting` measured: clean training, and adversarial training by many steps and by one."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import nan
from typing import Any, Literal

import torch
from torch import nn

from modules.phase_transition.overfitting.config import OverfittingConfig
from modules.phase_transition.trainings import Cell, Trainings
from suite.attacks import Adversary, Settings, robustness
from suite.data import balanced
from suite.errors import SuiteError
from suite.measuring import Run
from suite.training import ONE_STEP, Collapse, Recipe, evaluate
from suite.training.batches import Data

MANY_STEPS = "watched_accuracy"  # what Trainings.fit watches, under the config's attack
RULE = Collapse(many=MANY_STEPS, one=ONE_STEP)

Kind = Literal["clean", "many steps", "one step"]


def measure(config: OverfittingConfig, run: Run) -> None:
    """Trains over many epochs, for the gap and for the collapse of one-step training (Xing et al. 2022, Sec. 5.2).

    Raw tables: `epochs`, a row per training and epoch; `onsets`, a row per adversarial training, with the epoch in
    which it collapsed (none where it did not) and whether that took away robustness that had been there.
    """
    courses = Courses(config, run)
    for part in run.track(courses.parts, "trainings"):
        columns = run.once(str(part), partial(courses.rows, part))
        run.table("epochs").extend(columns)
        if part.cell.eps:
            many, one = columns[MANY_STEPS], columns[ONE_STEP]
            at, cell = RULE.first(many, one), part.cell
            onset = {"epoch": None if at is None else at + 1, "fell": RULE.fell(many, one)}
            run.table("onsets").add(kind=part.kind, samples=cell.samples, eps=cell.eps, seed=cell.seed, **onset)
        courses.forget(part)
    run.record(**courses.facts)


@dataclass(frozen=True)
class Part:
    """One training; `str()` names it within its run."""

    kind: Kind
    cell: Cell

    def __str__(self) -> str:
        return f"{self.kind} {self.cell}"


class Courses:
    """All trainings of a run, and what is measured after each of their epochs.

    Raises SuiteError where one of them cannot be trained, before any training.
    """

    def __init__(self, config: OverfittingConfig, run: Run) -> None:
        self.config = config
        self.trainings = Trainings(config, run, (config.model,))
        self.recipe = self.trainings.recipes[config.model]
        self.reference = config.reference or _reference(self.recipe)
        if self.reference > self.recipe.epochs:
            raise SuiteError(f"--reference {self.reference} of {self.recipe.epochs} epochs", "give more --epochs")
        self.parts = [
            Part(kind, Cell(config.model, samples, config.gradient if eps else "", eps, seed))
            for samples in config.train_limit or (self.trainings.largest,)
            for seed in range(config.seed, config.seed + config.seeds)
            for kind, strengths in self._strengths.items()
            for eps in strengths
        ]
        self.trainings.check([part.cell for part in self.parts])
        self.test = _sample(self.trainings.test, config.test_limit, run.seed)
        self.seconds: dict[str, float] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """For the record: the recipe, sizes, the rule of collapse, and how long the trainings of this process took."""
        return {
            "recipe": asdict(self.recipe),
            "samples": {"test": len(self.test[1]), "watched": self.config.watched},
            "reference_epoch": self.reference,
            "collapse": asdict(RULE),
            "seconds": self.seconds,
        }

    def rows(self, part: Part) -> dict[str, list[Any]]:
        """Trains a part, or continues it: a row per epoch."""
        begin, cell, fast = time.perf_counter(), part.cell, part.kind == "one step"
        model = self.trainings.initial(cell)
        trained_on = _sample(self.trainings.train_data(cell), self.config.test_limit, cell.seed)
        watched = self.trainings.watched_data(cell)
        history = self.trainings.fit(
            cell,
            model,
            name=str(part),
            attack=self.config.fast if fast else None,
            watch=lambda: self._watched(part, model, trained_on, watched),
            until=RULE if fast and self.config.stop else None,
            select=False,
        )
        self.seconds[str(part)] = round(time.perf_counter() - begin, 3)
        epochs = len(history.epochs)
        rows = {"kind": [part.kind] * epochs, **self.trainings.rows(cell, history)}
        return rows | {name: [None] * epochs for name in self._not_measured(part)}

    def forget(self, part: Part) -> None:
        """Removes the state of a training whose rows are stored."""
        self.trainings.forget(part)

    @property
    def _strengths(self) -> Mapping[Kind, tuple[float, ...]]:
        return {"clean": (0.0,), "many steps": self.config.eps, "one step": self.config.fast_eps}

    def _watched(self, part: Part, model: nn.Module, trained_on: Data, watched: Data) -> dict[str, float]:
        """Losses on test samples and on as many training samples, for the gap; for the collapse, accuracy at one step.

        NaN stands for what is not measured.
        """
        trainings, cell = self.trainings, part.cell
        clean = evaluate(model, *self.test)
        robust = one_step = nan
        if part.kind != "one step":
            robust, _ = trainings.adversarial_loss(model, self.test, cell.eps, trainings.objective)
        if cell.eps:
            once = Adversary(model, cell.eps, Settings(1, cell.eps, self.config.norm), start="image")
            one_step = robustness(model, *watched, once).accuracy
        return {
            "robust_test_loss": robust,
            "clean_test_loss": clean.loss,
            "clean_test_accuracy": clean.accuracy,
            "clean_train_loss": evaluate(model, *trained_on).loss,
            ONE_STEP: one_step,
        }

    @staticmethod
    def _not_measured(part: Part) -> tuple[str, ...]:
        """What nobody reads: the robust test loss of one-step training, and an attack on clean training."""
        return ("robust_test_loss",) if part.kind == "one step" else () if part.cell.eps else (ONE_STEP,)


def _reference(recipe: Recipe) -> int:
    """The first epoch after the learning rate's first fall; 101 of Rice et al.'s 200."""
    return min(recipe.epochs, 1 + (recipe.milestones[0] if recipe.milestones else recipe.epochs // 2))


def _sample(data: Data, limit: int | None, seed: int) -> Data:
    images, labels = data
    if limit is None or limit >= len(labels):
        return data
    ids = torch.from_numpy(balanced(labels.cpu().numpy(), limit, seed)).to(labels.device)
    return images[ids], labels[ids]
