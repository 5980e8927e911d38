"""The nets in closed form against autograd and gradient rules; what initialisation depends on; its known moments."""

from math import pi

import pytest
import torch

from modules.lazy_regime.nets import LazyNets, initial, net_seeds
from modules.linbp.gradient import linbp
from suite.gradients.diagnostics import input_gradient


def points(n: int, d: int) -> torch.Tensor:
    drawn = torch.randn(n, d, generator=torch.Generator().manual_seed(n + d), dtype=torch.float64)
    return drawn / drawn.norm(dim=1, keepdim=True)


def autograd(model: torch.nn.Module, x: torch.Tensor, nets: int) -> torch.Tensor:
    return input_gradient(model, x.repeat(nets, 1, 1), x[:, 0], lambda f, _: torch.ones_like(f))


@pytest.mark.parametrize("biases", [False, True])
def test_value_and_gradient_are_the_definition_and_autograds(biases: bool) -> None:
    nets, x = initial([3, 4], 30, 5, biases=biases, dtype=torch.float64), points(7, 5)
    f, gradient = nets.value_and_gradient(x)
    for net in range(2):
        inner = x @ nets.weight[net].T + (nets.bias[net] if nets.bias is not None else 0)
        expected = (inner.relu() * nets.signs[net]).sum(1) / 30**0.5
        if nets.output_bias is not None:
            assert abs(float(nets.output_bias[net])) == pytest.approx(30**-0.5)
            expected = expected + nets.output_bias[net]
        torch.testing.assert_close(f[net], expected)
    torch.testing.assert_close(nets(x), f)
    torch.testing.assert_close(gradient, autograd(nets, x, 2))


def test_linbp_gives_the_linear_direction_at_every_point() -> None:
    nets, x = initial([0, 1], 50, 6, biases=True, dtype=torch.float64), points(9, 6)
    direction = nets.linear_direction()
    torch.testing.assert_close(autograd(linbp(nets), x, 2), direction.expand(2, 9, 6))
    torch.testing.assert_close(direction[0, 0], nets.weight[0].T @ nets.signs[0] / 50**0.5)


def test_a_net_depends_on_its_own_seed_alone() -> None:
    together, alone = initial([5, 6, 7], 20, 4, biases=True), initial([6], 20, 4, biases=True)
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor[0], together.state_dict()[name][1]), name
    assert not set(net_seeds(0, range(50))) & set(net_seeds(1, range(50)))
    assert set(together.signs.unique().tolist()) == {-1.0, 1.0}


def test_moments_at_initialisation() -> None:
    """f ~ N(0, 1/2), |grad f| ~ sqrt(d / 2), |f| / |grad f| ~ sqrt(2 / (pi d)), LinBP's cosine 1 / sqrt 2; wide nets.

    4 standard errors of 400 independent nets; the gradient's own spread over nets is far below its mean.
    """
    d, n = 100, 400
    nets, x = initial(range(n), 400, d), points(1, d).float()
    f, gradient = (values[:, 0] for values in nets.value_and_gradient(x))
    assert abs(float(f.square().mean()) - 0.5) < 4 * 0.5 * (2 / n) ** 0.5
    length = gradient.norm(dim=-1)
    assert abs(float(length.mean()) / (d / 2) ** 0.5 - 1) < 0.03
    ratio = f.abs() / length
    assert abs(float(ratio.mean()) - (2 / (pi * d)) ** 0.5) < 4 * float(ratio.std()) / n**0.5 + 0.003
    cosine = torch.cosine_similarity(gradient, nets.linear_direction()[:, 0])
    assert abs(float(cosine.mean()) - 2**-0.5) < 0.02


def test_no_width_is_no_net() -> None:
    with pytest.raises(ValueError, match="width 0"):
        initial([0], 0, 3)


def test_chosen_nets_are_copies() -> None:
    nets = initial([0, 1, 2], 8, 3, biases=True)
    chosen = nets.at([2, 0])
    assert isinstance(chosen, LazyNets)
    with torch.no_grad():
        chosen.weight.zero_()
    assert nets.weight.abs().min() > 0
    assert torch.equal(chosen.signs[0], nets.signs[2])
