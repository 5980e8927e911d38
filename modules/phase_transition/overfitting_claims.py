"""What Xing et al. 2022, Sec. 5.2 say of overfitting, as numbers over seeds; pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from math import inf, isfinite, log, nan
from typing import Any

from suite.stats import Mean, mean_interval

Row = Mapping[str, Any]
_VERDICTS = {"yes": "reproduced", "no": "differs", "undecided": "cannot be told"}


def claims(growth: Sequence[Row], collapses: Sequence[Row], unstable: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """A row for each claim that has two seeds at least; above zero is what the paper says."""
    for samples in dict.fromkeys(row["samples"] for row in growth):
        yield from _gap_claims([row for row in growth if row["samples"] == samples], samples)
    for samples in dict.fromkeys(row["samples"] for row in unstable):
        mine = [row for row in unstable if row["samples"] == samples]
        known = [row for row in mine if row["unstable_eps"] is not None and _is_number(row["eps_star"])]
        ends = [(row["stable_eps"] - row["eps_star"], row["unstable_eps"] - row["eps_star"]) for row in known]
        yield from _bracketed(f"n = {samples}: smallest unstable eps minus eps_star", ends, "Table 2")
        fell = [row for row in collapses if (row["samples"], row["kind"]) == (samples, "one step") and row["fell"]]
        text = f"n = {samples}: rise of the accuracy under one step while that under many collapses"
        yield from _claim(text, [row["rise"] for row in fell], "")
    sizes = sorted({row["samples"] for row in unstable})
    found = {(row["samples"], row["seed"]): (_log(row["stable_eps"]), _log(row["unstable_eps"]))
             for row in unstable if row["unstable_eps"] is not None}  # fmt: skip
    for small, large in pairwise(sizes):
        seeds = [seed for samples, seed in found if samples == small and (large, seed) in found]
        both = [(*found[small, seed], *found[large, seed]) for seed in seeds]
        ends = [(low - other_high, high - other_low) for low, high, other_low, other_high in both]
        yield from _bracketed(f"log of the smallest unstable eps, n = {small} over n = {large}", ends, "Table 2")


def _gap_claims(rows: Sequence[Row], samples: int) -> Iterator[dict[str, Any]]:
    """That the gap grows more, after the reference epoch, the stronger the attack; and does no harm without one."""
    at = {(row["eps"], row["seed"]): row for row in rows}
    strengths = sorted({eps for eps, _ in at if eps})
    seeds = list(dict.fromkeys(row["seed"] for row in rows))
    if strengths:
        large = strengths[-1]
        both = [(at[large, seed], at[0.0, seed]) for seed in seeds if (large, seed) in at and (0.0, seed) in at]
        for name, paper in (("ratio", "Fig. 5"), ("growth", "")):
            told = {"ratio": "ratio of the robust gap, end over reference", "growth": "growth of the robust gap (nats)"}
            values = [hard[name] - clean[name] for hard, clean in both]
            text = f"n = {samples}: {told[name]}, eps {large:.4g} minus clean"
            yield from _claim(text, [value for value in values if isfinite(value)], paper)
    gained = [at[0.0, seed]["clean_accuracy_gained"] for seed in seeds if (0.0, seed) in at]
    yield from _claim(f"n = {samples}: clean training's test accuracy, end minus reference", gained, "")


def _claim(number: str, values: Sequence[float], paper: str) -> Iterator[dict[str, Any]]:
    yield from _judged(number, mean_interval(values), paper)


def _bracketed(number: str, ends: Sequence[tuple[float, float]], paper: str) -> Iterator[dict[str, Any]]:
    """A number known between two ends for each seed: the mean of the middles, with limits that hold for all in between.

    An end may be infinite; so is then the limit, and there is no mean.
    """
    # Student's lower limit is concave in the values and the upper one convex: their extremes are at corners.
    corners = [mean_interval(corner) for corner in product(*ends) if all(map(isfinite, corner))]
    whole = len(corners) == 2 ** len(ends)
    low = min(corner.low for corner in corners) if whole else -inf
    high = max(corner.high for corner in corners) if whole else inf
    middles = mean_interval([sum(end) / 2 for end in ends]) if isfinite(high - low) else None
    mean = Mean(middles.mean if middles else nan, low, high, len(ends))
    yield from _judged(f"{number}, wherever between the strengths tried", mean, paper)


def _judged(number: str, mean: Mean, paper: str) -> Iterator[dict[str, Any]]:
    if mean.n < 2:
        return
    holds = "yes" if mean.low > 0 else "no" if mean.high < 0 else "undecided"
    told = {"mean": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}
    yield {"claim": number, **told, "above_zero": holds, "paper": paper, "verdict": _VERDICTS[holds] if paper else ""}


def _log(eps: float) -> float:
    return log(eps) if eps else -inf


def _is_number(value: float | None) -> bool:
    return value is not None and isfinite(value)
