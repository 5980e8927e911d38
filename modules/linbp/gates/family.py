"""The tests of `linbp.gates`: each hypothesis on images' paired differences, and Holm over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from modules.linbp.gates.hypotheses import LEVEL, MARGIN
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED, Judgement
from suite.numbers import told_p
from suite.statistics import holm_of, sign_test_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """A hypothesis on the differences (N,) of N images' shares, the first arm minus the second.

    more, fewer: images with a larger and with a smaller share under the first arm.
    p_value: of *more*, the sign test's; of *same*, TOST's.
    p_beyond: of *same*, that the mean is beyond the margin; None of *more*.
    """

    same: bool
    more: int
    fewer: int
    p_value: float
    p_beyond: float | None


def outcome(differences: Floats, *, same: bool) -> Outcome:
    """The tests of one hypothesis."""
    split = sign_test_of(differences)
    within, beyond = margin_tests(differences, MARGIN) if same else (split.p_value, None)
    return Outcome(same, split.only_first, split.only_second, within, beyond)


def margin_tests(differences: Floats, margin: float) -> tuple[float, float]:
    """p-values for a mean within, and for one beyond, the margin: TOST (Schuirmann 1987), and Student's t from outside.

    Both are 1 where the differences have no spread, or there is one: how far others scatter is not known.
    """
    n = len(differences)
    error = float(np.std(differences, ddof=1)) / n**0.5 if n > 1 else 0.0
    if not error > 0:
        return 1.0, 1.0
    above, below = (float(differences.mean()) + margin * np.array([-1, 1])) / error
    within = max(t.cdf(above, n - 1), t.sf(below, n - 1))
    beyond = min(1.0, 2 * min(t.sf(above, n - 1), t.cdf(below, n - 1)))
    return float(within), float(beyond)


def adjusted(tests: Sequence[Outcome]) -> list[tuple[float, float | None]]:
    """Each test's p_value and p_beyond, adjusted by Holm for the number of all of them."""
    values = [p for test in tests for p in (test.p_value, test.p_beyond) if p is not None]
    left = iter(holm_of(values))
    return [(next(left), None if test.p_beyond is None else next(left)) for test in tests]


def judgement(test: Outcome, p_holm: float, p_beyond_holm: float | None, family: int) -> Judgement:
    """The verdict of one hypothesis; `family` is the number of tests that Holm allowed for."""
    holm = f"Holm over {family}"
    if p_beyond_holm is None:
        verdict = REPRODUCED if test.more > test.fewer else DIFFERS
        note = f"{test.more} images more, {test.fewer} fewer, {told_p(p_holm)} ({holm})"
        return Judgement(verdict if p_holm < LEVEL else CANNOT_TELL, note)
    verdict = REPRODUCED if p_holm < LEVEL else DIFFERS if p_beyond_holm < LEVEL else CANNOT_TELL
    points = f"{100 * MARGIN:g} points"
    return Judgement(verdict, f"within {points}: {told_p(p_holm)}; beyond: {told_p(p_beyond_holm)} ({holm})")
