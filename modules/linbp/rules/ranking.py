"""Ranks of rules over pairs of a surrogate and a victim, with both images and pairs drawn anew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from suite.statistics import FEWEST, Estimate, limits_of_draws

Floats = NDArray[np.float64]

RESAMPLES = 2000


@dataclass(frozen=True)
class Rank:
    """Where a rule stands among others.

    over_images: its mean rank over pairs, 1 the best, with limits from drawing images alone: for these nets.
    over_pairs: the same, with limits from drawing pairs too; none for fewer than six of them.
    first: share of the resamples in which no other has a better mean rank, divided where several are equal.
    behind: whether it is told to be behind the best one, since the interval of the difference of their mean ranks lies
    above 0; None for the best one itself. As `first`, from drawing pairs too where there are six.
    """

    over_images: Estimate
    over_pairs: Estimate
    first: float
    behind: bool | None


def ranks(shares: Floats) -> Floats:
    """(..., rules) shares to ranks, 1 for the largest; equals share the mean of their places."""
    placed: Floats = rankdata(-np.round(shares, 12), axis=-1)  # sums in another order are the same share
    return placed


def ranked(shares: Floats, seed: int) -> list[Rank]:
    """A Rank for each rule.

    Images and pairs are drawn independently of each other, as rows and columns are (Owen, The pigeonhole bootstrap,
    2007). Images that fool a victim under one rule are those that do under another: they are drawn together.

    Args:
        shares: (pairs, images, rules): share of the attacks in which the image, made under the rule, fools the victim.
        seed: of the draws.
    """
    pairs, images, rules = shares.shape
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(images, np.full(images, 1 / images), RESAMPLES) / images
    drawn = ranks(np.einsum("bi,pir->bpr", weights, shares, optimize=True))
    times = rng.multinomial(pairs, np.full(pairs, 1 / pairs), RESAMPLES)
    fixed, both = drawn.mean(1), np.einsum("bp,bpr->br", times, drawn) / pairs
    known = both if pairs >= FEWEST else fixed
    count = min(images, pairs) if pairs >= FEWEST else images
    best = np.isclose(known, known.min(1, keepdims=True), rtol=0, atol=1e-9)
    first = (best / best.sum(1, keepdims=True)).mean(0)
    means = ranks(shares.mean(1)).mean(0)
    leader = int(means.argmin())
    low, _ = _limits(known - known[:, [leader]], count)
    nowhere = np.full(rules, np.nan)
    beyond = _limits(both, min(images, pairs)) if pairs >= FEWEST else (nowhere, nowhere)
    within = _limits(fixed, images) if images >= FEWEST else (nowhere, nowhere)
    return [
        Rank(
            Estimate(float(means[k]), float(within[0][k]), float(within[1][k]), images, "images"),
            Estimate(float(means[k]), float(beyond[0][k]), float(beyond[1][k]), pairs, "pairs"),
            float(first[k]),
            None if k == leader else count >= FEWEST and bool(low[k] > 0),
        )
        for k in range(rules)
    ]


def _limits(drawn: Floats, units: int) -> tuple[Floats, Floats]:
    """(rules,) lower and upper limits of (resamples, rules)."""
    ends = [limits_of_draws(column, units) for column in drawn.T]
    return np.array([low for low, _ in ends]), np.array([high for _, high in ends])
