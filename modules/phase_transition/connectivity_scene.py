"""The trainings of `phase_transition.connectivity` and what is measured between them."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from modules.phase_transition.curve import (
    CurveObjective,
    Surface,
    Weights,
    coefficients,
    combine,
    parameters_of,
    segment,
)
from modules.phase_transition.trainings import Cell, Trainings, selected
from modules.phase_transition.weight_plane import Plane, plane_through
from suite.data import balanced
from suite.errors import SuiteError
from suite.training import History, evaluate
from suite.training.batches import Data

if TYPE_CHECKING:
    from modules.phase_transition.connectivity import ConnectivityConfig
    from suite.host.run import Run

POINTS = 61  # along each path, both ends among them (Garipov et al. 2018's code)
Columns = dict[str, Any]


class Scene:
    """The models of a run by seed: a clean one, an adversarial one for each strength, and the curves between.

    Models stay in their checkpoints until all that is measured on them is stored.

    Raises SuiteError where one of them cannot be trained, before any training.
    """

    def __init__(self, config: "ConnectivityConfig", run: "Run") -> None:
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
        return self.run.once(f"start seed {seed}", lambda: self.told("start", self.cell(seed, 0.0), *self.clean(seed)))

    def connect(self, seed: int, eps: float) -> dict[str, Columns]:
        """Trains the adversarial model of a strength and the curve to it; columns by table."""
        link = _Link(self, seed, eps)
        parts: dict[str, Callable[[], Columns]] = {"ends": link.end_row, "paths": link.paths}
        if seed == self.config.seed:
            parts |= {"plane": link.plane, "marks": link.marks}
        columns = {name: self.run.once(f"{name} {link.name}", compute) for name, compute in parts.items()}
        for kind in ("end", "curve"):
            self.trainings.forget(f"{kind} {link.name}")
        return columns

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

    def told(self, end: str, cell: Cell, model: nn.Module, history: History) -> Columns:
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


class _Link:
    """The way from a seed's clean model to the adversarial one of a strength; nothing is trained until it is asked."""

    def __init__(self, scene: Scene, seed: int, eps: float) -> None:
        self.scene, self.seed = scene, seed
        self.cell = scene.cell(seed, eps)
        self.name = str(self.cell)

    def end_row(self) -> Columns:
        """The adversarial model: a row."""
        return self.scene.told("end", self.cell, *self._end)

    def paths(self) -> Columns:
        """Loss and accuracy at POINTS points of the curve and the segment; none where one of the three diverged."""
        t = torch.linspace(0, 1, POINTS, dtype=torch.float64)
        rows = []
        for path, points in (("curve", coefficients(self.scene.config.curve, t)), ("segment", segment(t))):
            found = [self._surface.at(point) for point in points] if self._connected else []
            rows += [
                {"eps": self.cell.eps, "seed": self.seed, "path": path, "t": place, "loss": loss, "accuracy": accuracy}
                for place, (loss, accuracy) in zip(t.tolist(), found, strict=False)
            ]
        return _columns(rows, "eps", "seed", "path", "t", "loss", "accuracy")

    def plane(self) -> Columns:
        """Loss on the grid; x and y are distances in weight space."""
        names = ("eps", "x", "y", "loss", "accuracy")
        if not self._connected:
            return _columns([], *names)
        plane = self._plane
        grid = plane.grid(self.scene.config.grid)
        found = [self._surface.at(point) for point in plane.coefficients(grid)]
        places = self._places(grid)
        rows = [(self.cell.eps, *xy, *told) for xy, told in zip(places, found, strict=True)]
        return _columns([dict(zip(names, row, strict=True)) for row in rows], *names)

    def marks(self) -> Columns:
        """Where the three models are on the plane, and the curve."""
        names = ("eps", "what", "x", "y")
        if not self._connected:
            return _columns([], *names)
        curve = coefficients(self.scene.config.curve, torch.linspace(0, 1, POINTS, dtype=torch.float64))
        points = torch.cat([torch.eye(3, dtype=torch.float64), curve])
        what = ["start", "middle", "end", *["curve"] * POINTS]
        rows = zip(what, self._places(self._plane.coordinates(points)), strict=True)
        return _columns([{"eps": self.cell.eps, "what": w, "x": x, "y": y} for w, (x, y) in rows], *names)

    @cached_property
    def _start(self) -> tuple[nn.Module, History]:
        return self.scene.clean(self.seed)

    @cached_property
    def _end(self) -> tuple[nn.Module, History]:
        """Of other batches than the clean model: at eps 0 it would be the same one else."""
        other = int(np.random.SeedSequence((self.seed, 1)).generate_state(1)[0])
        initial = self.cell if self.scene.config.initialisation == "shared" else replace(self.cell, seed=other)
        model = self.scene.trainings.initial(initial)
        return self.scene.trained(f"end {self.name}", self.cell, model, other)

    @cached_property
    def _connected(self) -> bool:
        """Whether both ends and the middle are models."""
        return not (self._start[1].diverged or self._end[1].diverged or self._bend[1].diverged)

    @cached_property
    def _ends(self) -> tuple[Weights, Weights]:
        return parameters_of(self._start[0]), parameters_of(self._end[0])

    @cached_property
    def _bend(self) -> tuple[Weights, History]:
        """The middle point, trained from half-way between the ends."""
        scene, (start, end) = self.scene, self._ends
        model = scene.trainings.initial(self.cell)
        half = combine(torch.tensor([0.5, 0.0, 0.5]).to(scene.run.device), start, start, end)
        model.load_state_dict(half, strict=False)
        history = scene.run.fit(
            f"curve {self.name}",
            model,
            scene.trainings.train_data(self.cell),
            scene.curve_recipe,
            seed=self.seed,
            objective=CurveObjective(scene.config.curve, start, end, scene.decay),
        )
        return parameters_of(model), history

    @cached_property
    def _surface(self) -> Surface:
        start, end = self._ends
        scratch = self.scene.trainings.initial(self.cell)
        return Surface(scratch, start, self._bend[0], end, self.scene.loss_data(self.seed))

    @cached_property
    def _plane(self) -> Plane:
        start, end = self._ends
        return plane_through(start, self._bend[0], end)

    def _places(self, coordinates: Tensor) -> list[list[float]]:
        lengths = torch.tensor([self._plane.width, self._plane.height], dtype=torch.float64)
        places: list[list[float]] = (coordinates * lengths).tolist()
        return places


def _columns(rows: list[dict[str, Any]], *names: str) -> Columns:
    return {name: [row[name] for row in rows] for name in names}
