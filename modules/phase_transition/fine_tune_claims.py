"""What is claimed of fine-tuning, as tests on numbers: its cost, its agreement with training from scratch; pure."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from modules.phase_transition.fine_tune_costs import CHEAPEST, WHOLE
from modules.phase_transition.published_fine_tuning import Printed
from modules.phase_transition.rows import Row, grouped, whole_mean, whole_ratio
from suite.stats import Mean

CHEAP = 0.2  # "at least 80 % reduction" (Xing et al., App. A)
ONE_CHEAP, ALL_CHEAP = f"one costs at most {CHEAP:.0%} of one from scratch", f"all cost at most {CHEAP:.0%} of all"
CLOSE = 0.25  # how near is near, in units of eps_star from scratch: ours; Table 4's own ratios go from 0.52 to 1.42
_VERDICTS = {"yes": "reproduced", "no": "differs", "undecided": "cannot be told"}
_HEADLINE = "running"  # the measure that the paper has


def claims(
    estimates: Sequence[Row], costs: Sequence[Row], printed: Mapping[tuple[str, str], Printed]
) -> Iterator[dict[str, Any]]:
    """A row for each claim: the measured number with its interval, whether it holds, and the verdict on the paper.

    Args:
        estimates: a row per measure, attack, rule, seed and method.
        costs: a row per way to eps_star.
        printed: what the paper has, by (attack, method).
    """
    yield from _costs(costs)
    yield from _ratios(estimates)
    yield from _rules(estimates)
    yield from _published(estimates, printed)


def _costs(costs: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """By passes, so that neither the machine nor its load matters: there is nothing to average.

    The paper compares one training with one; all with all also depends on how many strengths each way takes.
    """
    for row in costs:
        if row["what"] not in (CHEAPEST, WHOLE) or row["share"] is None:
            continue
        for claim, share, paper in ((ONE_CHEAP, row["share_each"], "App. A"), (ALL_CHEAP, row["share"], "")):
            holds = "yes" if share <= CHEAP + 1e-9 else "no"
            exact = Mean(share, share, share, row["trainings"])
            yield _row(claim, _HEADLINE, row["attack"], row["gradient"], row["what"], exact, holds, paper)


def _ratios(estimates: Sequence[Row]) -> Iterator[dict[str, Any]]:
    chosen = [row for row in estimates if row["measure"] == _HEADLINE and row["scratch_outcome"]]
    for (attack, gradient, method), group in grouped(chosen, "attack", "gradient", "method").items():
        ratio = whole_ratio([row["ratio"] for row in group])
        inside = ratio.low >= 1 - CLOSE and ratio.high <= 1 + CLOSE
        outside = ratio.high < 1 - CLOSE or ratio.low > 1 + CLOSE
        holds = "yes" if inside else "no" if outside else "undecided"
        yield _row(f"within {CLOSE:.0%} of from scratch", _HEADLINE, attack, gradient, method, ratio, holds, "App. A")


def _rules(estimates: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """eps_star under another gradient rule over that under the first, paired by seed; the paper has one rule."""
    chosen = [row for row in estimates if row["method"] == "least-squares"]
    for (measure, attack), group in grouped(chosen, "measure", "attack").items():
        stars = {
            gradient: [row["eps_star"] for row in rows] for (gradient,), rows in grouped(group, "gradient").items()
        }
        first, *others = stars
        for other in others:
            ratio = whole_ratio([b / a if a and b else None for a, b in zip(stars[first], stars[other], strict=True)])
            holds = "yes" if ratio.low > 1 else "no" if ratio.high < 1 else "undecided"
            yield _row(f"larger than under {first}", measure, attack, other, "least-squares", ratio, holds, "")


def _published(estimates: Sequence[Row], printed: Mapping[tuple[str, str], Printed]) -> Iterator[dict[str, Any]]:
    for (attack, method), (value, same_settings) in printed.items():
        stars = [row["eps_star"] for row in estimates
                 if (row["measure"], row["attack"], row["method"]) == (_HEADLINE, attack, method)]  # fmt: skip
        mean = whole_mean([None if star is None else 255 * star for star in stars])
        inside = mean.low <= value <= mean.high
        holds = "undecided" if isnan(mean.low) or not same_settings else "yes" if inside else "no"
        yield _row(f"eps_star is {value}/255", _HEADLINE, attack, "bp", method, mean, holds, "Table 4")


def _row(
    claim: str, measure: str, attack: str, gradient: str, method: str, mean: Mean, holds: str, paper: str
) -> dict[str, Any]:
    return {
        "claim": claim,
        "measure": measure,
        "attack": attack,
        "gradient": gradient,
        "method": method,
        "value": mean.mean,
        "low": mean.low,
        "high": mean.high,
        "n": mean.n,
        "holds": holds,
        "paper": paper,
        "verdict": _VERDICTS[holds] if paper else "",
    }
