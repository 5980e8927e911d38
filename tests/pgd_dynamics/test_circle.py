"""Exact critical points: closed forms, dense grids that may miss none, and the certificate's own consistency."""

from math import pi

import pytest
import torch
from torch import Tensor

from modules.pgd_dynamics import circle
from modules.pgd_dynamics.circle import Circles
from modules.pgd_dynamics.circle_relu import relu_extrema
from modules.pgd_dynamics.losses import LOGISTIC, QUADRATIC
from modules.pgd_dynamics.two_layer import RELU, TwoLayer, softplus, xavier

CELLS = [(0.01, 10.0, 1.0), (1.0, 10.0, 1.0), (10.0, 1.0, 3.0), (100.0, 1.0, 1.0)]  # scale, ratio, beta


def circles(scale: float, ratio: float, beta: float = 1.0, m: int = 200, networks: int = 4) -> Circles:
    x = scale * torch.tensor([[0.6, 0.8]], dtype=torch.float64).expand(networks, 2)
    eps = torch.full((networks,), scale * ratio, dtype=torch.float64)
    return Circles(xavier(range(networks), m, 2, softplus(beta)), x, eps)


def on_a_grid(net: TwoLayer, x: Tensor, eps: float, points: int = 40_001) -> Tensor:
    """f of one network at evenly spaced angles."""
    angle = torch.linspace(0, 2 * pi, points, dtype=torch.float64)[:-1]
    return net.value((x + eps * torch.stack([angle.cos(), angle.sin()], -1))[None])[0]


def local_maxima(f: Tensor) -> int:
    return int(((f > f.roll(1)) & (f > f.roll(-1))).sum())


def test_a_single_neuron_has_its_extrema_along_its_weights() -> None:
    found = circles(1.0, 2.0, m=1, networks=3)
    roots = found.critical_points()
    w = found.net.W[:, 0]
    along = torch.atan2(w[:, 1], w[:, 0]) % (2 * pi)
    both = torch.stack([along, (along + pi) % (2 * pi)], 1).sort(1).values
    torch.testing.assert_close(roots.angle.view(3, 2), both, rtol=0, atol=1e-14)
    assert roots.place.tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(("scale", "ratio", "beta"), CELLS)
def test_no_extremum_of_a_dense_grid_is_missing(scale: float, ratio: float, beta: float) -> None:
    found = circles(scale, ratio, beta)
    roots = found.critical_points()
    assert not roots.undecided.any()
    for network in range(4):
        mine = roots.place == network
        f = on_a_grid(found.net.at([network]), found.x[network], scale * ratio)
        maxima = int((roots.curvature[mine] < 0).sum())
        assert maxima == local_maxima(f)
        assert 2 * maxima == int(mine.sum())  # maxima and minima alternate
        assert f.max() <= roots.f[mine].max() + 1e-12 * f.abs().max()


@pytest.mark.parametrize(("scale", "ratio", "beta"), CELLS)
def test_more_arcs_to_begin_with_give_the_same_roots(scale: float, ratio: float, beta: float) -> None:
    found = circles(scale, ratio, beta)
    few, many = found.critical_points(arcs=16), found.critical_points(arcs=128)
    assert torch.equal(few.place, many.place)
    torch.testing.assert_close(few.angle, many.angle, rtol=0, atol=1e-10)


def test_roots_and_their_derivatives_are_autograds() -> None:
    found = circles(1.0, 10.0)
    roots = found.critical_points()
    angle = roots.angle.clone().requires_grad_()
    (g,) = torch.autograd.grad(found.value(roots.place, angle).sum(), angle, create_graph=True)
    (curvature,) = torch.autograd.grad(g.sum(), angle)
    torch.testing.assert_close(curvature, roots.curvature)
    assert (g / curvature).abs().max() < 1e-13  # the angle's error


def test_the_bounds_of_an_arc_hold_inside_it() -> None:
    found = circles(1.0, 10.0)
    place = torch.zeros(50, dtype=torch.long)
    middle = torch.linspace(0, 6, 50, dtype=torch.float64)
    half = torch.full_like(middle, 0.02)
    g, slope, bound = found._local(place, middle, half)
    for share in (-1.0, -0.3, 0.7, 1.0):
        t = share * half
        inside, inside_slope = found.slope(place, middle + t)
        assert ((inside - (g * t.cos() + slope * t.sin())).abs() <= bound * (1 - t.cos()) + 1e-12).all()
        assert ((inside_slope - (slope * t.cos() - g * t.sin())).abs() <= bound * t.abs().sin() + 1e-12).all()


def test_flat_functions_and_double_roots_are_undecided_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    net = xavier([0], 3, 2)
    eps, x = torch.tensor([1.0], dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    silent = Circles(TwoLayer(net.W, 0 * net.a, softplus()), x, eps).critical_points()
    assert len(silent.angle) == 0
    assert silent.undecided.tolist() == [circle.ARCS]
    monkeypatch.setattr(circle, "MOST", 2000)
    twice = TwoLayer(net.W[:, [0, 0]], torch.tensor([[1.0, -1.0]], dtype=torch.float64), softplus())
    assert Circles(twice, x, eps).critical_points().undecided.item() > 0


def test_the_label_is_met_between_critical_points() -> None:
    found = circles(1.0, 10.0)
    roots = found.critical_points()
    label = torch.full((4,), 1.0, dtype=torch.float64)
    met = found.stationary_outputs(roots, QUADRATIC, label)
    torch.testing.assert_close(found.value(met.place, met.angle), label[met.place])
    for network in range(4):
        above = on_a_grid(found.net.at([network]), found.x[network], 10.0) > 1
        assert int((met.place == network).sum()) == int((above != above.roll(1)).sum())
    assert len(found.stationary_outputs(roots, LOGISTIC, label).angle) == 0


@pytest.mark.parametrize(("scale", "eps"), [(1.0, 10.0), (1.0, 0.5), (5.0, 1.0)])
def test_relu_extrema_are_those_of_a_dense_grid(scale: float, eps: float) -> None:
    x = scale * torch.tensor([0.6, 0.8], dtype=torch.float64)
    for seed in range(3):
        net = xavier([seed], 60, 2, RELU)
        angle, f, is_top = relu_extrema(net, x, eps)
        grid = on_a_grid(net, x, eps)
        assert int(is_top.sum()) == local_maxima(grid) == local_maxima(-grid) == len(angle) - int(is_top.sum())
        assert (angle.diff() > 0).all()
        assert 0 <= f.max() - grid.max() < 1e-5 * eps  # the grid's spacing squared, or once at a kink
        assert (is_top[1:] != is_top[:-1]).all()


def test_relu_without_a_kink_is_a_sinusoid() -> None:
    net = xavier([0], 20, 2, RELU)
    net = TwoLayer(net.W.abs(), net.a, RELU)
    angle, _, is_top = relu_extrema(net, torch.tensor([50.0, 50.0], dtype=torch.float64), 1.0)
    v = net.linear_gradient()[0, 0]
    top = torch.atan2(v[1], v[0]) % (2 * pi)
    torch.testing.assert_close(angle[is_top], top[None], rtol=0, atol=1e-12)
    torch.testing.assert_close(angle[~is_top], (top[None] + pi) % (2 * pi), rtol=0, atol=1e-12)
