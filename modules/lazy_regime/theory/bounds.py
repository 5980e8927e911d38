"""The bounds of Wang et al. 2022, one pure function each, for ||x|| = 1 and nets without biases (Sec. 2.1).

    f(x; W) = (1 / sqrt m) sum_s a_s relu(w_s . x),   w_s,0 ~ N(0, I_d),   all ||w_s - w_s,0|| <= C0 / sqrt m

The paper gives orders: its constants are in no copy of it that we have. Every explicit constant below is therefore OWN:
a reconstruction along the paper's steps, exact where the law is known (value and gradient at initialisation), else by
the named inequality. `gamma` is the probability that a bound fails; each bound holds at once for all W in the lazy
ball.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import asin, e, erf, inf, log, pi, sqrt

from scipy.stats import chi2, norm

INITIAL_VALUE_STD = sqrt(1 / 2)
"""Standard deviation of f(x; W0), in the limit of large m: E relu(z)^2 = 1/2. OWN; in the paper O(1)."""


def initial_gradient_norm(d: int) -> float:
    """||grad f(x; W0)|| for large m and d: sqrt(d / 2), half of the neurons being active. OWN; paper: Omega(sqrt d)."""
    return sqrt(d / 2)


def initial_change(d: int, angle: float) -> float:
    """Root mean square of ||grad f(x; W0) - grad f(x + delta; W0)||: sqrt(d angle / pi), for every m. OWN.

    angle: between x and x + delta, delta chosen before W0. A row w has another sign with probability angle / pi,
    however long it is, and the random a_s leave the mean of ||w||^2 = d over those rows. At |delta| ~ 1 / sqrt(d) that
    is d^(1/4); so is, for m far above d, the largest change in that ball, by chaining over d directions of delta and d
    of the change, each of variance angle / pi.
    """
    return sqrt(d * angle / pi)


def initial_flip(d: int) -> float:
    """E|f| / ||grad f|| at W0 for large m and d: sqrt(2 / (pi d)), the size of a flip were f linear. OWN."""
    return sqrt(2 / (pi * d))


def value_bound(m: float, c0: float, gamma: float) -> float:
    """Lemma 4.1, B.5: |f(x; W)| <= |f(x; W0)| + C0, the second by Lipschitz continuity, the first with its exact law.

    OWN constant: a_s relu(z_s) is 0 for an inactive neuron and N(0, 1) for an active one, so that f(x; W0) is N(0, k/m)
    given the number k of active ones; k <= m share by Hoeffding.
    """
    _, share = active_share(m, gamma / 2)
    return sqrt(share) * float(norm.isf(gamma / 4)) + c0


def active_share(m: float, gamma: float) -> tuple[float, float]:
    """Between which values the share of active neurons at W0 lies, each end with probability 1 - gamma (Hoeffding)."""
    half = deviation(m, gamma)
    return max(0.0, 0.5 - half), min(1.0, 0.5 + half)


def deviation(m: float, gamma: float) -> float:
    """Hoeffding: by how much the share of m independent events exceeds its mean at most."""
    return sqrt(log(1 / gamma) / (2 * m))


def sign_changes_bound(m: float, c0: float, gamma: float) -> float:
    """Lemma 4.3, B.4: m P(|N(0, 1)| <= C0 / sqrt m) + sqrt(m log(1/gamma) / 2) change sign at most, O(sqrt m).

    The paper's deviation is Hoeffding's; Bernstein's stands here where it is smaller, as in a small ball.
    """
    p, certainty = erf(c0 / sqrt(2 * m)), log(1 / gamma)
    bernstein = certainty / 3 + sqrt((certainty / 3) ** 2 + 2 * certainty * m * p * (1 - p))
    return min(m, m * p + min(m * deviation(m, gamma), bernstein)) if p > 0 else 0.0


def gradient_bound(d: float, m: float, c0: float, gamma: float) -> float:
    """Lemma 4.2, B.7: a lower bound of ||grad f(x; W)||; can be negative, and then says nothing.

    The part of grad f(x; W0) orthogonal to x is sqrt(k/m) N(0, I_{d-1}) given k active neurons: exact. What W moves
    away from it is `drift_bound`.
    """
    low, _ = active_share(m, gamma / 4)
    initial = sqrt(low * float(chi2.ppf(gamma / 4, d - 1)))
    return initial - drift_bound(d, m, c0, gamma / 2)


def drift_bound(d: float, m: float, c0: float, gamma: float) -> float:
    """Upper bound of ||grad f(x; W) - grad f(x; W0)||, from the proof of Lemma 4.2 (Eq. 6 and 7).

    The move of the active neurons gives C0 times their share; the neurons that change sign give theirs at W0. Which
    ones change depends on W0 . x alone, so that the rest of their rows is Gaussian still, and bounded by its spectral
    norm: OWN, where the paper treats the pattern of changes, which W may choose with these rows in view, as
    independent.
    """
    changed = sign_changes_bound(m, c0, gamma / 3)
    _, share = active_share(m, gamma / 3)
    across = (sqrt(changed) + sqrt(d - 1) + sqrt(2 * log(3 / gamma))) * sqrt(changed)  # Davidson and Szarek
    along = changed * c0 / sqrt(m)
    return c0 * min(1.0, share + changed / m) + (across + along) / sqrt(m)


def difference_bound(d: float, m: float, c0: float, radius: float, gamma: float) -> float:
    """Lemma 4.4, B.9: upper bound of ||grad f(x; W) - grad f(x + delta; W)|| for all ||delta|| <= radius < 1. OWN.

    With p = 1[w . x > 0] and q = 1[w . (x + delta) > 0] the difference has four parts: (1) the move of neurons with
    p != q; (2) neurons whose p differs between W and W0; (3) the difference at W0; (4) neurons whose q differs.
    For (3) and (4) a union over the cells of a hyperplane arrangement stands in for the paper's eps-net.
    """
    gamma = gamma / 8
    at_x = sign_changes_bound(m, c0, gamma)
    flipped = m * uniform_share(asin(radius) / pi, log_cells(2 * m, d), m, gamma)
    at_other = m * uniform_share(erf(c0 / sqrt(2 * m)), log_cells(4 * m, d), m, gamma)  # slabs have two faces
    moved = c0 * min(1.0, (at_x + flipped + at_other) / m)
    rows = sqrt(d) + sqrt(2 * log(m / gamma))  # the longest row of W0
    spread = sqrt(8 * (log_cells(m, d) + log(1 / gamma)))  # Talagrand, over the random a_s, for every cell
    initial = sqrt(flipped) * rows + rows_norm(flipped, d, m, gamma) * spread
    switched = sum(rows_norm(count, d, m, gamma) * sqrt(count) for count in (at_x, at_other))
    return moved + (initial + switched) / sqrt(m)


def log_cells(planes: float, d: float) -> float:
    """Log of the number of cells into which n hyperplanes divide R^d, at most: (e n / d)^d, or 2^n (Sauer)."""
    return d * log(e * planes / d) if planes > d else planes * log(2)


def uniform_share(probability: float, log_growth: float, m: float, gamma: float) -> float:
    """Vapnik's relative deviations: the share of m draws in any set of a class, all of at most that probability.

    (P_m - P) / sqrt(P_m) <= 2 sqrt(E) for all sets at once, with E = (log growth at 2m + log(4/gamma)) / m.
    """
    excess = (log_growth + log(4 / gamma)) / m
    return min(1.0, (sqrt(excess) + sqrt(excess + probability)) ** 2)


def rows_norm(count: float, d: float, m: float, gamma: float) -> float:
    """Spectral norm of any `count` of the m Gaussian rows at most: Davidson and Szarek, a union over the choices."""
    choices = count * log(e * m / count) if 0 < count < m else 0.0
    return sqrt(count) + sqrt(d) + sqrt(2 * (choices + log(1 / gamma)))


@dataclass(frozen=True)
class Chain:
    """The proof's bounds for one (d, m, C0), each at gamma / 3, and what they give.

    value, gradient, difference: Lemmas 4.1, 4.2 and 4.4, the last for a ball of radius size = ||delta||. margin: what
    the outline bounds |f| by after the step, value - size (gradient - difference).
    """

    value: float
    gradient: float
    difference: float
    size: float
    margin: float

    @property
    def closes(self) -> bool:
        """Whether a flip by a step of that size is proved."""
        return self.margin < 0


def chain(d: float, m: float, c0: float, gamma: float = 0.05) -> Chain:
    """Theorem 3.1 with explicit constants: the smallest size for which the bounds prove a flip or come nearest. OWN."""
    value, gradient = value_bound(m, c0, gamma / 3), gradient_bound(d, m, c0, gamma / 3)
    best = Chain(value, gradient, inf, 0.0, inf)
    for power in range(200):
        size = min(0.99, 1.1**power * value / sqrt(2 * d))
        difference = difference_bound(d, m, c0, size, gamma / 3)
        margin = value - size * (gradient - difference)
        if margin < best.margin:
            best = Chain(value, gradient, difference, size, margin)
        if best.closes or size == 0.99:
            break
    return best


def closing_dimension(c0: float, exponent: float, gamma: float = 0.05) -> float | None:
    """The smallest power of 10 as d for which `chain` closes at width m = d^exponent; None: none up to 1e15."""
    return next((d for d in _powers() if chain(d, d**exponent, c0, gamma).closes), None)


def _powers() -> Iterator[float]:
    yield from (10.0**k for k in range(1, 16))


def robust_error_fails(gamma: float, share: float = 0.1) -> float:
    """Cor. 3.2: if each x is flipped with probability 1 - gamma, P(robust error < 1 - share) <= gamma / share (Markov).

    The paper's 0.9 is share = 0.1 (its value OWN: from memory, the argument from App. B).
    """
    return min(1.0, gamma / share)
