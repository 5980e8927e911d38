"""Ascents on balls in the plane, every step of them kept, and how they end."""

from dataclasses import dataclass
from math import pi
from typing import Any, Literal

import torch
from torch import Tensor

from modules.pgd_dynamics.ascent import ascend, uniform_in_ball
from modules.pgd_dynamics.draws import directions
from modules.pgd_dynamics.landscape.config import LandscapeConfig
from modules.pgd_dynamics.plane import Extrema, unit
from modules.pgd_dynamics.theory import Objective

NUDGE = 1e-3  # of eps: how far from a critical point an ascent begins
NEAR = 0.05  # radians: ended at a critical point
SETTLED = 0.01  # the last tenth of the steps gained less than this share of the whole gain

Columns = dict[str, Any]
Field = Literal["bp", "linbp"]
Start = Literal["the worst", "anywhere"]


@dataclass(frozen=True)
class Pace:
    """How long a step is. `raw`: size |dL|, the paper's; `unit`: size eps, so that the loss's own scale drops out."""

    rule: Literal["raw", "unit"]
    size: float


@dataclass(frozen=True)
class Trajectories:
    """Q ascents. place (Q,): the network of each; deltas (K + 1, Q, 2) and loss (K + 1, Q) at every step."""

    place: Tensor
    deltas: Tensor
    loss: Tensor

    def first(self, count: int | None) -> "Trajectories":
        """The first so many of them; None for all."""
        return Trajectories(self.place[:count], self.deltas[:, :count], self.loss[:, :count])

    def steps_to_gain(self, share: float = 0.9) -> list[int | None]:
        """Steps to that share of the whole gain (Q,); None where the ascent had not settled at its end."""
        gain = self.loss - self.loss[0]
        whole, late = gain[-1], gain[-1] - gain[-1 - (len(gain) - 1) // 10]
        first = (gain >= share * whole).to(torch.uint8).argmax(0)
        settled = (late.abs() <= SETTLED * whole.abs()) & (whole > 0)
        pairs = zip(first.tolist(), settled.tolist(), strict=True)
        return [step if is_settled else None for step, is_settled in pairs]

    def angle_to_minimum(self, found: Extrema) -> Tensor:
        """From each end to the nearest minimum of L on its network's circle, radians in [0, pi] (Q,)."""
        same = (self.place[:, None] == found.place) & found.is_minimum
        end = torch.atan2(self.deltas[-1, :, 1], self.deltas[-1, :, 0])
        apart = (end[:, None] - found.angle + pi).remainder(2 * pi) - pi
        return apart.abs().masked_fill(~same, pi).amin(1)


def ascents(
    objective: Objective, eps: float, found: Extrema, config: LandscapeConfig, start: Start, pace: Pace, field: Field
) -> Trajectories:
    """Ascents along a field, each under its own network, every step of them kept.

    Args:
        start: at `the worst` points: every local minimum of the loss on the circle, nudged by NUDGE eps into a random
            direction; or `anywhere`: uniform in the ball, the same ones for every field and activation.
    """
    seed, device = config.seed, objective.x.device
    if start == "the worst":
        worst = ~found.is_minimum
        place = found.place[worst]
        begin = unit(found.angle[worst]) + NUDGE * directions(seed, "nudge", len(place), 2).to(device)
    else:
        S, starts = len(objective.net.W), config.atlas_starts
        place = torch.arange(S, device=device).repeat_interleave(starts)
        begin = uniform_in_ball(starts, 2, [1_000 * seed + network for network in range(S)]).flatten(0, 1).to(device)
    path = ascend(
        objective.at(place), eps * begin[:, None], eps, pace.size * eps if pace.rule == "unit" else pace.size,
        config.steps, field=field, unit=pace.rule == "unit", record=range(config.steps + 1),
    )  # fmt: skip
    return Trajectories(place, path.deltas[:, :, 0], -path.L[:, :, 0])


def by_step(trajectories: Trajectories, eps: float) -> Columns:
    """Every step of every trajectory, in units of eps; `start` numbers the trajectories."""
    steps, count, _ = trajectories.deltas.shape
    u = trajectories.deltas.transpose(0, 1) / eps
    return {
        "start": [start for start in range(count) for _ in range(steps)],
        "step": list(range(steps)) * count,
        "u1": u[..., 0].flatten().tolist(),
        "u2": u[..., 1].flatten().tolist(),
    }


def ends(trajectories: Trajectories, found: Extrema, eps: float) -> Columns:
    """How trajectories end, a row each.

    steps_90: to 90 % of their gain, None where they had not settled. attained: their last loss, from the least on the
    circle (0) to the largest (1). to_minimum: degrees to the nearest minimum of L. at_minimum: within NEAR of it, on
    the circle.
    """
    loss = -found.L
    best, worst = loss.new_full((2, len(found.undecided)), float("nan"))
    best = best.scatter_reduce(0, found.place, loss, "amax", include_self=False)[trajectories.place]
    worst = worst.scatter_reduce(0, found.place, loss, "amin", include_self=False)[trajectories.place]
    apart = trajectories.angle_to_minimum(found)
    on_circle = torch.linalg.vector_norm(trajectories.deltas[-1], dim=-1) >= (1 - 1e-9) * eps
    return {
        "network": trajectories.place.tolist(),
        "steps_90": trajectories.steps_to_gain(),
        "attained": ((trajectories.loss[-1] - worst) / (best - worst)).tolist(),
        "to_minimum": apart.rad2deg().tolist(),
        "at_minimum": ((apart < NEAR) & on_circle).tolist(),
    }
