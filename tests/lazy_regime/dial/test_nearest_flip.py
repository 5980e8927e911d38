"""What the dial measures beside the exact flip: the nearest flip by many steps, and the tangent kernel."""

from math import pi

import pytest
import torch
from torch import Tensor

from modules.lazy_regime.dial.nearest_flip import nearest_flip
from modules.lazy_regime.dial.tangent_kernel import drift, kernel
from modules.lazy_regime.exact_flip import flip_steps
from modules.lazy_regime.nets import LazyNets, initial


def unit(n: int, d: int, seed: int = 0) -> Tensor:
    drawn = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=-1)


def test_many_steps_find_the_nearest_flip_of_a_line_and_in_the_plane() -> None:
    w = unit(1, 7, 5) * 3
    line = LazyNets(torch.cat([w, -w])[None], torch.tensor([[1.0, -1.0]], dtype=torch.float64))
    x = unit(6, 7, 6)
    assert torch.allclose(nearest_flip(line, x, 5)[0], (x @ w[0]).abs() / 3)
    nets, points = initial(range(4), 30, 2, dtype=torch.float64), unit(5, 2, 3)
    f, g = nets.value_and_gradient(points)
    angles = torch.linspace(0, 2 * pi, 181, dtype=torch.float64)
    around = [flip_steps(nets, points, torch.stack([a.cos(), a.sin()]).expand(4, 5, 2)) for a in angles]
    nearest, found = torch.stack(around).amin(0), nearest_flip(nets, points, 30)
    assert bool((found <= flip_steps(nets, points, g, -f.sign()) * (1 + 1e-9)).all())
    assert bool((found >= nearest * 0.98).all())  # angles two degrees apart
    known = nearest.isfinite()
    assert float(((found <= 1.02 * nearest)[known]).double().mean()) > 0.7


@pytest.mark.parametrize("biases", [False, True])
def test_the_kernel_is_the_product_of_parameter_gradients(biases: bool) -> None:
    nets, x = initial([4], 20, 5, biases=biases, dtype=torch.float64), unit(6, 5)
    trained = [nets.weight] if nets.bias is None else [nets.weight, nets.bias]
    rows = [
        torch.cat([part.flatten() for part in torch.autograd.grad(nets(point[None])[0, 0], trained)]) for point in x
    ]
    jacobian = torch.stack(rows)
    assert torch.allclose(kernel(nets, x)[0], jacobian @ jacobian.T)
    assert float(drift(nets, nets, x)) == 0
    flipped = LazyNets(-nets.weight.detach(), nets.signs)
    start = LazyNets(nets.weight.detach(), nets.signs)
    expected = (kernel(flipped, x) - kernel(start, x)).norm() / kernel(start, x).norm()
    assert float(drift(flipped, start, x)) == pytest.approx(float(expected)) and float(expected) > 0.1
