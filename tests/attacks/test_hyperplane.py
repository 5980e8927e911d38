"""The shortest move to a hyperplane within the box, beside scipy's linear and quadratic programs."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize
from torch import Tensor

from suite.attacks.ball import BallNorm
from suite.attacks.hyperplane import to_hyperplane


def fixture(count: int = 12, d: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """Points, normals and offsets whose hyperplane some point of the box is on."""
    generator = torch.Generator().manual_seed(0)
    points, inside = (torch.rand(count, d, dtype=torch.float64, generator=generator) for _ in range(2))
    points[0, :3] = torch.tensor([0.0, 1.0, 0.0])  # on the box
    normals = torch.randn(count, d, dtype=torch.float64, generator=generator)
    normals[1, 2] = 0
    return points, normals, (normals * inside).sum(1)


def shortest_linf(x: np.ndarray, w: np.ndarray, b: float) -> float:
    """min t over (z, t): <w, z> = b, |z - x| <= t, z in the box."""
    d = len(x)
    one = np.ones((d, 1))
    bound = np.block([[np.eye(d), -one], [-np.eye(d), -one]])
    found = linprog(
        np.r_[np.zeros(d), 1], bound, np.r_[x, -x], np.r_[w, 0][None], [b], [*[(0, 1)] * d, (0, None)], method="highs"
    )
    assert found.success
    return float(found.fun)


def shortest_l2(x: np.ndarray, w: np.ndarray, b: float) -> float:
    found = minimize(
        lambda z: ((z - x) ** 2).sum(), np.full(len(x), 0.5), jac=lambda z: 2 * (z - x), method="SLSQP",
        bounds=[(0, 1)] * len(x), constraints={"type": "eq", "fun": lambda z: w @ z - b, "jac": lambda z: w},
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert found.success
    return float(found.fun) ** 0.5


def shortest_l1(x: np.ndarray, w: np.ndarray, b: float) -> float:
    """min sum t over (z, t): <w, z> = b, |z - x| <= t, z in the box."""
    d = len(x)
    one = np.eye(d)
    bound = np.block([[one, -one], [-one, -one]])
    found = linprog(
        np.r_[np.zeros(d), np.ones(d)], bound, np.r_[x, -x], np.r_[w, np.zeros(d)][None], [b],
        [*[(0, 1)] * d, *[(0, None)] * d], method="highs",
    )  # fmt: skip
    assert found.success
    return float(found.fun)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_it_is_the_programs_solution(norm: BallNorm) -> None:
    points, normals, offsets = fixture()
    ends = points + to_hyperplane(points, normals, offsets, norm)
    assert -1e-12 <= float(ends.min()) <= float(ends.max()) <= 1 + 1e-12
    torch.testing.assert_close((normals * ends).sum(1), offsets)
    for x, w, b, end in zip(points.numpy(), normals.numpy(), offsets.numpy(), ends.numpy(), strict=True):
        if norm == "linf":
            assert np.abs(end - x).max() == pytest.approx(shortest_linf(x, w, b), abs=1e-9)
        elif norm == "l1":
            assert np.abs(end - x).sum() == pytest.approx(shortest_l1(x, w, b), abs=1e-9)
        else:
            assert np.linalg.norm(end - x) == pytest.approx(shortest_l2(x, w, b), abs=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_plane_out_of_reach_is_approached_to_the_nearest_corner(norm: BallNorm) -> None:
    points, normals, _ = fixture()
    for far, corner in ((1e3, (normals > 0).double()), (-1e3, (normals < 0).double())):
        ends = points + to_hyperplane(points, normals, torch.full((len(points),), far, dtype=torch.float64), norm)
        expected = torch.where(normals == 0, points, corner)
        torch.testing.assert_close(ends, expected)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_on_the_plane_and_without_a_normal_nothing_moves(norm: BallNorm) -> None:
    points, normals, _ = fixture()
    assert not to_hyperplane(points, normals, (normals * points).sum(1), norm).any()
    assert not to_hyperplane(points, torch.zeros_like(normals), torch.ones(len(points)).double(), norm).any()


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_float32_loses_little(norm: BallNorm) -> None:
    """3,072 pixels, as in a CIFAR image: sums that cancel would be off by much more than rounding."""
    torch.manual_seed(0)
    points, normals = torch.rand(8, 3072), torch.randn(8, 3072)
    offsets = (normals * torch.rand(8, 3072)).sum(1)
    exact = to_hyperplane(points.double(), normals.double(), offsets.double(), norm)
    torch.testing.assert_close(to_hyperplane(points, normals, offsets, norm).double(), exact, rtol=1e-3, atol=1e-5)
