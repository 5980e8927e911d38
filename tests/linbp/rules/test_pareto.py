"""Which arms no other beats, in closed form."""

from itertools import product

import numpy as np
import pytest

from modules.linbp.rules.pareto import RESAMPLES, fronts, on_front


def test_what_costs_more_must_succeed_more() -> None:
    cost, success = np.array([1.0, 2, 3, 4]), np.array([0.1, 0.5, 0.4, 0.6])
    assert on_front(cost, success).tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("cost", "success", "expected"),
    [
        ([1, 1], [0.2, 0.3], [False, True]),  # as cheap and better
        ([1, 2], [0.3, 0.3], [True, False]),  # as good and cheaper
        ([1, 1], [0.3, 0.3], [True, True]),  # alike
        ([5], [0.0], [True]),
    ],
)
def test_ties(cost: list[float], success: list[float], expected: list[bool]) -> None:
    assert on_front(np.array(cost, float), np.array(success)).tolist() == expected


def test_it_is_the_definition_on_random_arms() -> None:
    rng = np.random.default_rng(0)
    cost, success = rng.integers(0, 4, 9).astype(float), rng.integers(0, 4, 9) / 4
    beaten = [
        any(
            cost[a] <= cost[b] and success[a] >= success[b] and (cost[a] < cost[b] or success[a] > success[b])
            for a in range(9)
        )
        for b in range(9)
    ]
    assert on_front(cost, success).tolist() == [not each for each in beaten]


def test_many_resamples_are_judged_one_by_one() -> None:
    cost, success = np.array([1.0, 2.0]), np.array(list(product([0.1, 0.2], repeat=2)))
    assert on_front(cost, success).tolist() == [[True, False], [True, True], [True, False], [True, False]]


def test_how_often_an_arm_is_on_the_front() -> None:
    """As dear; one image fooled by the first arm alone, one by the second: each leads, or ties, as often."""
    shares = np.array([[1.0, 0.0], [0.0, 1.0]])
    front = fronts(np.ones(2), shares, seed=0)
    assert front.now.tolist() == [True, True]
    assert front.share == pytest.approx([0.75, 0.75], abs=4 * 0.43 / RESAMPLES**0.5)  # draws: 1/4, 1/2 ties, 1/4
