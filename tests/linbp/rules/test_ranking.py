"""Ranks of rules: closed forms, and what resampling must give."""

from math import comb

import numpy as np
import pytest

from modules.linbp.rules.ranking import RESAMPLES, ranked, ranks

TOLERANCE = 4 * 0.5 / RESAMPLES**0.5  # four standard errors of a share of the resamples


def test_the_largest_share_has_rank_one_and_equals_share_theirs() -> None:
    assert ranks(np.array([0.2, 0.9, 0.5])).tolist() == [3, 1, 2]
    assert ranks(np.array([[0.5, 0.5, 0.1], [0.0, 0.0, 0.0]])).tolist() == [[1.5, 1.5, 3], [2, 2, 2]]
    assert ranks(np.array([0.1 + 0.2, 0.3])).tolist() == [1.5, 1.5]  # equal but for rounding


def test_a_rule_that_always_wins_is_first_in_every_resample_and_all_others_are_behind() -> None:
    shares = np.broadcast_to([0.5, 1.0, 0.0], (7, 12, 3))
    middle, best, last = ranked(shares, seed=0)
    assert [rank.over_images.value for rank in (best, middle, last)] == [1, 2, 3]
    assert (best.first, best.behind) == (1, None) and best.over_pairs.low == best.over_pairs.high == 1
    assert [(rank.first, rank.behind) for rank in (middle, last)] == [(0, True), (0, True)]
    assert (best.over_images.n, best.over_pairs.n) == (12, 7)


def test_rules_that_are_the_same_are_not_told_apart() -> None:
    shares = np.random.default_rng(0).integers(0, 2, (6, 30, 1)).repeat(2, 2).astype(float)
    for rank in ranked(shares, seed=1):
        assert rank.over_images.value == 1.5 and rank.first == 0.5 and not rank.behind
        assert (rank.over_pairs.low, rank.over_pairs.high) == (1.5, 1.5)


def test_drawing_images_alone_is_a_binomial() -> None:
    """One pair; the first rule fools 5 images, the second 3 others: of 8 draws, more than 4 are of the 5."""
    own = np.array([1.0] * 5 + [0.0] * 3)
    one, other = ranked(np.stack([own, 1 - own], 1)[None], seed=2)
    chance = [comb(8, k) * 0.625**k * 0.375 ** (8 - k) for k in range(9)]
    assert one.first == pytest.approx(sum(chance[5:]) + chance[4] / 2, abs=TOLERANCE)
    assert one.first + other.first == pytest.approx(1)
    assert np.isnan([one.over_pairs.low, other.over_pairs.high]).all()  # fewer than six pairs
    assert (one.over_images.low, one.over_images.high) == (1, 2)
    assert not other.behind


def test_drawing_pairs_is_a_binomial_where_images_agree() -> None:
    """Six pairs, five of which the first rule wins: it has the better mean rank unless the sixth is drawn often."""
    shares = np.zeros((6, 10, 2))
    shares[:5, :, 0], shares[5, :, 1] = 1, 1
    one, other = ranked(shares, seed=3)
    assert (one.over_images.low, one.over_images.high) == pytest.approx((7 / 6, 7 / 6))
    lost = [comb(6, k) * (1 / 6) ** k * (5 / 6) ** (6 - k) for k in range(7)]
    assert one.first == pytest.approx(sum(lost[:3]) + lost[3] / 2, abs=TOLERANCE)
    assert one.over_pairs.low == pytest.approx(1) and one.over_pairs.high > 4 / 3
    assert other.behind is False  # with images alone it would be


def test_images_count_only_together_with_what_they_are_paired_with() -> None:
    """Two rules that fool the same images but one: hard and easy images do not widen the difference."""
    easy = (np.arange(200) < 100).astype(float)
    more = (np.arange(200) < 110).astype(float)
    best, other = ranked(np.stack([more, easy], 1)[None], seed=0)
    assert best.first > 0.99 and other.behind


def test_of_few_images_nothing_is_told() -> None:
    best, other = ranked(np.broadcast_to([1.0, 0.0], (1, 3, 2)), seed=0)
    assert np.isnan(best.over_images.low) and other.behind is False


def test_the_same_seed_gives_the_same_numbers() -> None:
    shares = np.random.default_rng(5).random((6, 20, 3))
    assert ranked(shares, seed=7) == ranked(shares, seed=7) != ranked(shares, seed=8)
