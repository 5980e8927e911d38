"""The networks of `pgd_dynamics.landscape`, and what is computed of them, with columns that name the cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch

from modules.pgd_dynamics import plane
from modules.pgd_dynamics.loss_option import load_loss
from modules.pgd_dynamics.scene import draw, network_seeds
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import RELU, Activation, softplus

if TYPE_CHECKING:
    from modules.pgd_dynamics.landscape import LandscapeConfig

PART = 20  # networks computed and stored together
DRAWN = 3  # ascents a panel of the atlas shows for each field


@dataclass(frozen=True)
class FirstLook:
    """finite, flat: of the loss's slope at the sampled points; bound: the eta whose longest step is the diameter."""

    finite: bool
    flat: bool
    bound: float


class Scene:
    """A config's networks. Cells are pairs of scale and ratio."""

    def __init__(self, config: "LandscapeConfig", device: torch.device) -> None:
        self.config, self.device = config, device
        self.loss = load_loss(config.loss)
        self.activation = softplus(config.beta)
        activations = [RELU, *(softplus(beta) for beta in config.atlas_betas)]
        self.atlas = {activation.name: activation for activation in activations}
        self.paces = (plane.Pace("unit", config.stride), plane.Pace("raw", config.eta))
        self.parts = [range(at, min(at + PART, config.networks)) for at in range(0, config.networks, PART)]

    def objective(self, scale: float, networks: Sequence[int], activation: Activation | None = None) -> Objective:
        """L of these networks at their inputs; in every cell the same networks, and inputs of the same direction."""
        config, seeds = self.config, network_seeds(self.config.seed, networks)
        return draw(seeds, config.m, 2, scale, self.loss, config.y, activation or self.activation, self.device)

    def first_look(self, scale: float, ratio: float) -> FirstLook:
        """The first network's loss around its circle."""
        objective, eps = self.objective(scale, range(1)), scale * ratio
        gradient = objective.gradient(eps * plane.around().to(self.device))
        longest = float(torch.linalg.vector_norm(gradient, dim=-1).max())
        return FirstLook(bool(gradient.isfinite().all()), longest == 0, 2 * eps / longest if longest else float("inf"))

    def minima(self, scale: float, ratio: float, part: range) -> dict[str, Any]:
        """Counts on the circle, a row a network."""
        objective, eps = self.objective(scale, part), scale * ratio
        columns = plane.counts(objective, eps, plane.extrema(objective, eps))
        return _of_cell({"network": list(part), **columns}, scale=scale, ratio=ratio)

    def picture(self, scale: float, ratio: float) -> dict[str, Any]:
        """The first network's loss on a grid."""
        return _of_cell(plane.picture(self.objective(scale, range(1)), scale * ratio), scale=scale, ratio=ratio)

    def marks(self, scale: float, ratio: float) -> dict[str, Any]:
        """The first network's extrema."""
        found = plane.extrema(self.objective(scale, range(1)), scale * ratio)
        return _of_cell(plane.marks(found, 0), scale=scale, ratio=ratio)

    def paths(self, scale: float, ratio: float) -> dict[str, Any]:
        """The first network's unit ascents from its worst points, step by step."""
        walk, _ = self._escape(scale, ratio, self.paces[0], 1)
        return _of_cell(plane.path_columns(walk, scale * ratio), scale=scale, ratio=ratio)

    def escapes(self, scale: float, ratio: float, pace: plane.Pace) -> dict[str, Any]:
        """How the ascents from the worst points of `escapes` networks end."""
        walk, found = self._escape(scale, ratio, pace, min(self.config.escapes, self.config.networks))
        return _of_cell(plane.outcomes(walk, found, scale * ratio), scale=scale, ratio=ratio, pace=pace.rule)

    def atlas_tables(self, name: str) -> Mapping[str, Callable[[], dict[str, Any]]]:
        """What the atlas needs of one activation: picture, extrema, drawn ascents and all ascents' ends."""
        return {
            "atlas_pictures": partial(self._atlas_picture, name),
            "atlas_extrema": partial(self._atlas_marks, name),
            "atlas_paths": partial(self._atlas_walks, name, drawn=True),
            "atlas_walks": partial(self._atlas_walks, name, drawn=False),
        }

    def _escape(self, scale: float, ratio: float, pace: plane.Pace, networks: int) -> tuple[plane.Walk, plane.Extrema]:
        objective, eps = self.objective(scale, range(networks)), scale * ratio
        found = plane.extrema(objective, eps)
        return plane.from_the_worst(objective, eps, found, self.config.seed, pace, self.config.steps), found

    def _atlas_objective(self, name: str, networks: int) -> tuple[Objective, float]:
        config = self.config
        return self.objective(
            config.atlas_scale, range(networks), self.atlas[name]
        ), config.atlas_scale * config.atlas_ratio

    def _atlas_picture(self, name: str) -> dict[str, Any]:
        return _of_cell(plane.picture(*self._atlas_objective(name, 1)), activation=name)

    def _atlas_marks(self, name: str) -> dict[str, Any]:
        return _of_cell(plane.marks(plane.extrema(*self._atlas_objective(name, 1)), 0), activation=name)

    def _atlas_walks(self, name: str, *, drawn: bool) -> dict[str, Any]:
        config = self.config
        objective, eps = self._atlas_objective(name, 1 if drawn else config.escapes)
        found = plane.extrema(objective, eps)
        fields: tuple[Literal["bp", "linbp"], ...] = ("bp", "linbp")
        rows = []
        for field in fields:
            walk = plane.from_anywhere(
                objective, eps, config.atlas_starts, config.seed, self.paces[0], config.steps, field
            )
            columns = plane.path_columns(walk.first(DRAWN), eps) if drawn else plane.outcomes(walk, found, eps)
            rows.append(_of_cell(columns, activation=name, gradient=field))
        return {column: [value for part in rows for value in part[column]] for column in rows[0]}


def _of_cell(columns: Mapping[str, Any], **cell: float | str) -> dict[str, Any]:
    """The columns, with constant ones before them."""
    length = len(next(iter(columns.values())))
    return {**{name: [value] * length for name, value in cell.items()}, **columns}
