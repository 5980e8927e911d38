"""The critical point on the sphere beside a point that is close to it, to rounding: Riemannian Newton."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from modules.pgd_dynamics.ascent import chunks
from modules.pgd_dynamics.theory import Objective, lagrangian_hessian, tangent_basis, tangential

_LONGEST = 0.2  # of eps, of a Newton step along the sphere
_CELLS = 2**24  # numbers in the Hessians of one block: 128 MiB


@dataclass(frozen=True)
class Critical:
    """Critical points of L on the sphere, S x N.

    delta: (S, N, d). gamma: |Gamma| there. tangent: eigenvalues of Xi on the tangent space, ascending (S, N, d - 1).
    axes: their eigenvectors as columns (S, N, d, d - 1).
    whole: smallest eigenvalue of Xi on all of R^d. normal: -dL . delta / |delta|, > 0 where the ascent points outwards.
    """

    delta: Tensor
    gamma: Tensor
    tangent: Tensor
    axes: Tensor
    whole: Tensor
    normal: Tensor

    def is_minimum(self, tolerance: float) -> Tensor:
        """Where it is a strict local minimum of L over the ball: Gamma = 0, outward ascent, Xi > 0 along the sphere."""
        return (self.gamma <= tolerance) & (self.normal > 0) & (self.tangent[..., 0] > 0)


def refine(objective: Objective, start: Tensor, eps: float, iterations: int = 12) -> Critical:
    """Newton's steps on Gamma = 0 from each start (S, N, d): -Xi^-1 Gamma on the tangent space, then to the sphere.

    On the sphere Xi is the Riemannian Hessian of L and Gamma its gradient (exactly, not approximately as the paper
    has it), so that the convergence is quadratic. Eigenvalues enter by modulus: every step descends, and a start near
    a maximum or a saddle leaves it. Starts with NaN, and places where the loss is not finite, give NaN. The networks
    have one input each.
    """
    S, N, d = start.shape
    rows = []
    for seeds, points in chunks(S, N, d * d, _CELLS):
        rows.append((seeds, points, _refine(objective.at(seeds), start[seeds, points], eps, iterations)))
    shapes = {"delta": (d,), "tangent": (d - 1,), "axes": (d, d - 1)}
    whole = {entry.name: start.new_empty(S, N, *shapes.get(entry.name, ())) for entry in fields(Critical)}
    for seeds, points, part in rows:
        for name, values in whole.items():
            values[seeds, points] = getattr(part, name)
    return Critical(**whole)


def _refine(objective: Objective, start: Tensor, eps: float, iterations: int) -> Critical:
    lost = start.isnan().any(-1)
    filler = torch.zeros_like(start)
    filler[..., 0] = eps
    delta = torch.where(lost[..., None], filler, start)
    for _ in range(iterations):
        gradient = objective.gradient(delta)
        basis = tangent_basis(delta)
        values, vectors = _eigen(basis.mT @ lagrangian_hessian(objective.hessian(delta), gradient, delta) @ basis)
        along = (basis @ vectors).mT @ gradient[..., None]  # Gamma in the eigenvectors
        least = torch.finfo(delta.dtype).eps * values.abs().amax(-1, keepdim=True).clamp(min=1e-30)
        step = (basis @ vectors @ (-along / torch.maximum(values.abs(), least)[..., None]))[..., 0].nan_to_num()
        length = torch.linalg.vector_norm(step, dim=-1, keepdim=True)
        delta = delta + step * (_LONGEST * eps / length).clamp(max=1)
        delta = eps * delta / torch.linalg.vector_norm(delta, dim=-1, keepdim=True)
    return _described(objective, delta, lost)


def _described(objective: Objective, delta: Tensor, lost: Tensor) -> Critical:
    gradient = objective.gradient(delta)
    xi = lagrangian_hessian(objective.hessian(delta), gradient, delta)
    gamma = torch.linalg.vector_norm(tangential(gradient, delta), dim=-1)
    normal = -(gradient * delta).sum(-1) / torch.linalg.vector_norm(delta, dim=-1)
    basis = tangent_basis(delta)
    tangent, vectors = _eigen(basis.mT @ xi @ basis)
    lost = lost | ~gamma.isfinite()
    values = (delta, gamma, tangent, basis @ vectors, _eigen(xi)[0][..., 0], normal)
    return Critical(
        *(value.masked_fill(lost.view(*lost.shape, *[1] * (value.ndim - 2)), torch.nan) for value in values)
    )


def _eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """torch's eigh, which raises for a whole batch where one matrix is not finite; such a matrix counts as 0."""
    finite = matrix.isfinite().all(-1).all(-1)[..., None, None]
    values, vectors = torch.linalg.eigh(torch.where(finite, matrix, 0.0))
    return values, vectors
