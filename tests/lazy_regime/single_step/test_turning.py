"""The closed form of a net that uses its whole ball, against wide nets that do."""

import numpy as np
import pytest
import torch

from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets
from modules.lazy_regime.single_step.turning import TURNED, eta, gradient, relative, turned_power


def whole_ball(S: int, m: int, d: int, c0: float, *, seed: int) -> tuple[torch.Tensor, LazyNets]:
    """A unit vector x (1, d), and S nets whose neurons have all moved by a_s C0 / sqrt m towards it."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.nn.functional.normalize(torch.randn(1, d, generator=draw, dtype=torch.float64), dim=-1)
    signs = torch.randint(0, 2, (S, m), generator=draw).double() * 2 - 1
    start = torch.randn(S, m, d, generator=draw, dtype=torch.float64)
    return x, LazyNets(start + c0 / m**0.5 * signs[..., None] * x, signs)


@pytest.mark.parametrize(("d", "c0"), [(16, 3.0), (64, 10.0)])
def test_wide_nets_whose_neurons_all_move_towards_x(d: int, c0: float) -> None:
    """f and |grad f|^2 are the closed form's, within 4 standard errors of 40 nets.

    f(x) and |grad f|^2 also hold x . grad f at the start, N(0, 1 / 2), which is 0 on average.
    """
    S = 40
    x, nets = whole_ball(S, 4000, d, c0, seed=0)
    f, of_nets = nets.value_and_gradient(x)
    squared = of_nets.square().sum(-1)
    for measured, expected in ((f, c0 / 2), (squared, float(gradient(np.array(d, float), c0)) ** 2)):
        assert abs(measured.mean() - expected) < 4 * measured.std() / S**0.5


def test_to_first_order_the_smallest_step_is_f_over_the_gradient() -> None:
    """d = 400, C0 = 4: relative perturbations of about .14, over which few gates change."""
    S, m, d, c0 = 10, 2000, 400, 4.0
    x, nets = whole_ball(S, m, d, c0, seed=1)
    f, of_nets = nets.value_and_gradient(x)
    exact = flip_steps(nets, x, -f.sign()[..., None] * of_nets)
    first_order = f.abs() / torch.linalg.vector_norm(of_nets, dim=-1)
    assert (exact / first_order - 1).abs().median() < 0.1
    assert float(first_order.mean()) == pytest.approx(float(relative(np.array(400.0), c0)), rel=4 * 0.35 / S**0.5)


def test_far_above_c0_squared_the_powers_are_the_printed_ones() -> None:
    sizes = np.array([1e6, 2e6, 4e6])
    assert turned_power("gradient", sizes, 3) == pytest.approx(0.5, abs=1e-4)
    assert turned_power("eta", sizes, 3) == pytest.approx(-1, abs=1e-4)
    assert turned_power("delta_over_norm", sizes, 3) == pytest.approx(-0.5, abs=1e-4)


def test_delta_is_eta_times_the_gradient() -> None:
    sizes = np.array([25.0, 784.0])
    assert eta(sizes, 10) * gradient(sizes, 10) == pytest.approx(relative(sizes, 10))
    assert TURNED["delta"] is TURNED["delta_over_norm"] is relative


def test_a_line_needs_two_sizes_and_a_ball() -> None:
    assert turned_power("gradient", np.array([25.0]), 3) is None
    assert turned_power("gradient", np.array([25.0, 100.0]), 0) is None
    assert turned_power("radius_90", np.array([25.0, 100.0]), 3) is None
