"""The smallest flipping step against evaluation at all kinks, the line search, and nets whose step is known."""

import math

import pytest
import torch
from torch import Tensor

from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.line_search import line_search
from modules.lazy_regime.nets import LazyNets, initial


def net(weight: list[list[float]], signs: list[float], bias: list[float] | None = None) -> LazyNets:
    tensors = (torch.tensor([values], dtype=torch.float64) for values in (weight, signs))
    return LazyNets(*tensors, None if bias is None else torch.tensor([bias], dtype=torch.float64))


def brute_force(nets: LazyNets, x: Tensor, v: Tensor) -> Tensor:
    """f at every kink of every ray, one after another; the first with the other sign, and where the chord crosses 0."""
    found = torch.full((len(nets.weight), len(x)), torch.inf, dtype=torch.float64)
    for s in range(len(nets.weight)):
        one = nets.at([s])
        for i in range(len(x)):
            unit = v[s, i] / v[s, i].norm()
            kinks = -one.inner(x[i : i + 1])[0, 0] / (one.weight[0] @ unit)
            kinks = kinks[(kinks > 0) & kinks.isfinite()].sort().values
            t = torch.cat([torch.zeros(1), kinks, kinks.sum()[None] + 1e6])
            f = one(x[i] + t[:, None] * unit)[0].detach()
            other = (f * f[0].sign() < -1e-9 * (1 + t)).nonzero()
            if len(other):
                j = int(other[0])
                found[s, i] = t[j - 1] + (t[j] - t[j - 1]) * f[j - 1] / (f[j - 1] - f[j])
    return found


@pytest.mark.parametrize(("m", "d", "biases"), [(5, 3, True), (40, 2, True), (400, 20, False), (1200, 4, False)])
def test_it_is_what_looking_at_all_kinks_finds(m: int, d: int, biases: bool) -> None:
    """Wide nets in few dimensions have many kinks before the flip, so that more than the first ones are sorted."""
    nets = initial([0, 1], m, d, biases=biases, dtype=torch.float64)
    x = torch.randn(6, d, generator=torch.Generator().manual_seed(m), dtype=torch.float64)
    f, gradient = nets.value_and_gradient(x)
    for v in (gradient, nets.linear_direction().expand_as(gradient), torch.randn_like(gradient)):
        towards = -f.sign()[..., None] * v
        known = (f != 0) & (v.norm(dim=-1) > 0)
        found, expected = flip_steps(nets, x, towards)[known], brute_force(nets, x, towards)[known]
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def test_the_line_search_never_finds_a_smaller_step_and_is_within_its_increment() -> None:
    nets = initial([0, 1], 200, 30, biases=True)
    x = torch.randn(40, 30, generator=torch.Generator().manual_seed(0)) / 30**0.5
    f, gradient = nets.value_and_gradient(x)
    exact, searched = flip_steps(nets, x, gradient, -f.sign()), line_search(nets, x, -f.sign()[..., None] * gradient)
    reached = searched.isfinite()
    assert reached.float().mean() > 0.9
    ahead = (searched - exact)[reached]
    assert float(ahead.min()) > -1e-6  # the search's float32
    assert float(ahead.max()) < 0.001 + 1e-6
    assert (exact[~reached] > 5 - 1e-6).all()


def test_beyond_the_step_the_sign_is_the_other_one_and_before_it_is_not() -> None:
    nets = initial([0], 300, 10, dtype=torch.float64)
    x = torch.randn(30, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    f, gradient = nets.value_and_gradient(x)
    t, unit = flip_steps(nets, x, gradient, -f.sign())[0], -f.sign()[0, :, None] * gradient[0]
    unit = unit / unit.norm(dim=1, keepdim=True)
    flips, sign = t.isfinite(), f[0].sign()
    assert flips.float().mean() > 0.9
    for share in (0.1, 0.5, 0.9, 1 - 1e-9):
        assert (nets(x + share * t[:, None] * unit)[0].sign() == sign)[flips].all()
    assert (nets(x + (1 + 1e-9) * t[:, None] * unit)[0].sign() == -sign)[flips].all()
    for far in (1.0, 10.0, 1e4):
        assert (nets(x + far * unit)[0].sign() == sign)[~flips].all()


def test_known_steps_of_small_nets() -> None:
    right, left = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[-1.0, 0.0]]])
    at = torch.tensor([[2.0, 0.0]])
    alone = net([[1, 0]], [1])
    assert flip_steps(alone, at, right).tolist() == [[math.inf]]
    assert flip_steps(alone, at, left).tolist() == [[math.inf]]  # falls to 0 at 2 and stays: not the other sign
    assert flip_steps(net([[1, 0], [-1, 0]], [1, -1]), at, 7 * left).tolist() == [[2.0]]  # f is x there
    # f = relu(x) - 2 relu(x - 3) up to scale, from 2 to the right: 2 + t, then 4 - (2 + t) beyond the kink at 1
    hat = net([[1, 0], [2, 0]], [1, -1], [0, -6])
    assert flip_steps(hat, at, right)[0, 0] == pytest.approx(4.0)
    assert flip_steps(hat, at, torch.zeros(1, 1, 2)).tolist() == [[math.inf]]
    # Four neurons with one kink are one neuron.
    twins = net([[1, 0]] * 2 + [[-1, 0]] * 2, [1, 1, -1, -1])
    assert flip_steps(twins, at, left)[0, 0] == pytest.approx(2.0)
    assert flip_steps(twins, torch.zeros(1, 2), left).tolist() == [[0.0]]  # f = 0 there


def test_a_neuron_at_its_kink_counts_in_the_direction_of_the_ray() -> None:
    nets, origin = net([[1, 0], [0, 1]], [-1, 1], [0, 1]), torch.zeros(1, 2)  # f ~ 1 - relu(x), at its kink
    assert flip_steps(nets, origin, torch.tensor([[[1.0, 0.0]]]))[0, 0] == pytest.approx(1.0)
    assert flip_steps(nets, origin, torch.tensor([[[-1.0, 0.0]]]))[0, 0] == math.inf


def test_directions_per_net_senses_and_lengths_change_nothing() -> None:
    nets = initial([0, 1], 60, 5, biases=True)
    x = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    f, v = nets(x).detach(), nets.linear_direction()
    expected = flip_steps(nets, x, -f.sign()[..., None] * v)
    torch.testing.assert_close(flip_steps(nets, x, 1e-9 * v, -f.sign()), expected)
    torch.testing.assert_close(flip_steps(nets, x.expand(2, 9, 5), v, -f.sign()), expected)
    torch.testing.assert_close(flip_steps(nets.at([1]), x[4:], v[1:], -f.sign()[1:, 4:]), expected[1:, 4:])
