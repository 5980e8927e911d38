"""The work behind `pgd_dynamics.escape`: networks by seed, scale and epoch, their local minima and the ascents."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from modules.pgd_dynamics.image_ascent import (
    Climb,
    StepRule,
    ascend,
    dots,
    norms,
    onto_sphere,
    tangential,
    value_and_gradient,
)
from modules.pgd_dynamics.image_networks import (
    cross_entropy,
    from_margin,
    initial_network,
    margin,
    mean_norm,
    pgd_adversary,
)
from modules.pgd_dynamics.local_maxima import check_kinked, check_smooth, descend
from suite import data
from suite.attacks import ball_noise
from suite.errors import WorkFailed
from suite.models import Classifier
from suite.training import History, as_pixels, fit, remove_checkpoint, resident

if TYPE_CHECKING:
    from modules.pgd_dynamics.escape import EscapeConfig
    from suite.host.run import Run

PART = 64  # samples at once, each with all its ratios
KINK_ANGLE = 0.02  # of the perturbation check, radians
KINK_PROBES = 16
_START, _PUSH, _PROBE = 0, 1, 2  # the independent draws of a sample


@dataclass(frozen=True)
class Cell:
    """One network: `str()` names it within its run. epoch 0 is the initial one."""

    seed: int
    scale: float
    epoch: int

    def __str__(self) -> str:
        return f"seed {self.seed} scale {self.scale!r} epoch {self.epoch}"


@dataclass(frozen=True)
class Rows:
    """R starts: every sample of a part under every ratio, ratio after ratio. base: scaled images; push: unit noise."""

    base: Tensor
    labels: Tensor
    radius: Tensor
    ratios: np.ndarray
    ids: np.ndarray

    def at(self, chosen: np.ndarray) -> "Rows":
        """The chosen rows."""
        places = torch.from_numpy(np.flatnonzero(chosen)).to(self.radius.device)
        return Rows(self.base[places], self.labels[places], self.radius[places], self.ratios[chosen], self.ids[chosen])


class Scene:
    """What all cells of a run share.

    Attributes:
        cells: networks, in the order of work; ways: (step rule, gradient rule) of the ascents.
        ids: (N,) attacked test samples; mean_norm: of the training images, in pixels.

    Raises:
        SuiteError: softplus for a model that cannot have it; a gradient rule that does not fit.
    """

    def __init__(self, config: "EscapeConfig", run: "Run") -> None:
        self.config, self.run = config, run
        dataset = run.dataset(config.dataset)
        self.train_split, self.test = dataset.train, dataset.test
        self.ids = data.sample(dataset.test, config.samples, config.seed)
        self.mean_norm = mean_norm(dataset.train)
        self.recipe = replace(run.architecture(config.model).entry.recipe, schedule="constant", augment="none")
        self.ways = [
            (rule, gradient) for rule in config.step_rules for gradient in dict.fromkeys(("bp", config.gradient))
        ]
        self.cells = [
            Cell(seed, scale, epoch)
            for seed in range(config.seed, config.seed + config.seeds)
            for scale in config.scales
            for epoch in sorted({0, *config.epochs})
        ]
        self._networks: dict[Cell, tuple[Classifier, History]] = {}
        probe = self._initial(config.seed)
        with torch.no_grad():
            self._rule(config.gradient, probe.eval())(self.test.pixels(self.ids[:2], run.device))

    @property
    def facts(self) -> dict[str, Any]:
        """The recipe of the trainings, for the record."""
        return asdict(self.recipe)

    def training(self, cell: Cell) -> Mapping[str, list[Any]]:
        """Adversarial training loss (nats) and accuracy by epoch, counted from 1."""
        epochs = self._network(cell)[1].epochs
        return {
            "seed": [cell.seed] * len(epochs),
            "scale": [cell.scale] * len(epochs),
            "epoch": [epoch.number + 1 for epoch in epochs],
            "loss": [epoch.loss for epoch in epochs],
            "accuracy": [epoch.accuracy for epoch in epochs],
        }

    def maxima(self, cell: Cell) -> Mapping[str, Any]:
        """One row per sample and ratio: the point that descent found, and the verdict on it."""
        model, parts = self._exact(cell), []
        for first in range(0, len(self.ids), PART):
            rows = self._rows(cell, self.ids[first : first + PART])
            wrong = margin(model, rows.base, rows.labels)
            start = onto_sphere(self._draws(cell, rows, _START), rows.radius)
            point = descend(wrong, start, rows.radius, self.config.descent)
            if self.config.activation == "softplus":
                verdict = check_smooth(wrong, point, rows.radius, self._draws(cell, rows, _PROBE))
            else:
                probes = [self._draws(cell, rows, _PROBE + number) for number in range(KINK_PROBES)]
                verdict = check_kinked(wrong, point, rows.radius, probes, KINK_ANGLE)
            parts.append(
                {
                    **_columns(cell, rows),
                    "kind": list(verdict.kind),
                    "angle": verdict.angle.tolist(),
                    "outward": verdict.outward.tolist(),
                    "lowest": verdict.lowest.tolist(),
                    "residual": verdict.residual.tolist(),
                    "point": point.flatten(1).tolist(),
                }
            )
        return {name: [value for part in parts for value in part[name]] for name in parts[0]}

    def ascents(self, cell: Cell, maxima: Mapping[str, Any], rule: StepRule, gradient: str) -> Mapping[str, Any]:
        """One row per accepted start: the true loss at every step, and where the ascent ends."""
        model, parts = self._exact(cell), []
        followed = self._rule(gradient, model)
        accepted = np.asarray(maxima["kind"]) == "minimum"
        count = len(self.config.ratios)
        for first in range(0, len(self.ids), PART):
            ids = self.ids[first : first + PART]
            mine = slice(count * first, count * (first + len(ids)))
            if not accepted[mine].any():
                continue
            points = np.array([maxima["point"][place] for place in np.flatnonzero(accepted[mine]) + mine.start])
            rows = self._rows(cell, ids).at(accepted[mine])
            parts.append(self._ascents(cell, rows, points, followed, model, rule) | {"gradient": gradient})
        columns = {name: [value for part in parts for value in part[name]] for name in parts[0] if name != "gradient"}
        length = len(columns["id"])
        return columns | {"rule": [rule] * length, "gradient": [gradient] * length}

    def forget(self, cell: Cell) -> None:
        """Lets go of a network that is done with, and of its training's state."""
        self._networks.pop(cell, None)
        remove_checkpoint(self.run.checkpoint(f"training {cell}"))

    def _ascents(
        self, cell: Cell, rows: Rows, points: np.ndarray, followed: Any, model: Classifier, rule: StepRule
    ) -> dict[str, Any]:
        config = self.config
        point = torch.from_numpy(points).to(rows.base).view_as(rows.base)
        push = tangential(self._draws(cell, rows, _PUSH), point)
        length = config.noise * rows.radius / norms(push)
        start = onto_sphere(point + length.view(-1, 1, 1, 1) * push, rows.radius)
        climb = self._climb(rows, start, followed, rule)
        if not bool(climb.losses.isfinite().all()):
            raise WorkFailed(
                f"the loss is not finite in the ascents of {cell}", "use smaller --scales, --ratios or --eta"
            )
        first = self._first_step(rows, start, followed)
        true = value_and_gradient(margin(model, rows.base, rows.labels), climb.end)[1]
        outward = dots(true, climb.end) / (norms(true) * norms(climb.end))
        return {
            **_columns(cell, rows),
            "first_step": first.tolist() if rule == "raw" else [config.unit_step] * len(rows.ids),
            "end_radius": (norms(climb.end) / rows.radius).tolist(),
            "end_outward": outward.tolist(),
            "loss": climb.losses.tolist(),
            "end": climb.end.flatten(1).tolist(),
        }

    def _climb(self, rows: Rows, start: Tensor, followed: Any, rule: StepRule) -> Climb:
        """The ascent. A unit step has the direction of the margin's gradient too, which does not underflow."""
        steps = self.config.steps
        if rule == "raw":
            loss = cross_entropy(followed, rows.base, rows.labels)
            return ascend(loss, start, rows.radius, steps=steps, rule=rule, size=self.config.eta)
        wrong = margin(followed, rows.base, rows.labels)
        climb = ascend(wrong, start, rows.radius, steps=steps, rule=rule, size=self.config.unit_step)
        return replace(climb, losses=from_margin(climb.losses))

    def _first_step(self, rows: Rows, start: Tensor, followed: Any) -> Tensor:
        """Length of the first raw step in units of eps (R,)."""
        loss = cross_entropy(followed, rows.base, rows.labels)
        return norms(value_and_gradient(loss, start)[1]) * self.config.eta / rows.radius

    def _rows(self, cell: Cell, ids: np.ndarray) -> Rows:
        count, device = len(self.config.ratios), self.run.device
        images = cell.scale * self.test.pixels(ids, device).double()
        ratios = np.repeat(self.config.ratios, len(ids))
        radius = torch.from_numpy(ratios * cell.scale * self.mean_norm).to(device)
        labels = self.test.targets(ids, device).repeat(count)
        return Rows(images.repeat(count, 1, 1, 1), labels, radius, ratios, np.tile(ids, count))

    def _draws(self, cell: Cell, rows: Rows, purpose: int) -> Tensor:
        """Random vectors (R, ...) keyed by seed, purpose and sample: the same for every scale, ratio and epoch."""
        seed = int(np.random.SeedSequence((cell.seed, purpose)).generate_state(1)[0])
        ids, places = np.unique(rows.ids, return_inverse=True)
        noise = ball_noise(ids.tolist(), tuple(rows.base.shape[1:]), seed=seed, norm="l2")
        return noise[torch.from_numpy(places)].to(rows.base)

    def _exact(self, cell: Cell) -> Classifier:
        """The cell's network in float64, frozen, in eval mode."""
        return copy.deepcopy(self._network(cell)[0]).double().eval().requires_grad_(False)

    def _network(self, cell: Cell) -> tuple[Classifier, History]:
        if cell not in self._networks:
            self._networks[cell] = self._trained(cell)
        return self._networks[cell]

    def _trained(self, cell: Cell) -> tuple[Classifier, History]:
        """Trained from scratch: a constant rate and draws keyed by epoch make every training begin like the longest."""
        network = self._initial(cell.seed)
        if not cell.epoch:
            return network, History(())
        images, labels = resident(self.train_split, self.run.device, limit=self.config.train_limit, seed=self.run.seed)
        eps = self.config.training_ratio * cell.scale * self.mean_norm
        history = fit(
            network,
            cell.scale * as_pixels(images),
            labels,
            replace(self.recipe, epochs=cell.epoch),
            seed=cell.seed,
            adversary=pgd_adversary(network, eps, self.config.training_steps),
            checkpoint=self.run.checkpoint(f"training {cell}"),
        )
        if history.diverged:
            raise WorkFailed(f"adversarial training diverged at {cell}", "use smaller --scales or --training-ratio")
        return network, history

    def _initial(self, seed: int) -> Classifier:
        architecture = self.run.architecture(self.config.model)
        return initial_network(architecture, self.config.activation, seed).to(self.run.device)

    def _rule(self, gradient: str, model: Classifier) -> Any:
        return model if gradient == "bp" else self.run.gradient(gradient)(model)


def _columns(cell: Cell, rows: Rows) -> dict[str, list[Any]]:
    return {
        **{name: [value] * len(rows.ids) for name, value in asdict(cell).items()},
        "ratio": rows.ratios.tolist(),
        "eps": rows.radius.tolist(),
        "id": rows.ids.tolist(),
    }
