"""Where the adversarial training loss reaches the clean test loss: eps_star of Xing et al. 2022, Sec. 4; pure.

eps_star = sup{eps: R_hat(theta_hat(eps), eps) <= R(theta_hat(0), 0)}, read off losses at a few strengths. Nothing is
extrapolated: a crossing outside them is told as a bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, nan
from typing import Literal

import numpy as np
from scipy.optimize import isotonic_regression

from suite.statistics import mean_of

Outcome = Literal["bracketed", "below", "above", "none"]
GREY_LEVEL = 1 / 255


@dataclass(frozen=True)
class Crossing:
    """What losses at a few strengths tell of eps_star.

    Args:
        outcome: "bracketed"; "below": the loss at the least strength is above the threshold already; "above": the
            loss at the largest strength is not above it; "none": nothing was to be learnt.
        estimate: by linear interpolation between the two neighbours; NaN unless bracketed.
        low: the neighbour from below, or the largest strength (eps_star is above it); 0 where "below".
        high: the neighbour from above, or the least strength (eps_star is below it); infinite where "above".
        monotone: whether the losses rose with the strength; where not, isotonic ones took their place.
    """

    outcome: Outcome
    estimate: float
    low: float
    high: float
    monotone: bool


def crossing(strengths: Sequence[float], losses: Sequence[float], threshold: float) -> Crossing:
    """The largest strength at which the interpolated loss is not above the threshold.

    Losses that do not rise are replaced by their isotonic regression: the nearest in least squares that do.

    Args:
        strengths: at least one, each >= 0 and once, in any order; 0 is clean training.
        losses: one for each, finite.
        threshold: the clean test loss.

    Raises ValueError for anything else.
    """
    pairs = sorted(zip(strengths, losses, strict=True))
    eps, loss = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    if not len(eps) or eps[0] < 0 or (np.diff(eps) <= 0).any() or not np.isfinite([*eps, *loss, threshold]).all():
        raise ValueError(f"no crossing of {threshold} by {pairs}")
    monotone = bool((np.diff(loss) >= 0).all())
    if not monotone:
        loss = isotonic_regression(loss).x
    under = int((loss <= threshold).sum())  # rising losses: the first so many are not above it
    if under == 0:
        return Crossing("below", nan, 0.0, float(eps[0]), monotone)
    low = float(eps[under - 1])
    if under == len(eps):
        return Crossing("above", nan, low, inf, monotone)
    high, share = float(eps[under]), (threshold - loss[under - 1]) / (loss[under] - loss[under - 1])
    return Crossing("bracketed", low + float(share) * (high - low), low, high, monotone)


def next_strength(found: Crossing, tolerance: float, largest: float) -> float | None:
    """The strength to try next: within the bracket its middle, beyond the largest strength twice that.

    None where nothing is to gain: the bracket is narrower than `tolerance` times the estimate, or times a grey level if
    that is more; or the crossing is below the least strength (clean training itself is above it), or above `largest`.
    """
    if found.outcome in ("below", "none") or found.low >= largest:
        return None
    if found.outcome == "above":
        return min(2 * found.low, largest) if found.low else None
    narrow = found.high - found.low <= tolerance * max(found.estimate, GREY_LEVEL)
    return None if narrow else (found.low + found.high) / 2


@dataclass(frozen=True)
class Summary:
    """eps_star over seeds: mean with Student's 95 % interval, given only where every seed's crossing is bracketed.

    Args:
        outcome: the seeds' common one, "mixed", or "none" where there is no seed.
        mean, low, high: NaN unless "bracketed"; the limits also for one seed.
        at_least, at_most: bounds that hold for every seed.
        n: how many seeds; `isotonic` of them with losses that did not rise.
    """

    outcome: Outcome | Literal["mixed"]
    mean: float
    low: float
    high: float
    at_least: float
    at_most: float
    n: int
    isotonic: int

    def times(self, factor: float) -> "Summary":
        """The same in another unit."""
        strengths = ("mean", "low", "high", "at_least", "at_most")
        return replace(self, **{name: factor * getattr(self, name) for name in strengths})

    def __str__(self) -> str:
        if self.outcome == "none":
            return "no training left"
        if self.outcome == "below" and self.at_most == 0:
            return "none: clean training is above R*"
        if self.outcome != "bracketed":
            bounds = {"below": f"< {self.at_most:.4g}", "above": f"> {self.at_least:.4g}"}
            return bounds.get(self.outcome, f"between {self.at_least:.4g} and {self.at_most:.4g}")
        interval = f" [{self.low:.4g}, {self.high:.4g}]" if isfinite(self.low) else ""
        return f"{self.mean:.4g}{interval}"


def over_seeds(found: Sequence[Crossing]) -> Summary:
    """One crossing per seed as one statement."""
    isotonic = sum(not one.monotone for one in found)
    outcomes = {one.outcome for one in found}
    if not found:
        return Summary("none", nan, nan, nan, 0.0, inf, 0, 0)
    at_least, at_most = min(one.low for one in found), max(one.high for one in found)
    if outcomes != {"bracketed"}:
        outcome = outcomes.pop() if len(outcomes) == 1 else "mixed"
        return Summary(outcome, nan, nan, nan, at_least, at_most, len(found), isotonic)
    mean = mean_of([one.estimate for one in found])
    return Summary("bracketed", mean.value, mean.low, mean.high, at_least, at_most, mean.n, isotonic)
