"""The certified minimum of the adversarial risk."""

import pytest
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.adversarial_risk import adversarial_risk, collapse_strength, unchanged_strength
from modules.phase_transition.data_sets import DataSets, draw, in_row_space
from modules.phase_transition.linear.minimum import _lower_bound, clean_estimate, minimise

CPU = torch.device("cpu")
SHAPES = [(3, 25), (30, 6)]


def data_sets(d: int, n: int, repeats: int = 4) -> DataSets:
    return draw("paths", range(repeats), n, d, 0.5, 1.0, 7, CPU)


def strengths(d: int, n: int, *multiples: float) -> Tensor:
    return theory.eps_star_order(n, d) * torch.tensor(multiples, dtype=torch.float64)


@pytest.mark.parametrize(("d", "n"), [*SHAPES, (20, 60)])
def test_the_minimum_is_certified(d: int, n: int) -> None:
    """The gap bounds what is left; no other theta is better; the slope is the derivative in eps."""
    data, eps = in_row_space(data_sets(d, n)), strengths(d, n, 0.05, 0.3, 0.8, 1.0)
    least = minimise(data, eps, tolerance=1e-6)
    assert float(least.gap.max()) < 1e-6
    X, y = data.X[:, None], data.y[:, None]
    assert torch.allclose(adversarial_risk(X, y, least.theta, eps), least.risk, rtol=1e-12)
    for seed in range(60):
        other = torch.randn(least.theta.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        nearby = least.theta + 10.0 ** (-seed / 10) * other
        assert (adversarial_risk(X, y, nearby, eps) >= least.risk * (1 - 1e-6)).all()
        alpha = torch.randn(len(y), len(eps), n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        assert (_lower_bound(data, alpha, eps) <= least.risk).all()
    width = 1e-3 * eps
    above, below = minimise(data, eps + width, 1e-9), minimise(data, eps - width, 1e-9)
    assert torch.allclose((above.risk - below.risk) / (2 * width), least.slope, rtol=2e-2)


def test_the_minimum_is_zero_from_the_collapse_on_and_the_interpolator_up_to_its_strength() -> None:
    """Both thresholds are sharp: just beyond them another theta is better."""
    data = in_row_space(data_sets(30, 6))
    collapse, unchanged = collapse_strength(data.X, data.y), unchanged_strength(data.X, data.y)
    clean = clean_estimate(data)
    for r in range(4):
        one = DataSets(*(value[r : r + 1] for value in (data.X, data.y, data.theta0, data.hidden, data.noise2)))
        least = minimise(
            one, torch.stack([collapse[r] * 1.01, collapse[r] * 0.97, unchanged[r] * 0.99, unchanged[r] * 1.03])
        )
        zero, small, same, other = least.theta[0]
        assert not zero.any() and small.any()
        assert torch.equal(same, clean[r])
        assert float((other - clean[r]).norm()) > 1e-4 * float(clean[r].norm())
        at_clean = adversarial_risk(one.X, one.y, clean[r : r + 1], unchanged[r] * 1.03)
        assert float(least.risk[0, 3]) < float(at_clean)
        assert float(least.risk[0, 1]) < float(one.y.square().mean())


def test_for_vanishing_strength_the_minimum_is_least_squares() -> None:
    data = data_sets(3, 25)
    least = minimise(data, torch.tensor([1e-7], dtype=torch.float64))
    assert torch.allclose(least.theta[:, 0], clean_estimate(data), atol=1e-5)
