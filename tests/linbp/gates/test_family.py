"""The tests of hypotheses against scipy's, and the verdicts that follow."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from modules.linbp.gates.family import Outcome, adjusted, judgement, margin_tests, outcome
from suite.claims import CANNOT_TELL, DIFFERS, REPRODUCED
from suite.statistics import holm_of

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("centre", [-0.06, -0.01, 0.0, 0.015, 0.3])
def test_within_and_beyond_a_margin_are_students_tests_from_its_ends(centre: float) -> None:
    differences = RNG.normal(centre, 0.1, 200)
    below = ttest_1samp(differences, 0.02, alternative="less").pvalue
    above = ttest_1samp(differences, -0.02, alternative="greater").pvalue
    outside = min(
        ttest_1samp(differences, 0.02, alternative="greater").pvalue,
        ttest_1samp(differences, -0.02, alternative="less").pvalue,
    )
    assert margin_tests(differences, 0.02) == pytest.approx((max(below, above), min(1, 2 * outside)))


def test_without_spread_nothing_is_said_of_a_margin() -> None:
    assert margin_tests(np.zeros(50), 0.02) == margin_tests(np.array([0.3]), 0.02) == (1, 1)


def test_at_the_margin_sameness_is_claimed_in_at_most_a_twentieth() -> None:
    """The size of the test where its null just holds: 5 % of 2,000 draws, within 4.5 standard errors of a binomial."""
    claimed = sum(margin_tests(RNG.normal(0.02, 0.1, 60), 0.02)[0] < 0.05 for _ in range(2000))
    assert claimed < 2000 * 0.05 + 4.5 * (2000 * 0.05 * 0.95) ** 0.5


def test_more_is_a_sign_test() -> None:
    differences = np.array([0.5] * 9 + [-0.25] * 2 + [0.0] * 5)
    test = outcome(differences, same=False)
    assert (test.more, test.fewer, test.p_beyond) == (9, 2, None)
    assert test.p_value == pytest.approx(binomtest(2, 11).pvalue)


def test_holm_is_over_every_p_value_of_either_kind() -> None:
    tests = [Outcome(False, 9, 1, 0.01, None), Outcome(True, 3, 3, 0.02, 0.9), Outcome(True, 3, 3, 0.8, 0.001)]
    flat = holm_of([0.01, 0.02, 0.9, 0.8, 0.001])
    assert adjusted(tests) == [(flat[0], None), (flat[1], flat[2]), (flat[3], flat[4])]


@pytest.mark.parametrize(
    ("test", "p_holm", "p_beyond", "verdict"),
    [
        (Outcome(False, 30, 5, 0.0, None), 0.01, None, REPRODUCED),
        (Outcome(False, 5, 30, 0.0, None), 0.01, None, DIFFERS),
        (Outcome(False, 30, 25, 0.5, None), 0.5, None, CANNOT_TELL),
        (Outcome(True, 5, 5, 0.0, 1.0), 0.01, 1.0, REPRODUCED),
        (Outcome(True, 50, 5, 1.0, 0.0), 1.0, 0.01, DIFFERS),
        (Outcome(True, 9, 5, 0.3, 1.0), 0.3, 1.0, CANNOT_TELL),
    ],
)
def test_verdicts(test: Outcome, p_holm: float, p_beyond: float | None, verdict: str) -> None:
    told = judgement(test, p_holm, p_beyond, 14)
    assert told.verdict == verdict and "Holm over 14" in told.note
