"""p-values among models: formulas against NumPy and SciPy, laws against simulation."""

import numpy as np
import pytest
import torch
from scipy.stats import f, kstest, ttest_ind
from torch import Tensor

from modules.phase_transition.linear.p_values import hotelling, rank, same_mean


def models(count: int, k: int, seed: int) -> Tensor:
    """Correlated Gaussians of unequal scale."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.eye(k, dtype=torch.float64) + torch.full((k, k), 0.4, dtype=torch.float64).tril()
    return torch.randn(count, k, generator=generator, dtype=torch.float64) @ mixing * torch.arange(1, k + 1)


def test_hotelling_is_its_formula_and_depends_on_no_basis() -> None:
    null, new = models(30, 3, 0), models(6, 3, 1).reshape(2, 3, 3)
    mean, inverse = null.mean(0).numpy(), np.linalg.inv(np.cov(null.numpy().T))
    apart = new.numpy() - mean
    squared = 30 / 31 * np.einsum("abi,ij,abj->ab", apart, inverse, apart)
    expected = f.sf(27 / (3 * 29) * squared, 3, 27)
    assert hotelling(null, new) == pytest.approx(expected, rel=1e-9)
    basis = models(3, 3, 5)
    assert hotelling(null @ basis + 1, new @ basis + 1) == pytest.approx(expected, rel=1e-7)


def test_p_values_are_uniform_under_the_null_and_small_far_away() -> None:
    """2000 new models, each with a null of its own, would be uniform exactly; the level of the test is 1e-4."""
    for k in (1, 4):
        by_f = [float(hotelling(models(25, k, s), models(1, k, 10_000 + s))[0]) for s in range(600)]
        by_rank = [float(rank(models(25, k, s), models(1, k, 10_000 + s))[0]) for s in range(600)]
        assert kstest(by_f, "uniform").pvalue > 1e-4
        assert np.mean(by_rank) == pytest.approx(0.5 + 0.5 / 26, abs=4 * (1 / 12 / 600) ** 0.5)
        assert len({round(26 * p) for p in by_rank}) == 26
    null = models(40, 4, 0)
    assert float(hotelling(null, null.mean(0) + 100)) < 1e-10
    assert float(rank(null, null.mean(0) + 100)) == 1 / 41
    assert float(rank(null, null.mean(0))) == 1.0


@pytest.mark.parametrize(("m", "k"), [(12, 3), (5, 8)])
def test_the_rank_is_that_of_the_pooled_distances(m: int, k: int) -> None:
    """Mean and covariance of all m + 1 models, one new model after another; Euclid's distance where m <= k + 1."""
    null, new = models(m, k, 3), models(20, k, 4)
    for model, p in zip(new, rank(null, new), strict=True):
        everyone = torch.cat([null, model[None]]).numpy()
        centred = everyone - everyone.mean(0)
        inverse = np.linalg.inv(np.cov(everyone.T)) if m > k + 1 else np.eye(k)
        far = np.einsum("ai,ij,aj->a", centred, inverse, centred)
        assert p == pytest.approx((1 + (far[:-1] >= far[-1]).sum()) / (m + 1))


def test_two_groups_in_one_dimension_are_students_test() -> None:
    null, group = models(30, 1, 0), models(12, 1, 1) + 0.3
    expected = ttest_ind(null[:, 0].numpy(), group[:, 0].numpy()).pvalue
    assert same_mean(null, group) == pytest.approx(expected, rel=1e-9)


def test_two_groups_are_uniform_under_the_null() -> None:
    found = [same_mean(models(20, 3, s), models(9, 3, 5_000 + s)) for s in range(400)]
    assert kstest(found, "uniform").pvalue > 1e-4


def test_without_an_invertible_covariance_there_is_no_f_law() -> None:
    assert np.isnan(hotelling(models(4, 3, 0), models(2, 3, 1))).all()
    assert np.isnan(hotelling(torch.zeros(9, 1), torch.ones(2, 1))).all()
    assert np.isnan(same_mean(models(3, 6, 0), models(3, 6, 1)))
