"""Minima on the sphere against quadratic forms, whose critical points are known, and dense Hessians."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from modules.pgd_dynamics.escape.kinds import LOWER, MINIMUM, MOVING, SADDLE
from modules.pgd_dynamics.escape.local_maxima import (
    check_kinked,
    check_smooth,
    descend,
    lanczos,
    least_curvature,
    rotate,
)
from modules.pgd_dynamics.image_ascent import norms, onto_sphere

Landscape = Callable[[Tensor], Tensor]
EIGENVALUES = torch.tensor([1.0, 2.0, 3.5, 4.0, 7.0, 7.5], dtype=torch.float64)


def draws(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def quadratic(x: Tensor) -> Tensor:
    """x' diag(1, 2, ...) x / 2: its minima on a sphere are +-e_1, its other critical points +-e_2, ... ."""
    return 0.5 * (EIGENVALUES * x.flatten(1).square()).sum(1)


WEIGHTS, OUTPUTS = draws(9, 6, seed=5), draws(9, seed=6)


def smooth(x: Tensor) -> Tensor:
    """A function with no symmetry and a full Hessian."""
    return torch.nn.functional.softplus(x @ WEIGHTS.T) @ OUTPUTS


@pytest.mark.parametrize("radius", [1e-3, 1.0, 50.0])
def test_descent_ends_at_the_lowest_eigenvector(radius: float) -> None:
    radii = torch.full((20,), radius, dtype=torch.float64)
    start = onto_sphere(draws(20, 6), radii)
    end = descend(quadratic, start, radii, 300)
    assert torch.allclose(norms(end), radii, rtol=1e-12)
    assert torch.allclose(end[:, 0].abs(), radii, rtol=1e-9)
    verdict = check_smooth(quadratic, end, radii, draws(20, 6, seed=1))
    assert verdict.kind == [MINIMUM] * 20
    # Xi = diag - 1 on the tangent space; |dm| / eps = 1, and the gradient points outward: such a point is pinned.
    assert torch.allclose(verdict.lowest, torch.ones(20, dtype=torch.float64), rtol=1e-6)
    assert torch.allclose(verdict.outward, torch.ones(20, dtype=torch.float64), rtol=1e-6)


def test_every_eigenvector_is_critical_and_only_the_first_is_a_minimum() -> None:
    radii = torch.full((6,), 2.0, dtype=torch.float64)
    points = 2 * torch.eye(6, dtype=torch.float64)
    verdict = check_smooth(quadratic, points, radii, draws(6, 6, seed=1))
    assert list(verdict.kind) == [MINIMUM, *[SADDLE] * 5]
    others = [min(float(e) for e in EIGENVALUES if e != value) - float(value) for value in EIGENVALUES]
    expected = torch.tensor(others, dtype=torch.float64) / EIGENVALUES  # in units of |dm| / eps = the eigenvalue
    assert torch.allclose(verdict.lowest, expected, rtol=1e-9)
    assert float(verdict.residual.max()) < 1e-9  # all of the tangent space was searched


def test_a_point_on_the_way_is_not_stationary() -> None:
    radii = torch.ones(3, dtype=torch.float64)
    verdict = check_smooth(quadratic, onto_sphere(draws(3, 6), radii), radii, draws(3, 6, seed=1))
    assert verdict.kind == [MOVING] * 3
    assert not bool(verdict.accepted.any())


def test_curvature_is_the_projected_hessian_of_the_lagrangian() -> None:
    radii = torch.tensor([0.5, 2.0, 8.0], dtype=torch.float64)
    points = onto_sphere(draws(3, 6), radii)
    lowest, residual = least_curvature(smooth, points, radii, draws(3, 6, seed=2), 40)
    for row in range(3):
        gradient = torch.func.grad(lambda x: smooth(x[None])[0])(points[row])
        hessian = torch.func.hessian(lambda x: smooth(x[None])[0])(points[row])
        normal = points[row] / radii[row]
        xi = hessian - (gradient @ points[row]) / radii[row] ** 2 * torch.eye(6, dtype=torch.float64)
        basis = torch.linalg.svd(normal[None])[2][1:]  # an orthonormal basis of the tangent space
        dense = torch.linalg.eigvalsh(basis @ xi @ basis.T)[0] * radii[row] / gradient.norm()
        assert float(lowest[row]) == pytest.approx(float(dense), rel=1e-9, abs=1e-12)
    assert float(residual.max()) < 1e-12


def test_lanczos_stays_above_the_least_eigenvalue_within_its_residual() -> None:
    size, rows = 60, 4
    matrices = draws(rows, size, size)
    matrices = matrices + matrices.mT
    normal = onto_sphere(draws(rows, size, seed=1), torch.ones(rows, dtype=torch.float64))
    project = torch.eye(size, dtype=torch.float64) - normal[:, :, None] * normal[:, None, :]
    projected = project @ matrices @ project
    start = (project @ draws(rows, size, seed=2)[..., None])[..., 0]
    exact = torch.linalg.eigvalsh(projected)
    for iterations in (5, 20, 59):
        ritz, residual = lanczos(lambda v: (projected @ v[..., None])[..., 0], start, normal, iterations)
        assert bool((ritz >= exact[:, 0] - 1e-9).all())
        nearest = (exact - ritz[:, None]).abs().amin(1)
        assert bool((nearest <= residual + 1e-9).all())
    assert torch.allclose(ritz, exact[:, 0], rtol=1e-9)


def test_lanczos_leaves_the_few_directions_in_which_a_narrow_net_bends() -> None:
    """Two neurons on 40 inputs: after four steps the Krylov space is invariant; what follows must not be rounding."""
    weights, outputs, rows = draws(40, 2), draws(2, seed=1), 40

    def narrow(x: Tensor) -> Tensor:
        return torch.nn.functional.softplus(x @ weights) @ outputs

    radii = torch.ones(rows, dtype=torch.float64)
    points = onto_sphere(draws(rows, 40, seed=2), radii)
    lowest, residual = least_curvature(narrow, points, radii, draws(rows, 40, seed=3), 40)
    for row, point in enumerate(points):
        gradient = torch.func.grad(lambda x: narrow(x[None])[0])(point)
        xi = torch.func.hessian(lambda x: narrow(x[None])[0])(point) - gradient @ point * torch.eye(40)
        basis = torch.linalg.svd(point[None])[2][1:]
        dense = torch.linalg.eigvalsh(basis @ xi @ basis.T)[0] / gradient.norm()
        assert float(lowest[row]) == pytest.approx(float(dense), rel=1e-7)
    assert float(residual.max()) < 1e-12


def test_a_kinked_bowl_is_a_minimum_only_at_its_bottom() -> None:
    """|x_1| + 0.2 x_2 on the unit sphere: least at (0, -1, 0), on a kink; the gradient is normal nowhere near."""
    radii = torch.ones(2, dtype=torch.float64)
    points = torch.tensor([[0.0, -1.0, 0.0], [0.0, -0.8, 0.6]], dtype=torch.float64)

    def bowl(x: Tensor) -> Tensor:
        return x[:, 0].abs() + 0.2 * x[:, 1]

    verdict = check_kinked(bowl, points, radii, [draws(2, 3, seed=number) for number in range(16)], 0.02)
    assert list(verdict.kind) == [MINIMUM, LOWER]
    assert bool(verdict.lowest.isnan().all())


def test_rotation_by_an_angle() -> None:
    radii = torch.tensor([0.1, 3.0], dtype=torch.float64)
    points = onto_sphere(draws(2, 6), radii)
    turned = rotate(points, draws(2, 6, seed=3), radii, 0.3)
    cosine = (points * turned).sum(1) / radii.square()
    assert torch.allclose(cosine.acos(), torch.full((2,), 0.3, dtype=torch.float64), rtol=1e-6)
