"""What Xing et al. 2022, Sec. 5.2 say of overfitting, as numbers over seeds; pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite, log
from typing import Any

from suite.stats import mean_interval

Row = Mapping[str, Any]
_VERDICTS = {"yes": "reproduced", "no": "differs", "undecided": "cannot be told"}


def claims(growth: Sequence[Row], collapses: Sequence[Row], unstable: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """A row for each claim that has two seeds at least; above zero is what the paper says."""
    for samples in dict.fromkeys(row["samples"] for row in growth):
        yield from _gap_claims([row for row in growth if row["samples"] == samples], samples)
    for samples in dict.fromkeys(row["samples"] for row in unstable):
        mine = [row for row in unstable if row["samples"] == samples]
        known = [row for row in mine if row["unstable_eps"] is not None and _is_number(row["eps_star"])]
        values = [row["unstable_eps"] - row["eps_star"] for row in known]
        yield from _claim(f"n = {samples}: smallest unstable eps minus eps_star", values, "Table 2")
        fell = [row for row in collapses if (row["samples"], row["kind"]) == (samples, "one step") and row["fell"]]
        text = f"n = {samples}: rise of the accuracy under one step while that under many collapses"
        yield from _claim(text, [row["rise"] for row in fell], "")
    sizes = sorted({row["samples"] for row in unstable})
    found = {(row["samples"], row["seed"]): row["unstable_eps"] for row in unstable if row["unstable_eps"] is not None}
    for small, large in pairwise(sizes):
        seeds = [seed for samples, seed in found if samples == small and (large, seed) in found]
        ratios = [log(found[small, seed] / found[large, seed]) for seed in seeds]
        yield from _claim(f"log of the smallest unstable eps, n = {small} over n = {large}", ratios, "Table 2")


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
    mean = mean_interval(values)
    if mean.n < 2:
        return
    holds = "yes" if mean.low > 0 else "no" if mean.high < 0 else "undecided"
    told = {"mean": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}
    yield {"claim": number, **told, "above_zero": holds, "paper": paper, "verdict": _VERDICTS[holds] if paper else ""}


def _is_number(value: float | None) -> bool:
    return value is not None and isfinite(value)
