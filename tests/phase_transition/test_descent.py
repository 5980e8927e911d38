"""The batched paths against a loop, and the data sets that they train on."""

from itertools import islice

import pytest
import torch
from torch import Tensor

from modules.phase_transition import theory
from modules.phase_transition.adversarial_risk import adversarial_gradient, adversarial_risk
from modules.phase_transition.data_sets import DataSets, draw, in_row_space
from modules.phase_transition.descent import clean_end, descend
from modules.phase_transition.linear.minimum import clean_estimate

CPU = torch.device("cpu")
SHAPES = [(3, 25), (30, 6)]


def data_sets(d: int, n: int, repeats: int = 4) -> DataSets:
    return draw("paths", range(repeats), n, d, 0.5, 1.0, 7, CPU)


def strengths(d: int, n: int, *multiples: float) -> Tensor:
    return theory.eps_star_order(n, d) * torch.tensor(multiples, dtype=torch.float64)


@pytest.mark.parametrize(("d", "n"), SHAPES)
def test_the_batch_is_the_loop(d: int, n: int) -> None:
    """One data set and strength after another, with the gradient of the closed form, in all d dimensions."""
    data, eps, rate = data_sets(d, n), strengths(d, n, 0, 0.2, 1, 2), 0.2 / theory.curvature(n, d)
    states = list(islice(descend(in_row_space(data), eps, rate), 31))
    for r in range(4):
        for e, strength in enumerate(eps):
            theta = torch.zeros(d, dtype=torch.float64)
            for state in states:
                risk = adversarial_risk(data.X[r], data.y[r], theta, strength)
                assert float(state.risk(eps)[r, e]) == pytest.approx(float(risk), rel=1e-9)
                assert float(state.norm[r, e]) == pytest.approx(float(theta.norm()), rel=1e-9, abs=1e-12)
                theta = theta - rate * adversarial_gradient(data.X[r], data.y[r], theta, strength)


@pytest.mark.parametrize(("d", "n"), SHAPES)
def test_the_row_space_keeps_lengths_and_the_distance_to_theta0(d: int, n: int) -> None:
    data = data_sets(d, n)
    turned = in_row_space(data)
    full, small = clean_estimate(data), clean_estimate(turned)
    assert turned.X.shape[-1] == min(n, d)
    assert torch.allclose(full.norm(dim=-1), small.norm(dim=-1), rtol=1e-9)
    assert torch.allclose(data.distance2(full[:, None]), turned.distance2(small[:, None]), rtol=1e-9)
    assert torch.allclose(data.distance2(full[:, None])[:, 0], (full - data.theta0).square().sum(-1), rtol=1e-9)


@pytest.mark.parametrize(("d", "n"), SHAPES)
def test_the_clean_end_is_the_end_of_the_clean_path(d: int, n: int) -> None:
    data, rate = data_sets(d, n), 0.3 / theory.curvature(n, d)
    state = next(islice(descend(data, strengths(d, n, 0), rate), 40, None))
    theta, loss = clean_end(data, rate, 40)
    assert torch.allclose(theta, state.theta[:, 0], rtol=1e-9, atol=1e-12)
    assert torch.allclose(loss, state.squared[:, 0], rtol=1e-9, atol=1e-12)


def test_the_first_step_is_the_same_at_all_strengths_and_a_start_is_kept() -> None:
    data, eps = data_sets(3, 25), strengths(3, 25, 0, 1, 5)
    first = next(islice(descend(data, eps, 0.01), 1, None)).theta
    assert torch.equal(first, first[:, :1].expand_as(first))
    start = torch.ones(4, 3, 3, dtype=torch.float64)
    assert torch.equal(next(descend(data, eps, 0.01, start)).theta, start)


def test_draws_are_keyed_by_repeat_and_stream() -> None:
    together, alone = data_sets(3, 25), draw("paths", [2], 25, 3, 0.5, 1.0, 7, CPU)
    assert torch.equal(together.X[2], alone.X[0]) and torch.equal(together.y[2], alone.y[0])
    assert not torch.equal(alone.X, draw("null", [2], 25, 3, 0.5, 1.0, 7, CPU).X)
    assert not torch.equal(alone.X, draw("paths", [2], 25, 3, 0.5, 1.0, 8, CPU).X)
