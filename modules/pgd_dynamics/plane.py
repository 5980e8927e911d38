"""All extrema of L on circles in the plane, for every network; exact (circle.py)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.pgd_dynamics.circle import Circles, CriticalPoints
from modules.pgd_dynamics.circle_relu import relu_extrema
from modules.pgd_dynamics.theory import Objective
from modules.pgd_dynamics.two_layer import RELU


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


def unit(angle: Tensor) -> Tensor:
    """(cos, sin) (..., 2)."""
    return torch.stack([angle.cos(), angle.sin()], -1)


def _relu_critical(objective: Objective, eps: float) -> CriticalPoints:
    """relu_extrema of each network; a kink has no second derivative, so that `curvature` is -1 and 1 by kind."""
    S = len(objective.net.W)
    rows = [relu_extrema(objective.net.at([network]), objective.x[network, 0], eps) for network in range(S)]
    angle, f, is_top = (torch.cat(column) for column in zip(*rows, strict=True))
    sizes = torch.tensor([len(row[0]) for row in rows], device=angle.device)
    place = torch.arange(S, device=angle.device).repeat_interleave(sizes)
    return CriticalPoints(place, angle, f, 1.0 - 2 * is_top.to(f), torch.zeros_like(sizes))
