"""What the paper says of Fig. 2 and 3, as sign tests on starts that are paired by network and sample."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf, log
from typing import Any

from modules.pgd_dynamics.escape_tables import groups
from suite.stats import holm, mcnemar_exact

Rows = Sequence[Mapping[str, Any]]

SMALLER_SCALE = "Fig. 2: at a fixed ratio, a smaller input scale escapes sooner"
SMALLER_RATIO = "Fig. 2: at a fixed scale, a smaller ratio escapes sooner"
EASY = "Fig. 2: the smallest scale escapes even at the largest ratio"
HARD = "Fig. 2: the largest scale escapes with difficulty even at the smallest ratio"
EARLY = "Fig. 3: after a few epochs, the smallest scale still escapes"
LATE = "Fig. 3: after many epochs, escape takes longer than at the start"
WORSE = "Fig. 3: many epochs slow large scales down more than small ones"
SOONER = "LinBP question: the gradient rule gets to 90 % sooner than bp"
HIGHER = "LinBP question: the gradient rule ends at a higher loss than bp"

LEVEL = 0.05


def comparisons(rows: Rows) -> Iterator[dict[str, Any]]:
    """Sign tests, a row each: how many starts speak for the claim and against, ties left out.

    Steps are those to 90 % of the rise to the best final loss, infinite where an ascent did not get there. Claims of
    escape itself count starts that did and did not. The starts of one network are not independent of each other.
    `holm`: p adjusted for the comparisons of the same claim and step rule: no claim depends on which others are made.
    """
    found = []
    for key, mine in groups(rows, "rule"):
        bp = [row for row in mine if row["gradient"] == "bp"]
        for claim, cell, outcomes in [*_scales(bp), *_epochs(bp), *_rules(mine)]:
            test = mcnemar_exact(sum(value > 0 for value in outcomes), sum(value < 0 for value in outcomes))
            found.append(
                {"claim": claim, **key, "cell": cell, "n": len(outcomes), "in_favour": test.only_first,
                 "against": test.only_second, "p_value": test.p_value}
            )  # fmt: skip
    for _, family in groups(found, "rule", "claim"):
        for row, p_value in zip(family, holm([row["p_value"] for row in family]), strict=True):
            sure = p_value < LEVEL
            holds = "yes" if sure and row["in_favour"] > row["against"] else "no" if sure else "undecided"
            yield {**row, "holm": p_value, "holds": holds}


def claims(comparisons: Rows) -> Iterator[dict[str, Any]]:
    """Each claim with its comparisons counted, for every step rule, and the verdict; `measured`: the share with yes."""
    for key, mine in groups(comparisons, "claim", "rule"):
        count = {answer: sum(row["holds"] == answer for row in mine) for answer in ("yes", "no", "undecided")}
        if key["claim"].startswith("LinBP"):
            verdict = ""
        elif count["yes"] and count["no"]:
            verdict = "differs: holds in part"
        elif count["yes"] or count["no"]:
            verdict = "reproduced" if count["yes"] else "differs"
        else:
            verdict = "cannot be told"
        yield key | {"measured": count["yes"] / len(mine), "n": len(mine)} | count | {"verdict": verdict}


Outcomes = tuple[str, str, list[float]]
"""Claim, cell in words, and a number for each pair: > 0 speaks for it, < 0 against, 0 is a tie."""


def _scales(rows: Rows) -> Iterator[Outcomes]:
    initial = [row for row in rows if row["epoch"] == 0]
    scales, ratios = _values(initial, "scale"), _values(initial, "ratio")
    for ratio in ratios:
        for small, large in pairwise(scales):
            pairs = _pairs(initial, {"scale": large, "ratio": ratio}, {"scale": small, "ratio": ratio})
            yield SMALLER_SCALE, f"ratio {ratio:g}, scale {small:g} against {large:g}", _differences(pairs)
    for scale in scales:
        for small, large in pairwise(ratios):
            pairs = _pairs(initial, {"scale": scale, "ratio": large}, {"scale": scale, "ratio": small})
            yield SMALLER_RATIO, f"scale {scale:g}, ratio {small:g} against {large:g}", _differences(pairs)
    easiest = _cell(initial, {"scale": scales[0], "ratio": ratios[-1]}).values()
    yield EASY, f"scale {scales[0]:g}, ratio {ratios[-1]:g}: reached", [1 if _reached(row) else -1 for row in easiest]
    hardest = _cell(initial, {"scale": scales[-1], "ratio": ratios[0]}).values()
    yield HARD, f"scale {scales[-1]:g}, ratio {ratios[0]:g}: reached", [-1 if _reached(row) else 1 for row in hardest]


def _epochs(rows: Rows) -> Iterator[Outcomes]:
    epochs, scales, ratios = (_values(rows, name) for name in ("epoch", "scale", "ratio"))
    slower: dict[tuple[float, float], dict[Any, float]] = {}
    for ratio in ratios if len(epochs) > 1 else ():
        early = _cell(rows, {"epoch": epochs[1], "scale": scales[0], "ratio": ratio}).values()
        cell = f"scale {scales[0]:g}, ratio {ratio:g}, epoch {epochs[1]}"
        yield EARLY, f"{cell}: reached", [1 if _reached(row) else -1 for row in early]
        for scale in scales:
            here = {"scale": scale, "ratio": ratio}
            pairs = _pairs(rows, here | {"epoch": epochs[-1]}, here | {"epoch": 0})
            yield LATE, f"scale {scale:g}, ratio {ratio:g}, epoch {epochs[-1]} against 0", _differences(pairs)
            slower[scale, ratio] = {
                key: log(max(_steps(late), 1) / max(_steps(first), 1))
                for key, (late, first) in pairs.items()
                if _reached(late) and _reached(first)
            }
        for small, large in pairwise(scales):
            one, other = slower[large, ratio], slower[small, ratio]
            both = [one[key] - other[key] for key in one.keys() & other.keys()]
            yield WORSE, f"ratio {ratio:g}, scale {large:g} against {small:g}", both


def _rules(rows: Rows) -> Iterator[Outcomes]:
    for gradient in _values(rows, "gradient"):
        for key, mine in groups(rows, "epoch", "scale", "ratio") if gradient != "bp" else ():
            pairs = _pairs(mine, {"gradient": "bp"}, {"gradient": gradient})
            cell = f"{gradient}: epoch {key['epoch']}, scale {key['scale']:g}, ratio {key['ratio']:g}"
            yield SOONER, cell, _differences(pairs)
            yield HIGHER, cell, [other["end_loss"] - bp["end_loss"] for bp, other in pairs.values()]


def _pairs(rows: Rows, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[Any, tuple[Any, Any]]:
    first, second = _cell(rows, one), _cell(rows, other)
    return {key: (first[key], second[key]) for key in first if key in second}


def _cell(rows: Rows, values: Mapping[str, Any]) -> dict[tuple[int, int], Mapping[str, Any]]:
    """(seed, sample) -> the row of a cell."""
    return {(row["seed"], row["id"]): row for row in rows if all(row[name] == value for name, value in values.items())}


def _differences(pairs: Mapping[Any, tuple[Any, Any]]) -> list[float]:
    """Steps of the first minus steps of the second; 0 where neither got there."""
    steps = [(_steps(one), _steps(other)) for one, other in pairs.values()]
    return [0.0 if one == other else one - other for one, other in steps]


def _steps(row: Mapping[str, Any]) -> float:
    return inf if row["to_90"] is None else float(row["to_90"])


def _reached(row: Mapping[str, Any]) -> bool:
    return row["to_90"] is not None


def _values(rows: Rows, name: str) -> list[Any]:
    return sorted({row[name] for row in rows})
