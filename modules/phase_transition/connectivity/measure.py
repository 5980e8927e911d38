"""`phase_transition.connectivity` measured: losses on the way in weight space from a clean to an adversarial model.

A curve with one trained middle point leads from the clean model to the adversarial one (Garipov et al. 2018). Measured
is the clean training loss along it, along the straight segment, and on the plane through the three models.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from modules.phase_transition.connectivity.config import ConnectivityConfig
from modules.phase_transition.connectivity.curve import (
    CurveObjective,
    Surface,
    Weights,
    coefficients,
    combine,
    parameters_of,
    segment,
)
from modules.phase_transition.connectivity.models import Columns, Models
from modules.phase_transition.connectivity.weight_plane import Plane, plane_through
from suite.measuring import Run
from suite.training import Evaluation, History, fit

POINTS = 61  # along each path, both ends among them (Garipov et al. 2018's code)


def measure(config: ConnectivityConfig, run: Run) -> None:
    """Trains clean and adversarial models and curves between them (Xing et al. 2022, Sec. 5.2, Fig. 4).

    Raw tables: `ends`, a row per model; `paths`, a row per place on each path; of the first seed `plane`, a row per
    point of the grid, and `marks`, where the models and the curve are on it.
    """
    models = Models(config, run)
    for seed in run.track(models.seeds, "seeds"):
        run.table("ends").extend(models.start(seed))
        for eps in run.track(config.eps, "strengths"):
            for name, columns in _connect(run, Link(models, seed, eps), pictured=seed == config.seed).items():
                run.table(name).extend(columns)
        models.forget(seed)
    run.record(**models.facts)


def _connect(run: Run, link: "Link", *, pictured: bool) -> dict[str, Columns]:
    """Trains the adversarial model of a strength and the curve to it; columns by table."""
    parts: dict[str, Callable[[], Columns]] = {"ends": link.end_row, "paths": link.paths}
    if pictured:
        parts |= {"plane": link.plane, "marks": link.marks}
    columns = {name: run.once(f"{name} {link.name}", compute) for name, compute in parts.items()}
    for kind in ("end", "curve"):
        link.models.trainings.forget(f"{kind} {link.name}")
    return columns


class Link:
    """The way from a seed's clean model to the adversarial one of a strength; nothing is trained until it is asked."""

    def __init__(self, models: Models, seed: int, eps: float) -> None:
        self.models, self.seed = models, seed
        self.cell = models.cell(seed, eps)
        self.name = str(self.cell)

    def end_row(self) -> Columns:
        """The adversarial model: a row."""
        return self.models.end_row("end", self.cell, *self._end)

    def paths(self) -> Columns:
        """Loss and accuracy at POINTS points of the curve and the segment; none where one of the three diverged."""
        t = torch.linspace(0, 1, POINTS, dtype=torch.float64)
        paths = {"curve": coefficients(self.models.config.curve, t), "segment": segment(t)} if self._connected else {}
        measured = [self._surface.at(point) for points in paths.values() for point in points]
        count = len(measured)
        return {
            "eps": [self.cell.eps] * count,
            "seed": [self.seed] * count,
            "path": [path for path in paths for _ in t],
            "t": t.tolist() * len(paths),
            **_evaluations(measured),
        }

    def plane(self) -> Columns:
        """Loss on the grid; x and y are distances in weight space."""
        if not self._connected:
            return {name: [] for name in ("eps", "x", "y", "loss", "accuracy")}
        grid = self._plane.grid(self.models.config.grid)
        measured = [self._surface.at(point) for point in self._plane.coefficients(grid)]
        return {"eps": [self.cell.eps] * len(grid), **self._places(grid), **_evaluations(measured)}

    def marks(self) -> Columns:
        """Where the three models are on the plane, and the curve."""
        if not self._connected:
            return {name: [] for name in ("eps", "what", "x", "y")}
        curve = coefficients(self.models.config.curve, torch.linspace(0, 1, POINTS, dtype=torch.float64))
        points = torch.cat([torch.eye(3, dtype=torch.float64), curve])
        what = ["start", "middle", "end", *["curve"] * POINTS]
        return {"eps": [self.cell.eps] * len(what), "what": what, **self._places(self._plane.coordinates(points))}

    @cached_property
    def _start(self) -> tuple[nn.Module, History]:
        return self.models.clean(self.seed)

    @cached_property
    def _end(self) -> tuple[nn.Module, History]:
        """Of other batches than the clean model: at eps 0 it would be the same one else."""
        other = int(np.random.SeedSequence((self.seed, 1)).generate_state(1)[0])
        initial = self.cell if self.models.config.initialisation == "shared" else replace(self.cell, seed=other)
        model = self.models.trainings.initial(initial)
        return self.models.trained(f"end {self.name}", self.cell, model, other)

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
        models, (start, end) = self.models, self._ends
        model = models.trainings.initial(self.cell)
        half = combine(torch.tensor([0.5, 0.0, 0.5]).to(models.run.device), start, start, end)
        model.load_state_dict(half, strict=False)
        name, recipe = f"curve {self.name}", models.curve_recipe
        objective = CurveObjective(models.config.curve, start, end, models.decay)
        with models.run.training(name, recipe.epochs) as hooks:
            data = models.trainings.train_data(self.cell)
            history = fit(model, *data, recipe, seed=self.seed, objective=objective, **hooks)
        return parameters_of(model), history

    @cached_property
    def _surface(self) -> Surface:
        start, end = self._ends
        scratch = self.models.trainings.initial(self.cell)
        return Surface(scratch, start, self._bend[0], end, self.models.loss_data(self.seed))

    @cached_property
    def _plane(self) -> Plane:
        start, end = self._ends
        return plane_through(start, self._bend[0], end)

    def _places(self, coordinates: Tensor) -> Columns:
        """Distances in weight space of points (N, 2) in units of the plane's axes."""
        lengths = torch.tensor([self._plane.width, self._plane.height], dtype=torch.float64)
        x, y = (coordinates * lengths).T.tolist()
        return {"x": x, "y": y}


def _evaluations(measured: Sequence[Evaluation]) -> Columns:
    return {"loss": [one.loss for one in measured], "accuracy": [one.accuracy for one in measured]}
