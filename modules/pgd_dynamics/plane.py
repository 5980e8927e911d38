"""Networks on R^2: all that `pgd_dynamics.landscape` computes of a ball, in columns. Extrema are exact (circle.py)."""

from dataclasses import dataclass
from math import pi
from typing import Any, Literal

import torch
from torch import Tensor

from modules.pgd_dynamics import theory
from modules.pgd_dynamics.ascent import ascend, uniform_in_ball
from modules.pgd_dynamics.circle import Circles, CriticalPoints
from modules.pgd_dynamics.circle_relu import relu_extrema
from modules.pgd_dynamics.scene import directions
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import RELU

SAMPLED = 180  # directions in which tau is estimated
GRID = 81  # points along a side of a panel's picture
NUDGE = 1e-3  # of eps: how far from a critical point an ascent begins
NEAR = 0.05  # radians: ended at a critical point
SETTLED = 0.01  # the last tenth of the steps gained less than this share of the whole gain
Columns = dict[str, Any]


@dataclass(frozen=True)
class Extrema:
    """All extrema of L on the circles (Q,), by network and angle; undecided (S,) as in circle.py."""

    place: Tensor
    angle: Tensor
    L: Tensor
    is_minimum: Tensor
    undecided: Tensor


def extrema(objective: Objective, eps: float) -> Extrema:
    """All extrema of L = -l(f) on |delta| = eps, for a loss that is convex in f: those of f, and where l'(f) = 0.

    An extremum of f is a minimum of L where l' f'' < 0; a point with l'(f) = 0 is a maximum of L.
    """
    x, y = objective.x[:, 0], objective.y[:, 0]
    circles = Circles(objective.net, x, torch.full_like(x[:, 0], eps))
    critical = _relu_critical(objective, eps) if objective.net.activation is RELU else circles.critical_points()
    labels = y.expand(len(x))
    bottoms = objective.loss.first(critical.f, labels[critical.place]) * critical.curvature < 0
    still = circles.stationary_outputs(critical, objective.loss, labels)
    place, angle = torch.cat([critical.place, still.place]), torch.cat([critical.angle, still.angle])
    order = torch.argsort(place.double() * 8 + angle)
    place, angle = place[order], angle[order]
    is_minimum = torch.cat([bottoms, torch.zeros_like(still.place, dtype=torch.bool)])[order]
    f = circles.value(place, angle)
    return Extrema(place, angle, -objective.loss.value(f, labels[place]), is_minimum, critical.undecided)


def counts(objective: Objective, eps: float, found: Extrema) -> Columns:
    """How many minima of L each network has on the circle, and what the theory says of it; a row a network."""
    S = len(objective.net.W)
    sampled = around().to(objective.x.device)
    radius = torch.full((S,), eps, dtype=torch.float64, device=objective.x.device)
    tau = theory.threshold(objective.net, objective.x, radius, sampled).tau
    first = objective.loss.first(objective.net.value(objective.x + eps * sampled), objective.y)
    one_sign = (first > 0).all(1) | (first < 0).all(1)
    delta = eps * unit(found.angle)[:, None]
    outward = (objective.at(found.place).gradient(delta) * delta).sum((1, 2)) < 0
    per = {"minima": found.is_minimum, "on_ball": found.is_minimum & outward, "extrema": found.place >= 0}
    columns: Columns = {
        "eps": [eps] * S,
        **{name: torch.bincount(found.place[mask], minlength=S).tolist() for name, mask in per.items()},
        "undecided": found.undecided.tolist(),
        "eps_over_tau": (eps / tau).tolist(),
        "one_sign": one_sign.tolist(),
    }
    return columns


def picture(objective: Objective, eps: float) -> Columns:
    """The loss of one network on a grid over the ball's square, in units of eps; row by row from the lower left."""
    side = torch.linspace(-1, 1, GRID, dtype=torch.float64, device=objective.x.device)
    u2, u1 = torch.meshgrid(side, side, indexing="ij")
    grid = torch.stack([u1, u2], -1).view(1, -1, 2)
    losses = [-objective.value(eps * part)[0] for part in grid.split(512, 1)]
    return {"u1": grid[0, :, 0].tolist(), "u2": grid[0, :, 1].tolist(), "loss": torch.cat(losses).tolist()}


def marks(found: Extrema, network: int) -> Columns:
    """The extrema of one network: its angle, the loss and what it is for the loss (which the adversary raises)."""
    mine = found.place == network
    kinds = ["maximum" if minimum else "minimum" for minimum in found.is_minimum[mine].tolist()]
    return {"angle": found.angle[mine].tolist(), "loss": (-found.L[mine]).tolist(), "kind": kinds}


@dataclass(frozen=True)
class Pace:
    """How long a step is. `raw`: size |dL|, the paper's; `unit`: size eps, so that the loss's own scale drops out."""

    rule: Literal["raw", "unit"]
    size: float


@dataclass(frozen=True)
class Walk:
    """Trajectories Q, each of its own network. place (Q,); deltas (K + 1, Q, 2) and loss (K + 1, Q) at every step."""

    place: Tensor
    deltas: Tensor
    loss: Tensor

    def first(self, trajectories: int) -> "Walk":
        """The first so many trajectories."""
        kept = slice(trajectories)
        return Walk(self.place[kept], self.deltas[:, kept], self.loss[:, kept])

    def steps_to_gain(self, share: float = 0.9) -> list[int | None]:
        """Steps to that share of the gain over the whole walk (Q,); None where the walk had not settled at its end."""
        gain = self.loss - self.loss[0]
        whole, late = gain[-1], gain[-1] - gain[-1 - (len(gain) - 1) // 10]
        first = (gain >= share * whole).to(torch.uint8).argmax(0)
        settled = (late.abs() <= SETTLED * whole.abs()) & (whole > 0)
        pairs = zip(first.tolist(), settled.tolist(), strict=True)
        return [step if is_settled else None for step, is_settled in pairs]

    def angle_to(self, angles: Extrema) -> Tensor:
        """From each end to the nearest minimum of L on its network's circle, radians in [0, pi] (Q,)."""
        mine = (self.place[:, None] == angles.place) & angles.is_minimum
        end = torch.atan2(self.deltas[-1, :, 1], self.deltas[-1, :, 0])
        apart = (end[:, None] - angles.angle + pi).remainder(2 * pi) - pi
        return apart.abs().masked_fill(~mine, pi).amin(1)


def walk(
    objective: Objective, eps: float, place: Tensor, start: Tensor, pace: Pace, steps: int,
    field: Literal["bp", "linbp"] = "bp",
) -> Walk:  # fmt: skip
    """Ascends from start (Q, 2), each under the network `place`, keeping every step."""
    unit = pace.rule == "unit"
    eta = pace.size * eps if unit else pace.size
    everything = range(steps + 1)
    path = ascend(objective.at(place), start[:, None], eps, eta, steps, field=field, unit=unit, record=everything)
    return Walk(place, path.deltas[:, :, 0], -path.L[:, :, 0])


def from_the_worst(objective: Objective, eps: float, found: Extrema, seed: int, pace: Pace, steps: int) -> Walk:
    """Walks from every local minimum of the loss on the circle, nudged by NUDGE eps into a random direction."""
    worst = ~found.is_minimum
    place = found.place[worst]
    nudge = directions(seed, "nudge", len(place), 2).to(place.device)
    start = eps * (unit(found.angle[worst]) + NUDGE * nudge)
    return walk(objective, eps, place, start, pace, steps)


def from_anywhere(
    objective: Objective, eps: float, starts: int, seed: int, pace: Pace, steps: int, field: Literal["bp", "linbp"]
) -> Walk:
    """Walks from uniform starts in the ball, the same ones for every field and activation."""
    S = len(objective.net.W)
    drawn = eps * uniform_in_ball(starts, 2, [1_000 * seed + network for network in range(S)])
    place = torch.arange(S).repeat_interleave(starts).to(objective.x.device)
    return walk(objective, eps, place, drawn.flatten(0, 1).to(objective.x.device), pace, steps, field)


def path_columns(found: Walk, eps: float) -> Columns:
    """Every step of every trajectory, in units of eps; `start` numbers the trajectories."""
    steps, paths, _ = found.deltas.shape
    u = found.deltas.transpose(0, 1) / eps
    return {
        "start": [path for path in range(paths) for _ in range(steps)],
        "step": list(range(steps)) * paths,
        "u1": u[..., 0].flatten().tolist(),
        "u2": u[..., 1].flatten().tolist(),
    }


def outcomes(found: Walk, angles: Extrema, eps: float) -> Columns:
    """How trajectories end, a row each.

    steps_90: to 90 % of their gain, None where they had not settled. attained: their last loss, from the least on the
    circle (0) to the largest (1). to_minimum: degrees to the nearest minimum of L. at_minimum: within NEAR of it, on
    the circle.
    """
    loss = -angles.L
    best, worst = loss.new_full((2, len(angles.undecided)), float("nan"))
    best = best.scatter_reduce(0, angles.place, loss, "amax", include_self=False)[found.place]
    worst = worst.scatter_reduce(0, angles.place, loss, "amin", include_self=False)[found.place]
    apart = found.angle_to(angles)
    on_circle = torch.linalg.vector_norm(found.deltas[-1], dim=-1) >= (1 - 1e-9) * eps
    return {
        "network": found.place.tolist(),
        "steps_90": found.steps_to_gain(),
        "attained": ((found.loss[-1] - worst) / (best - worst)).tolist(),
        "to_minimum": apart.rad2deg().tolist(),
        "at_minimum": ((apart < NEAR) & on_circle).tolist(),
    }


def unit(angle: Tensor) -> Tensor:
    """(cos, sin) (..., 2)."""
    return torch.stack([angle.cos(), angle.sin()], -1)


def around() -> Tensor:
    """SAMPLED directions, evenly around the circle (1, SAMPLED, 2)."""
    return unit(torch.linspace(0, 2 * pi, SAMPLED + 1, dtype=torch.float64)[None, :-1])


def _relu_critical(objective: Objective, eps: float) -> CriticalPoints:
    """relu_extrema of each network; a kink has no second derivative, so that `curvature` is -1 and 1 by kind."""
    S = len(objective.net.W)
    rows = [relu_extrema(objective.net.at([network]), objective.x[network, 0], eps) for network in range(S)]
    angle, f, is_top = (torch.cat(column) for column in zip(*rows, strict=True))
    sizes = torch.tensor([len(row[0]) for row in rows], device=angle.device)
    place = torch.arange(S, device=angle.device).repeat_interleave(sizes)
    return CriticalPoints(place, angle, f, 1.0 - 2 * is_top.to(f), torch.zeros_like(sizes))
