"""Local minima of L on the sphere |delta| = eps in any dimension: batched Riemannian descent from many starts.

What descent finds is a lower bound on the number of minima; how often each was found says how much may be missing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.pgd_dynamics.ascent import chunks
from modules.pgd_dynamics.fused import fused
from modules.pgd_dynamics.theory import Objective, lagrangian_hessian, tangent_basis, tangential

SINE = 1e-5  # between gradient and normal: where descent ends
POLISHED = 1e-9  # the same after Newton's method
APART = 1e-2  # radians: endpoints nearer than this are one minimum
_CELLS = 2**17


@dataclass(frozen=True)
class Minima:
    """Distinct strict local minima, Q of them over S networks.

    place (Q,): which network. delta (Q, d). L, lowest (Q,): the value, and the smallest eigenvalue of Xi on the tangent
    space, > 0. outward (Q,): whether -dL points out of the ball, so that it is a minimum on the ball, too. starts (Q,):
    how many starts ended there. unsettled (S,): starts that ended at no strict minimum, and are left out.
    """

    place: Tensor
    delta: Tensor
    L: Tensor
    lowest: Tensor
    outward: Tensor
    starts: Tensor
    unsettled: Tensor


def local_minima(objective: Objective, eps: Tensor, directions: Tensor, iterations: int = 2000) -> Minima:
    """Distinct local minima of L on the spheres, by descent, clustering by angle, Newton's method and the sign of Xi.

    Args:
        objective: of S networks at one input each.
        eps: radii (S,).
        directions: starts as unit vectors (S, N, d).
        iterations: most steps of descent a start may take.
    """
    S, N, _ = directions.shape
    reached = descend(objective, eps, directions, iterations)
    groups = cluster(reached)
    place, first = torch.where(groups == torch.arange(N, device=groups.device))
    counts = torch.zeros_like(groups).scatter_add_(1, groups, torch.ones_like(groups))[place, first]
    single = objective.at(place)
    delta, sine, lowest, outward = polish(single, eps[place], reached[place, first][:, None])
    holds = (sine < POLISHED) & (lowest > 0)
    unsettled = torch.zeros(S, dtype=counts.dtype, device=counts.device).index_add_(0, place[~holds], counts[~holds])
    L = single.value(delta[:, None])[:, 0]
    # Newton's method can bring two endpoints together that stood apart: of those the first stands for both.
    found = Minima(place, delta, L, lowest, outward, counts, unsettled)
    return _merged(found, holds)


def descend(objective: Objective, eps: Tensor, directions: Tensor, iterations: int) -> Tensor:
    """Riemannian gradient descent with one adaptive step size a start: unit vectors (S, N, d), settled or not."""
    S, N, _ = directions.shape
    reached = directions.clone()
    for seeds, points in chunks(S, N, objective.net.shape[1], _CELLS):
        part = objective.at(seeds)
        part = Objective(fused(part.net), part.loss, part.x, part.y)
        reached[seeds, points] = _descend(part, eps[seeds, None, None], directions[seeds, points], iterations)
    return reached


def _descend(objective: Objective, eps: Tensor, u: Tensor, iterations: int) -> Tensor:
    """A step is kept where it lowers L by Armijo's share; then the next is twice as long, else a quarter."""
    L, gradient = objective.value_and_gradient(eps * u)
    step = torch.ones_like(L)
    for iteration in range(iterations):
        along = tangential(gradient, u)
        length, whole = (torch.linalg.vector_norm(part, dim=-1) for part in (along, gradient))
        settled = length <= SINE * whole
        if iteration % 10 == 0 and bool(settled.all()):  # asking costs a wait on a GPU
            break
        # In units of |dL|: the step is an angle where the gradient lies in the tangent space.
        trial = u - (step / whole.clamp(min=torch.finfo(u.dtype).tiny))[..., None] * along
        trial = trial / torch.linalg.vector_norm(trial, dim=-1, keepdim=True)
        new_L, new_gradient = objective.value_and_gradient(eps * trial)
        wanted = 1e-4 * step * eps[..., 0] * length.square() / whole
        kept = (new_L <= L - wanted) & ~settled
        u, gradient = torch.where(kept[..., None], trial, u), torch.where(kept[..., None], new_gradient, gradient)
        L = torch.where(kept, new_L, L)
        step = torch.where(kept, (2 * step).clamp(max=4.0), step / 4)
    return u


def cluster(u: Tensor) -> Tensor:
    """For unit vectors (S, N, d), the first of each network's vectors that is near each one (S, N)."""
    sine = torch.linalg.vector_norm(u[:, :, None] - u[:, None], dim=-1)  # a chord: exact where a cosine is not
    near = (sine < APART).to(torch.uint8)
    first: Tensor = near.argmax(-1)
    return first.gather(1, first)  # neighbours of neighbours


def polish(objective: Objective, eps: Tensor, u: Tensor, steps: int = 8) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Newton's method for Gamma = 0 from unit vectors (Q, 1, d).

    Returns delta (Q, d), the sine between gradient and normal there (Q,), the smallest tangent eigenvalue of Xi (Q,),
    and whether -dL points outwards (Q,).
    """
    radius = eps[:, None, None]
    for _ in range(steps):
        gradient, xi, basis = _local(objective, radius * u)
        restricted = basis.mT @ xi @ basis
        downhill = (basis.mT @ gradient[..., None])[..., 0]
        # A shift below rounding: `solve` must not raise where Xi is singular; such a point is no strict minimum anyway.
        shift = 1e-14 * torch.linalg.matrix_norm(restricted)[..., None, None] * torch.eye(u.shape[-1] - 1).to(u)
        move = (basis @ torch.linalg.solve(restricted + shift, downhill)[..., None])[..., 0] / radius
        size = torch.linalg.vector_norm(move, dim=-1, keepdim=True)
        u = u - move * (APART / size).clamp(max=1)  # a cluster's width at most: it polishes, it does not travel
        u = u / torch.linalg.vector_norm(u, dim=-1, keepdim=True)
    delta = radius * u
    gradient, xi, basis = _local(objective, delta)
    whole = torch.linalg.vector_norm(gradient, dim=-1)
    sine = torch.linalg.vector_norm(tangential(gradient, delta), dim=-1) / whole
    lowest = torch.linalg.eigvalsh(basis.mT @ xi @ basis)
    outward = (gradient * delta).sum(-1) < 0
    return delta[:, 0], sine[:, 0], lowest[:, 0, 0], outward[:, 0]


def _local(objective: Objective, delta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dL (Q, 1, d), Xi (Q, 1, d, d) and a tangent basis (Q, 1, d, d - 1)."""
    gradient = objective.gradient(delta)
    return gradient, lagrangian_hessian(objective.hessian(delta), gradient, delta), tangent_basis(delta)


def _merged(found: Minima, holds: Tensor) -> Minima:
    """The minima that hold, each once."""
    place, delta, starts = found.place[holds], found.delta[holds], found.starts[holds]
    unit = delta / torch.linalg.vector_norm(delta, dim=-1, keepdim=True)
    chord = torch.linalg.vector_norm(unit[:, None] - unit[None], dim=-1)
    near = (chord < APART) & (place[:, None] == place)
    first = near.to(torch.uint8).argmax(-1) if len(place) else place
    starts = torch.zeros_like(starts).index_add_(0, first, starts)
    keep = first == torch.arange(len(first), device=first.device)
    L, lowest, outward = (part[holds][keep] for part in (found.L, found.lowest, found.outward))
    return Minima(place[keep], delta[keep], L, lowest, outward, starts[keep], found.unsettled)
