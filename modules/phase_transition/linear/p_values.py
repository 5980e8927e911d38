"""How likely a model is among models of repeated clean training: Hotelling's statistic, its F law, and an exact rank.

The paper names no statistic. m null models give mean and covariance S; for one new model theta, Hotelling's
T^2 = m/(m+1) (theta - mean)^T S^-1 (theta - mean) takes all coordinates and their correlations at once and does not
depend on the basis. The pooled covariance of m models and one is that of the m: one adds no degree of freedom.
(m - k) / (k (m - 1)) T^2 follows F(k, m - k) if models are Gaussian: converged clean ones are a multivariate t of
n - k + 1 degrees of freedom, so for n >> k they nearly are. A rank of the same distance among all m + 1 models, with
mean and covariance pooled over all of them, checks it: under the null every rank is alike likely, whatever the law.
A scalar (a loss) is the case k = 1.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import f
from torch import Tensor

Values = NDArray[np.float64]


def hotelling(null: Tensor, new: Tensor) -> Values:
    """p-values (...) of models `new` (..., k) against null models (m, k): P(F(k, m - k) >= the statistic).

    NaN where the null models have no invertible covariance, as for m <= k + 1: there is no F law then.
    """
    m, k = null.shape
    factor = _factor(_scatter(null), m)
    if factor is None:
        return np.full(new.shape[:-1], np.nan)
    a = _in_units(new - null.mean(0), factor).square().sum(-1)
    return np.asarray(f.sf((a * m * (m - k) / ((m + 1) * k)).cpu().numpy(), k, m - k))


def rank(null: Tensor, new: Tensor) -> Values:
    """p-values (...) of models `new` (..., k): the share of the m + 1 models at least as far from their common mean.

    Far is Mahalanobis' distance with the covariance of all m + 1, or Euclid's where the null has no invertible one.
    Exact for exchangeable models, and at least 1 / (m + 1).
    """
    m = len(null)
    e, d = null - null.mean(0), new - null.mean(0)
    factor = _factor(_scatter(null), m)
    if factor is not None:
        e, d = _in_units(e, factor), _in_units(d, factor)
    # The new model moves the mean by d / (m + 1) and adds share d d^T to the null's scatter, here the identity.
    share = 0.0 if factor is None else m / (m + 1)
    a = d.square().sum(-1, keepdim=True)
    g = d @ e.mT
    moved = e.square().sum(-1) - 2 * g / (m + 1) + a / (m + 1) ** 2
    of_null = moved - share * (g - a / (m + 1)) ** 2 / (1 + share * a)
    of_new = (m / (m + 1)) ** 2 * a / (1 + share * a)
    return np.asarray((1 + (of_null >= of_new).sum(-1)).cpu().numpy() / (m + 1))


def same_mean(null: Tensor, group: Tensor) -> float:
    """Hotelling's two-sample test of m null models (m, k) and g others (g, k), with their pooled covariance.

    T^2 = m g / (m + g) (difference of means)^T S^-1 (the same), and (m + g - k - 1) / (k (m + g - 2)) T^2 follows
    F(k, m + g - k - 1). It finds ever smaller differences as g grows, where the p-value of one model does not. NaN
    where the pooled covariance is singular.
    """
    (m, k), g = null.shape, len(group)
    factor, freedom = _factor(_scatter(null) + _scatter(group), m + g - 1), m + g - k - 1
    if factor is None:
        return float("nan")
    apart = float(_in_units((group.mean(0) - null.mean(0))[None], factor).square().sum())
    return float(f.sf(apart * m * g / (m + g) * freedom / k, k, freedom))


def _scatter(models: Tensor) -> Tensor:
    centred = models - models.mean(0)
    return centred.mT @ centred


def _factor(scatter: Tensor, models: int) -> Tensor | None:
    """Its Cholesky factor; None where so many models cannot make it invertible, or do not."""
    factor, failed = torch.linalg.cholesky_ex(scatter)
    return None if models <= len(scatter) + 1 or int(failed) else factor


def _in_units(deviations: Tensor, factor: Tensor) -> Tensor:
    """Deviations (..., k) in coordinates in which the scatter matrix is the identity."""
    flat = deviations.reshape(-1, len(factor)).mT
    turned: Tensor = torch.linalg.solve_triangular(factor, flat, upper=False).mT.reshape(deviations.shape)
    return turned
