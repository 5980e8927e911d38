"""Local minima of the adversary's loss on the sphere |delta| = eps, found by descent and checked one by one.

The paper minimises L = -loss, so its "local maxima" of L are the local minima of the loss, the worst places for an
attack to start from. On the sphere, with lambda* = delta . dm / (2 eps^2), a function m has (Deng et al. 2020, Sec. 4)

    Gamma = dm - 2 lambda* delta        the tangential gradient, zero at critical points
    Xi    = d2m - 2 lambda* I           on the tangent space: positive definite at a strict local minimum

A loss that grows strictly with m has the same critical points, and there its Xi is that of m times a positive number
(the other term of the chain rule is a multiple of Gamma Gamma^T = 0). So the search works on the margin, which does not
saturate where cross-entropy's gradient underflows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.pgd_dynamics.escape.kinds import LOWER, MINIMUM, MOVING, SADDLE, UNDECIDED
from modules.pgd_dynamics.image_ascent import (
    Landscape,
    along,
    dots,
    norms,
    onto_sphere,
    tangential,
    value_and_gradient,
)  # fmt: skip

STATIONARY = 1e-4  # largest angle between gradient and normal at a critical point, radians
_MEMORY = 0.85  # weight of the past in the value that a step must improve on (Zhang and Hager 2004)


@dataclass(frozen=True)
class Verdict:
    """What a check says about R points.

    angle (R,): between gradient and normal, 0 at a critical point, radians; outward (R,): cosine of the ascent
    direction with the outward normal, +1 where the ball's surface pins an ascent, -1 where it leads inwards;
    lowest (R,): least curvature, the smallest eigenvalue of Xi on the tangent space in units of |dm| / eps (1 where m
    is linear), with its `residual`; NaN where it was not computed. kind: R of `escape.kinds`.
    """

    angle: Tensor
    outward: Tensor
    lowest: Tensor
    residual: Tensor
    kind: Sequence[str]

    @property
    def accepted(self) -> Tensor:
        """(R,) whether the point is a local minimum."""
        return torch.tensor([kind == MINIMUM for kind in self.kind], device=self.angle.device)


def descend(landscape: Landscape, start: Tensor, radius: Tensor, iterations: int) -> Tensor:
    """Riemannian gradient descent on spheres: Barzilai-Borwein steps, shortened until the value has fallen enough.

    Args:
        landscape: what to minimise; `start`: (R, ...) on the spheres; `radius`: (R,).
        iterations: gradients per row, at most; rows that are stationary stand still.

    Returns the last accepted points (R, ...), which need not be stationary.
    """
    here = start
    value, gradient = value_and_gradient(landscape, here)
    slope = tangential(gradient, here)
    reference, weight = value.clone(), torch.ones_like(value)
    step = 0.1 * radius / norms(slope).clamp(min=torch.finfo(value.dtype).tiny)
    for iteration in range(iterations):
        moving = norms(slope) > STATIONARY / 100 * norms(gradient)
        if iteration % 20 == 0 and not bool(moving.any()):
            break
        trial = onto_sphere(here - along(step, here) * slope, radius)
        trial_value, trial_gradient = value_and_gradient(landscape, trial)
        trial_slope = tangential(trial_gradient, trial)
        good = moving & (trial_value <= reference - 1e-4 * step * dots(slope, slope))
        moved, bent = trial - here, trial_slope - slope
        curvature = dots(moved, bent)
        newton = torch.where(curvature > 0, dots(moved, moved) / curvature, 2 * step)
        longest = radius / norms(trial_slope).clamp(min=torch.finfo(value.dtype).tiny)
        step = torch.where(good, newton.minimum(longest), torch.where(moving, step / 4, step))
        weight = torch.where(good, _MEMORY * weight + 1, weight)
        reference = torch.where(good, reference + (trial_value - reference) / weight, reference)
        kept = along(good, here)
        here, slope = torch.where(kept, trial, here), torch.where(kept, trial_slope, slope)
        gradient = torch.where(kept, trial_gradient, gradient)
    return here


def check_smooth(landscape: Landscape, point: Tensor, radius: Tensor, probe: Tensor, iterations: int = 40) -> Verdict:
    """First and second order check of an objective with a second derivative.

    A point is a minimum where the gradient is normal to the sphere and the least curvature is positive by more than its
    residual. A negative Ritz value proves a saddle (it is never below the least eigenvalue).

    Args:
        probe: (R, ...) random vectors that the Lanczos iterations start from.
        iterations: of Lanczos, with full reorthogonalisation.
    """
    _, gradient = value_and_gradient(landscape, point)
    angle, outward = _angles(gradient, point)
    lowest, residual = least_curvature(landscape, point, radius, probe, iterations)
    table = zip(angle.tolist(), lowest.tolist(), residual.tolist(), strict=True)
    kinds = [
        MOVING if not row_angle <= STATIONARY else SADDLE if low < 0 else MINIMUM if low > rest else UNDECIDED
        for row_angle, low, rest in table
    ]
    return Verdict(angle, outward, lowest, residual, kinds)


def check_kinked(landscape: Landscape, point: Tensor, radius: Tensor, noise: Sequence[Tensor], size: float) -> Verdict:
    """Perturbation check of an objective with kinks, such as a ReLU network's: is there a lower point nearby?

    Tried at angle `size` (radians): the random tangential directions `noise`, the steepest descent, and the mean of the
    steepest descents at all of those points, which leads along a kink that both sides fall to (Burke et al. 2005).
    """
    value, gradient = value_and_gradient(landscape, point)
    angle, outward = _angles(gradient, point)
    lower, descents = torch.zeros_like(angle, dtype=torch.bool), -tangential(gradient, point)
    for direction in [*noise, -gradient]:
        nearby = rotate(point, direction, radius, size)
        nearby_value, nearby_gradient = value_and_gradient(landscape, nearby)
        lower |= nearby_value < value
        descents = descents - tangential(nearby_gradient, point)
    with torch.no_grad():
        lower |= landscape(rotate(point, descents, radius, size)) < value
    nothing = torch.full_like(angle, torch.nan)
    return Verdict(angle, outward, nothing, nothing, [LOWER if is_lower else MINIMUM for is_lower in lower.tolist()])


def rotate(point: Tensor, direction: Tensor, radius: Tensor, angle: float) -> Tensor:
    """The points of the spheres at an angle (radians) from the given ones, in the direction's tangential part."""
    tangent = tangential(direction, point)
    unit = tangent / along(norms(tangent).clamp(min=torch.finfo(point.dtype).tiny), point)
    return onto_sphere(point + torch.tan(torch.tensor(angle)) * along(radius, point) * unit, radius)


def least_curvature(
    landscape: Landscape, point: Tensor, radius: Tensor, probe: Tensor, iterations: int
) -> tuple[Tensor, Tensor]:
    """The smallest eigenvalue of Xi on the tangent space and a bound on its error, in units of |dm| / eps, (R,) each.

    Lanczos on P Xi P from the tangential part of `probe`; Hessian-vector products by a second backward pass. The
    smallest Ritz value lies above the smallest eigenvalue; some eigenvalue lies within the residual of it.
    """
    leaf = point.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(landscape(leaf).sum(), leaf, create_graph=True)
    fixed = gradient.detach()
    unit = norms(fixed) / radius
    shift = dots(fixed, point) / radius**2  # 2 lambda*

    def operator(vector: Tensor) -> Tensor:
        (product,) = torch.autograd.grad(gradient, leaf, vector, retain_graph=True)
        return tangential(product - along(shift, vector) * vector, point)

    normal = onto_sphere(point, torch.ones_like(radius))
    lowest, residual = lanczos(operator, tangential(probe, point), normal, iterations)
    return lowest / unit, residual / unit


def lanczos(operator: Landscape, start: Tensor, normal: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Smallest Ritz value and residual (R,) of symmetric operators on the spaces orthogonal to unit `normal`s."""
    size, spent = start[0].numel() - 1, 1e3 * torch.finfo(start.dtype).eps
    basis = [start / along(norms(start), start)]
    diagonal, off, scale = [], [], torch.zeros_like(norms(start))
    for step in range(min(iterations, size)):
        image = operator(basis[-1])
        diagonal.append(dots(basis[-1], image))
        scale = scale.maximum(norms(image))
        image = _orthogonal(image, [normal, *basis])
        # What is left where the basis spans an invariant space is rounding: go on from a vector outside of it.
        invariant = norms(image) <= spent * scale
        off.append(torch.where(invariant, 0, norms(image)))
        if bool(invariant.any()):
            fresh = _orthogonal(start.flatten(1).roll(step + 1, 1).view_as(start), [normal, *basis])
            image = torch.where(along(invariant, image), fresh, image)
        basis.append(image / along(norms(image).clamp(min=torch.finfo(image.dtype).tiny), image))
    matrix = torch.diag_embed(torch.stack(diagonal, 1))
    if len(off) > 1:
        beside = torch.stack(off[:-1], 1)
        matrix = matrix + torch.diag_embed(beside, 1) + torch.diag_embed(beside, -1)
    values, vectors = torch.linalg.eigh(matrix)
    rest = torch.zeros_like(off[-1]) if len(off) == size else off[-1]
    return values[:, 0], rest * vectors[:, -1, 0].abs()


def _orthogonal(vector: Tensor, units: Sequence[Tensor]) -> Tensor:
    """The parts (R, ...) orthogonal to orthonormal vectors; subtracting their share twice is enough."""
    for _ in range(2):
        for unit in units:
            vector = vector - along(dots(unit, vector), vector) * unit
    return vector


def _angles(gradient: Tensor, point: Tensor) -> tuple[Tensor, Tensor]:
    """The angle between gradient and normal line (R,), and the gradient's cosine with the outward normal (R,)."""
    scale = norms(gradient)
    sine = norms(tangential(gradient, point)) / scale
    return sine.clamp(max=1).asin(), dots(gradient, point) / (scale * norms(point))
