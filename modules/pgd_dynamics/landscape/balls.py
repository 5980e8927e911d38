"""Balls around inputs in the plane, and what is computed of the loss on them, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from modules.pgd_dynamics import theory
from modules.pgd_dynamics.draws import draw, network_seeds
from modules.pgd_dynamics.landscape import trajectories
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from modules.pgd_dynamics.landscape.trajectories import Columns, Field, Pace, Start
from modules.pgd_dynamics.losses import Loss
from modules.pgd_dynamics.plane import extrema, unit
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import Activation

SAMPLED = 180  # directions in which tau is estimated
GRID = 81  # points along a side of a picture


@dataclass(frozen=True)
class Ball:
    """The ball of radius eps = scale ratio around each network's input, of length `scale`.

    Every ball has the same networks, and inputs of the same direction. What is drawn is the first network's.
    """

    config: LandscapeConfig
    loss: Loss
    device: torch.device
    scale: float
    ratio: float
    activation: Activation

    @property
    def eps(self) -> float:
        return self.scale * self.ratio

    def objective(self, networks: Sequence[int]) -> Objective:
        """L of these networks at their inputs."""
        seeds = network_seeds(self.config.seed, networks)
        return draw(seeds, self.config.m, 2, self.scale, self.loss, self.config.y, self.activation, self.device)

    def steepest(self) -> float:
        """The largest |dL| of the first network at sampled points of its circle; not finite where dL is not."""
        gradient = self.objective(range(1)).gradient(self.eps * self._around())
        return float(torch.linalg.vector_norm(gradient, dim=-1).max())

    def minima(self, networks: Sequence[int]) -> Columns:
        """How many minima of L each network has on the circle, and what the theory says of it; a row a network.

        on_ball: those that are minima on the ball, too. undecided: arcs whose number of extrema is not proven.
        one_sign: whether l'(f) keeps its sign at all sampled points.
        """
        objective, eps, S, sampled = self.objective(networks), self.eps, len(networks), self._around()
        found = extrema(objective, eps)
        radius = torch.full((S,), eps, dtype=torch.float64, device=self.device)
        tau = theory.threshold(objective.net, objective.x, radius, sampled).tau
        first = objective.loss.first(objective.net.value(objective.x + eps * sampled), objective.y)
        delta = eps * unit(found.angle)[:, None]
        outward = (objective.at(found.place).gradient(delta) * delta).sum((1, 2)) < 0
        per = {"minima": found.is_minimum, "on_ball": found.is_minimum & outward, "extrema": found.place >= 0}
        return {
            "network": list(networks),
            "eps": [eps] * S,
            **{name: torch.bincount(found.place[mask], minlength=S).tolist() for name, mask in per.items()},
            "undecided": found.undecided.tolist(),
            "eps_over_tau": (eps / tau).tolist(),
            "one_sign": ((first > 0).all(1) | (first < 0).all(1)).tolist(),
        }

    def picture(self) -> Columns:
        """The loss on a grid over the ball's square, in units of eps; row by row from the lower left."""
        objective = self.objective(range(1))
        side = torch.linspace(-1, 1, GRID, dtype=torch.float64, device=self.device)
        u2, u1 = torch.meshgrid(side, side, indexing="ij")
        grid = torch.stack([u1, u2], -1).view(1, -1, 2)
        losses = torch.cat([-objective.value(self.eps * part)[0] for part in grid.split(512, 1)])
        return {"u1": grid[0, :, 0].tolist(), "u2": grid[0, :, 1].tolist(), "loss": losses.tolist()}

    def marks(self) -> Columns:
        """The extrema: their angle, the loss there, and what they are for the loss (which the adversary raises)."""
        found = extrema(self.objective(range(1)), self.eps)
        kinds = ["maximum" if is_minimum else "minimum" for is_minimum in found.is_minimum.tolist()]
        return {"angle": found.angle.tolist(), "loss": (-found.L).tolist(), "kind": kinds}

    def paths(self, start: Start, pace: Pace, field: Field = "bp", most: int | None = None) -> Columns:
        """Ascents step by step, in units of eps; at most so many."""
        objective = self.objective(range(1))
        found = extrema(objective, self.eps)
        ascents = trajectories.ascents(objective, self.eps, found, self.config, start, pace, field)
        return trajectories.by_step(ascents.first(most), self.eps)

    def ends(self, networks: Sequence[int], start: Start, pace: Pace, field: Field = "bp") -> Columns:
        """How the ascents of these networks end, a row an ascent."""
        objective = self.objective(networks)
        found = extrema(objective, self.eps)
        ascents = trajectories.ascents(objective, self.eps, found, self.config, start, pace, field)
        return trajectories.ends(ascents, found, self.eps)

    def _around(self) -> Tensor:
        """SAMPLED directions, evenly around the circle (1, SAMPLED, 2)."""
        return unit(torch.linspace(0, 2 * pi, SAMPLED + 1, dtype=torch.float64)[None, :-1]).to(self.device)
