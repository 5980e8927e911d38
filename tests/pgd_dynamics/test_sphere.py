"""Descent on spheres: against the exact circle, against a closed form, and what clustering and Xi let through."""

import torch

from modules.pgd_dynamics import sphere
from modules.pgd_dynamics.draws import directions, draw
from modules.pgd_dynamics.losses import LOGISTIC, QUADRATIC
from modules.pgd_dynamics.plane import extrema
from modules.pgd_dynamics.sphere import local_minima


def starts(networks: int, n: int, d: int) -> torch.Tensor:
    return torch.stack([directions(seed, "test", n, d) for seed in range(networks)])


def test_in_the_plane_it_finds_the_exact_minima() -> None:
    landscape, eps = draw(range(6), 200, 2, 1.0, QUADRATIC, 1.0), 3.0
    found = local_minima(landscape, torch.full((6,), eps, dtype=torch.float64), starts(6, 100, 2))
    exact = extrema(landscape, eps)
    place, angle = exact.place[exact.is_minimum], exact.angle[exact.is_minimum]
    assert torch.bincount(found.place, minlength=6).tolist() == torch.bincount(place, minlength=6).tolist()
    assert len(found.place) > 6
    reached = torch.atan2(found.delta[:, 1], found.delta[:, 0]) % (2 * torch.pi)
    order = torch.argsort(found.place.double() * 8 + reached)
    torch.testing.assert_close(reached[order], angle, rtol=0, atol=1e-9)
    assert not found.unsettled.any()


def test_one_neuron_has_two_minima_or_one() -> None:
    """-(y - a sigma(w.delta))^2 falls both ways from where f = y, if that is on the sphere, else one way only."""
    net = draw([0], 1, 6, 1e-9, QUADRATIC, 0.0).net
    f0 = float(net.value(torch.zeros(1, 1, 6, dtype=torch.float64)))
    for y, expected in ((f0, 2), (100.0, 1)):
        landscape = draw([0], 1, 6, 1e-9, QUADRATIC, y)
        found = local_minima(landscape, torch.ones(1, dtype=torch.float64), starts(1, 40, 6))
        assert len(found.place) == expected
        w = net.W[0, 0] / net.W.norm()
        torch.testing.assert_close((found.delta @ w).abs(), torch.ones(expected, dtype=torch.float64))
        assert int(found.starts.sum()) == 40


def test_what_it_returns_are_minima_on_the_sphere() -> None:
    landscape = draw(range(3), 300, 7, 1.0, LOGISTIC, 1.0)
    found = local_minima(landscape, torch.full((3,), 6.0, dtype=torch.float64), starts(3, 30, 7))
    torch.testing.assert_close(found.delta.norm(dim=-1), torch.full_like(found.L, 6.0))
    near = found.delta[:, None] + 1e-3 * torch.randn(len(found.L), 50, 7, dtype=torch.float64)
    near = 6 * near / near.norm(dim=-1, keepdim=True)
    assert (landscape.at(found.place).value(near) > found.L[:, None]).all()
    assert (found.lowest > 0).all()
    assert (torch.bincount(found.place, minlength=3) >= 1).all()
    assert int(found.starts.sum() + found.unsettled.sum()) == 90


def test_starts_that_have_not_settled_are_counted_and_left_out() -> None:
    landscape = draw(range(2), 50, 4, 1.0, QUADRATIC, 1.0)
    found = local_minima(landscape, torch.ones(2, dtype=torch.float64), starts(2, 9, 4), iterations=0)
    assert int(found.unsettled.sum()) > 0
    assert int(found.starts.sum() + found.unsettled.sum()) == 18


def test_clusters_join_what_is_near_and_nothing_else() -> None:
    angle = torch.tensor([[0.0, 0.5, 1e-4, 0.5 + 1e-5, 3.0]], dtype=torch.float64)
    vectors = torch.stack([angle.cos(), angle.sin()], -1)
    assert sphere.cluster(vectors).tolist() == [[0, 1, 0, 1, 4]]
