"""The searches of the theory: the largest change of the gradient around x, and the worst net of the lazy ball."""

from math import pi, sqrt

import torch
from torch import Tensor

from modules.lazy_regime.ball import distance
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import initial
from modules.lazy_regime.theory import given_nets, gradient_change, worst_net


def unit(n: int, d: int, seed: int = 0) -> Tensor:
    drawn = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=-1)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_change_is_that_of_autograd() -> None:
    nets, x = initial([1, 2], 30, 5, dtype=torch.float64), unit(4, 5).expand(2, 4, 5).clone().requires_grad_()
    delta = 0.5 * unit(8, 5, 1).view(2, 4, 5)
    (here,) = torch.autograd.grad(nets(x).sum(), x)
    (there,) = torch.autograd.grad(nets(x + delta).sum(), x)
    assert torch.allclose(gradient_change.change(nets, x.detach(), delta), there - here)


def test_the_ascent_comes_near_the_supremum_in_the_plane() -> None:
    nets, x = initial(range(5), 100, 2, dtype=torch.float64), unit(3, 2).expand(5, 3, 2)
    radius = torch.full((5, 3), 0.3, dtype=torch.float64)
    angles = torch.linspace(0, 2 * pi, 361, dtype=torch.float64)[:-1]
    grid = torch.stack(
        [
            gradient_change.change(nets, x, r * torch.stack([a.cos(), a.sin()]).expand(5, 3, 2)).norm(dim=-1)
            for a in angles
            for r in (0.1, 0.2, 0.3)
        ]
    )
    start = unit(15, 2, 2).view(5, 3, 2)
    found = gradient_change.supremum(nets, x, start, radius, 32, 12, generator())
    best = grid.amax(0)
    assert bool((found <= best * 1.1).all())  # the grid misses small cells
    assert float((found / best).mean()) > 0.95


def test_the_ascent_beats_chance_and_the_straight_step() -> None:
    nets, x = initial([3], 400, 50, dtype=torch.float64), unit(6, 50)[None]
    f, g = nets.value_and_gradient(x)
    radius = 2 * f.abs() / g.norm(dim=-1)
    step = -f.sign()[..., None] * g / g.norm(dim=-1, keepdim=True)
    mean, largest = gradient_change.sampled(nets, x, radius, 16, generator())
    straight = gradient_change.on_the_way(nets, x, step, radius)
    found = gradient_change.supremum(nets, x, step, radius, 24, 1, generator())
    assert bool((mean <= largest).all()) and bool((found > largest).all()) and bool((found > straight).all())
    assert bool((gradient_change.ascended(nets, x, step, 0 * radius, 8) == 0).all())


def test_the_way_uphill_is_that_of_autograd() -> None:
    nets, x = initial(range(4), 25, 6, dtype=torch.float64), unit(4, 6)
    f, g = nets.value_and_gradient(x[:, None])
    size = flip_steps(nets, x[:, None], g, -f.sign())[:, 0].clamp(max=0.5)
    weight = nets.weight.detach().clone().requires_grad_()
    inner = (weight @ x[..., None]).squeeze(-1)
    gates = (inner > 0).double().detach()  # held
    gradient = ((nets.signs * gates)[..., None] * weight).sum(1) / 5
    y = x - f.sign() * size[:, None] * gradient / gradient.norm(dim=-1, keepdim=True)
    h = f.sign()[:, 0] * (nets.signs * (weight @ y[..., None]).squeeze(-1).relu()).sum(-1) / 5
    (true,) = torch.autograd.grad(h.sum(), weight)
    uphill = worst_net._uphill(nets, f.sign(), x, size)
    moved = true.norm(dim=-1) > 1e-12
    assert torch.allclose(uphill[moved], true[moved] / true[moved].norm(dim=-1, keepdim=True))
    assert bool((uphill[~moved].norm(dim=-1) < 1e-9).all()) and bool(moved.any())


def test_the_worst_net_is_in_the_ball_and_about_as_bad_as_expected() -> None:
    m, d, c0 = 1000, 120, 0.8
    start, x, radius = initial([7], m, d), unit(4, d).float(), c0 / sqrt(m)
    nets = start.at([0] * 4)
    f, g = start.value_and_gradient(x)
    found = worst_net.resist(nets, nets, x, radius, 12)
    assert bool((found.distance <= 1 + 1e-5).all())
    assert bool((found.size > flip_steps(start, x, g, -f.sign())[0]).all())
    reach = c0 * (start.inner(x) > 0).float().mean(-1)
    expected = given_nets.worst_flip(f, g.norm(dim=-1), reach)[0]
    assert bool((found.size > 0.9 * expected).all()) and bool((found.size < 1.6 * expected).all())
    still = worst_net.resist(nets, nets, x, 0.0, 12)
    assert torch.allclose(still.size, flip_steps(start, x, g, -f.sign())[0], rtol=1e-4)  # another order of float32 sums
    assert bool((still.distance == 0).all())
    assert float(distance(nets, nets).max()) == 0  # what was given stays as it is


def test_a_ball_as_wide_as_the_gradient_holds_nets_that_no_step_flips() -> None:
    m, d, c0 = 300, 9, 10.0
    nets = initial([1], m, d).at([0] * 5)
    found = worst_net.resist(nets, nets, unit(5, d).float(), c0 / sqrt(m), 20)
    assert bool(found.size.isinf().all())
