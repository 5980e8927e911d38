"""The nearest point of an l1 ball within the box: beside a quadratic program, a closed form, and its angles."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from suite.attacks.l1_ball import nearest_in_l1


def fixture(count: int = 12, d: int = 6) -> tuple[Tensor, Tensor]:
    """Images with pixels on the box among them, and points around them."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, d, dtype=torch.float64, generator=generator)
    images[:, 0], images[1, 1:3] = 0, 1
    return images, images + 0.7 * torch.randn(count, d, dtype=torch.float64, generator=generator)


def by_program(c: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    """min |c + p - n - x|^2 over p, n >= 0 with sum(p + n) <= eps, c + p - n in the box."""
    d = len(c)
    back = np.hstack([np.eye(d), -np.eye(d)])
    found = minimize(
        lambda v: ((c + back @ v - x) ** 2).sum(), np.zeros(2 * d), jac=lambda v: 2 * back.T @ (c + back @ v - x),
        method="SLSQP", bounds=[*[(0, float(r)) for r in 1 - c], *[(0, float(r)) for r in c]],
        constraints={"type": "ineq", "fun": lambda v: eps - v.sum(), "jac": lambda v: -np.ones(2 * d)},
        options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    assert found.success
    result: np.ndarray = c + back @ found.x
    return result


@pytest.mark.parametrize("eps", [0.05, 0.4, 1.0, 3.0])
def test_it_is_the_programs_solution(eps: float) -> None:
    images, x = fixture()
    near = nearest_in_l1(images, x, eps)
    for c, point, end in zip(images.numpy(), x.numpy(), near.numpy(), strict=True):
        np.testing.assert_allclose(end, by_program(c, point, eps), atol=1e-5)


def test_no_other_point_of_the_ball_lies_in_its_direction() -> None:
    """What makes it the nearest: <x - P x, z - P x> <= 0 for every z of the ball within the box."""
    images, x = fixture(40, 30)
    near = nearest_in_l1(images, x, 1.5)
    assert float((near - images).abs().sum(1).max()) <= 1.5 + 1e-12
    for seed in range(50):
        other = torch.randn(40, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        z = nearest_in_l1(images, images + other, 1.5)
        assert float(((x - near) * (z - near)).sum(1).max()) <= 1e-12


def test_without_the_box_offsets_shrink_by_one_threshold() -> None:
    """(0.3, -0.2, 0.05) into a ball of 0.3: by 0.1, and the third to nothing."""
    centre = torch.full((1, 3), 0.5, dtype=torch.float64)
    near = nearest_in_l1(centre, centre + torch.tensor([0.3, -0.2, 0.05]).double(), 0.3)
    torch.testing.assert_close(near, centre + torch.tensor([0.2, -0.1, 0.0]).double())


def test_points_within_stay_and_unchanged_pixels_are_the_images() -> None:
    images, x = fixture(20, 50)
    near = nearest_in_l1(images, x, 2.0)
    torch.testing.assert_close(nearest_in_l1(images, near, 2.0), near)
    assert int((near == images).sum(1).min()) > 0 and int((near != images).sum(1).min()) > 0


def test_float32_loses_little() -> None:
    """3,072 pixels, moved by 2,450 in all, into a ball of 12."""
    torch.manual_seed(0)
    images = torch.rand(8, 3072)
    x = images + torch.randn(8, 3072)
    near = nearest_in_l1(images, x, 12.0)
    torch.testing.assert_close(near.double(), nearest_in_l1(images.double(), x.double(), 12.0), rtol=0, atol=1e-6)
    torch.testing.assert_close((near - images).abs().sum(1), torch.full((8,), 12.0), rtol=2e-5, atol=0)
