"""Xing, Song, Cheng (2022) in closed form: orders and expectations in linear regression under l2 attack; plain numbers.

y = x^T theta0 + noise, x ~ N(0, I_d), noise ~ N(0, sigma^2), n samples; norm is |theta0|. See `adversarial_risk` for
what is computed from data.
"""

from math import inf, pi, sqrt
from statistics import NormalDist

ABSOLUTE = sqrt(2 / pi)  # E|z| of a standard normal z


def collapse_order(n: int, d: int, sigma: float, norm: float) -> float:
    """`adversarial_risk.collapse_strength` for large n or d.

    It follows from E |X^T y|^2 = n^2 (|theta0|^2 (1 + (d + 1)/n) + sigma^2 d/n). For d >> n it is
    sqrt(pi / 2) sqrt(d / n), whatever sigma and |theta0|.
    """
    return sqrt((norm**2 * (1 + (d + 1) / n) + sigma**2 * d / n) / (norm**2 + sigma**2)) / ABSOLUTE


def eps_star_order(n: int, d: int) -> float:
    """sqrt(d / n): the order of eps_star in Theorems 1 and 2."""
    return sqrt(d / n)


def eps_star_first_order(n: int, d: int, sigma: float, norm: float) -> float:
    """eps_star for d < n - 1 where it is small: the gap over the slope of the adversarial training loss at eps = 0.

    The loss grows by 2 eps |theta| mean|r|, |theta|^2 ~ |theta0|^2 + tr Var, mean|r| ~ sqrt(2/pi) sigma sqrt(1 - d/n).
    For d << n it is sqrt(pi / 2) (sigma / |theta0|) d / n: of order d / n, as E Delta, for losses in expectation.
    Derived here.
    """
    length = sqrt(norm**2 + variance_trace(n, d, sigma, norm))
    return generalisation_gap(n, d, sigma, norm) / (2 * length * ABSOLUTE * sigma * sqrt(1 - d / n))


def variance_trace(n: int, d: int, sigma: float, norm: float) -> float:
    """tr Var of the clean estimate (d < n: least squares; d > n: the interpolator of least norm), Lemma 1 mended.

    For d > n the estimate is P theta0 + noise, P the projection onto a uniform n-dimensional subspace: its mean is
    (n/d) theta0, so that |theta0|^2 (n/d) (1 - n/d) comes on top of what Lemma 1 prints.
    """
    if d < n:
        return lemma_1_printed(n, d, sigma)
    return lemma_1_printed(n, d, sigma) + norm**2 * (n / d) * (1 - n / d)


def lemma_1_printed(n: int, d: int, sigma: float) -> float:
    """tr Var as Lemma 1 prints it: sigma^2 min(n, d) / (|n - d| - 1); infinite for |n - d| <= 1."""
    return sigma**2 * min(n, d) / (abs(n - d) - 1) if abs(n - d) > 1 else inf


def generalisation_gap(n: int, d: int, sigma: float, norm: float) -> float:
    """Expectation of Delta, clean test minus clean training loss of the clean estimate (Lemma 2).

    d < n: sigma^2 (d / (n - d - 1) + d / n), of order d / n. d > n: training loss 0, hence the test loss.
    """
    if d < n:
        return lemma_1_printed(n, d, sigma) + sigma**2 * d / n
    return sigma**2 + norm**2 * (1 - n / d) + lemma_1_printed(n, d, sigma)


def gap_deviation(n: int, sigma: float) -> float:
    """Standard deviation of Delta over data sets for d << n: sigma^2 sqrt(2 / n).

    With H the projection onto the columns of X, Delta = sigma^2 - e^T (I - 2 H) e / n up to order d/n relative, and
    Var e^T A e = 2 sigma^4 tr A^2, where (I - 2 H)^2 = I. Hence E Delta^2 ~ 4 sigma^4 d^2 / n^2 + 2 sigma^4 / n, whose
    root is d/n for d >> sqrt(n) and n^-1/2, whatever d, for d << sqrt(n). Derived here; Lemma 2 says Theta(d/n).
    """
    return sigma**2 * sqrt(2 / n)


def gap_in_deviations(n: int, d: int) -> float:
    """E Delta over its standard deviation, for d < n; for d << n it is d sqrt(2 / n): 1 at the border d = sqrt(n / 2).

    Below 1, a data set's own eps_star follows the luck of its noise; above, the expectation.
    """
    return generalisation_gap(n, d, 1, 1) / gap_deviation(n, 1)


def exists_in(n: int, d: int) -> float:
    """Share of data sets whose eps_star exists, d << n: that of Delta > 0, a normal law of the moments above."""
    return NormalDist().cdf(gap_in_deviations(n, d))


def eps_star_deviation(n: int, d: int, sigma: float, norm: float) -> float:
    """What one standard deviation of Delta is worth in eps_star, d << n: `gap_deviation` over the slope of the loss."""
    return eps_star_first_order(n, d, sigma, norm) / gap_in_deviations(n, d)


def extrapolation_error(eps_star: float, sigma: float, norm: float) -> float:
    """(extrapolated - eps_star) / eps_star of a straight line from the slope at eps = 0, for d << n and small eps_star.

    The least loss is that at 0 + a eps + b eps^2. With m = mean|r| ~ sqrt(2/pi) sigma, a = 2 |theta0| m. At fixed theta
    b were |theta0|^2; the minimiser moves by -eps m theta / |theta|, since the Hessian is 2 I and the risk's gradient
    changes by 2 eps m theta / |theta|, which saves m^2. The line is off by (b / a) eps_star, relative: it goes to 0
    with eps_star, as Proposition 2 says, and the estimate is too large. Derived here.
    """
    absolute = ABSOLUTE * sigma
    return (norm**2 - absolute**2) / (2 * norm * absolute) * eps_star


def median_where_positive(mean: float) -> float:
    """Median of a normal variable of this mean and variance 1, given that it is positive.

    In units of `eps_star_deviation`, that of the data sets' own eps_star: 0.674 for d << sqrt(n), whatever d, and the
    mean, as in `eps_star_first_order`, for d >> sqrt(n). Derived here.
    """
    return mean - NormalDist().inv_cdf(NormalDist().cdf(mean) / 2)


def curvature(n: int, d: int, eps: float = 0.0) -> float:
    """2 (1 + sqrt(d/n) + eps)^2: what bounds the curvature of the adversarial risk for large n and d.

    1 + sqrt(d/n) is the largest singular value of X / sqrt(n) in the limit (Marchenko and Pastur); for eps = 0 it is
    the largest eigenvalue of the clean Hessian (2/n) X^T X.
    """
    return 2 * (1 + sqrt(d / n) + eps) ** 2
