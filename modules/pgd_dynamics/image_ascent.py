"""Projected gradient ascent of any differentiable loss on l2 balls, many at once, the loss kept at every step.

delta_{t+1} = P_B(0,eps)[delta_t + eta dL/d delta] (Deng et al. 2020, Sec. 2). How long a step is decides how the
number of steps depends on eps, and the paper's learning rates are lost; two conventions stand side by side:

    raw     delta + eta dL/d delta              the paper's: crossing the ball takes about 2 eps / (eta |dL|)
                                                steps, more in a large ball and where the loss is flat
    unit    delta + c eps dL / |dL|             about 2 / c steps across every ball: the landscape's shape is left

No bounds on pixels: the theory has none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

StepRule = Literal["raw", "unit"]

Landscape = Callable[[Tensor], Tensor]
"""Perturbations (R, ...) -> a value for each (R,), differentiable; rows do not depend on each other."""


@dataclass(frozen=True)
class Climb:
    """R ascents of T steps: losses (R, T+1) from start to end, and where they end (R, ...)."""

    losses: Tensor
    end: Tensor


def ascend(landscape: Landscape, start: Tensor, radius: Tensor, *, steps: int, rule: StepRule, size: float) -> Climb:
    """Projected gradient ascent in balls around 0.

    Args:
        landscape: the loss; under a gradient rule, the true loss with the rule's backward pass.
        start: (R, ...) within the balls.
        radius: (R,) of the balls, > 0.
        size: eta of `raw` steps; the share of the radius that a `unit` step goes. A zero gradient makes no step.
    """
    here, losses = start, []
    balls = along(radius, start)
    for _ in range(steps):
        value, gradient = value_and_gradient(landscape, here)
        losses.append(value)
        if rule == "unit":
            length = along(norms(gradient), gradient)
            gradient = torch.where(length > 0, balls * gradient / length, 0.0)
        here = into_ball(here + size * gradient, radius)
    with torch.no_grad():
        losses.append(landscape(here))
    return Climb(torch.stack(losses, 1), here)


def value_and_gradient(landscape: Landscape, point: Tensor) -> tuple[Tensor, Tensor]:
    """Values (R,) and gradients (R, ...), detached; one forward and one backward pass for all rows."""
    point = point.detach().requires_grad_()
    value = landscape(point)
    (gradient,) = torch.autograd.grad(value.sum(), point)
    return value.detach(), gradient


def into_ball(point: Tensor, radius: Tensor) -> Tensor:
    """The nearest points (R, ...) of the balls."""
    length = norms(point)
    return point * along(torch.where(length > radius, radius / length, 1.0), point)


def onto_sphere(point: Tensor, radius: Tensor) -> Tensor:
    """The nearest points (R, ...) of the spheres; `point` is not 0."""
    return point * along(radius / norms(point), point)


def tangential(vector: Tensor, point: Tensor) -> Tensor:
    """The part of vectors (R, ...) that is tangent to the spheres around 0 through the points (R, ...)."""
    return vector - along(dots(vector, point) / dots(point, point), point) * point


def dots(one: Tensor, other: Tensor) -> Tensor:
    """Inner products (R,) of rows (R, ...)."""
    return (one * other).flatten(1).sum(1)


def norms(vector: Tensor) -> Tensor:
    """l2 norms (R,) of rows (R, ...)."""
    length: Tensor = torch.linalg.vector_norm(vector.flatten(1), dim=1)
    return length


def along(numbers: Tensor, rows: Tensor) -> Tensor:
    """Numbers (R,) shaped to multiply rows (R, ...)."""
    return numbers.view(-1, *[1] * (rows.ndim - 1))
