"""Statistics of `lazy_regime.dial`: from test points to nets, from nets to means, and what they say; pure."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.stats import mcnemar_exact, mean_interval, wilson

Rows = Sequence[Mapping[str, Any]]

FLIPS = ("single_step", "rule_step", "pgd", "rule_pgd", "many_steps")
SHOWN = (*FLIPS, "accuracy", "distance", "drift", "gradient", "unflipped")


def nets(columns: Mapping[str, Any], m: int, c0: float) -> Iterator[dict[str, Any]]:
    """A row per net: medians over the test points that it classifies correctly, in units of the point's norm.

    single_step: along the gradient; rule_step: along the rule's direction; pgd, rule_pgd: the radius at which PGD
    flips, following either; many_steps: the smallest found. A median is
    a gap where half of the points are never flipped, and where no point is classified correctly; unflipped: the share
    that no single gradient step flips. c0 is a gap for the unbounded ball.
    """
    values = {name: _numbers(column) for name, column in columns.items()}
    for run in np.unique(values["run"]):
        mine = {name: column[values["run"] == run] for name, column in values.items()}
        right = mine["margin"] > 0
        size = {name: mine[name][right] / mine["norm"][right] for name in FLIPS}
        yield {
            "m": m, "c0": None if c0 == inf else c0, "run": int(run), "n": int(right.sum()),
            "accuracy": float(right.mean()),
            **{name: float(np.median(lengths)) if right.any() else None for name, lengths in size.items()},
            "unflipped": float(np.isinf(size["single_step"]).mean()) if right.any() else None,
            "gradient": float(mine["gradient"][right].mean()) if right.any() else None,
            **{name: float(mine[name][0]) for name in ("drift", "distance")},
            "sgd_steps": int(mine["sgd_steps"][0]), "left": bool(mine["left"][0]),
            "note": "" if right.any() else "classifies no test point correctly: nothing to flip",
        }  # fmt: skip


def flips(net: Mapping[str, Any], rule: str) -> Iterator[dict[str, Any]]:
    """A net's sizes once more, a row each, by attack and by the gradient that it follows.

    ratio: over the size of BP's single step; a gap where either is not known.
    """
    ways = {
        "single_step": ("one step", "bp"), "pgd": ("PGD", "bp"), "many_steps": ("nearest found", "bp"),
        "rule_step": ("one step", rule), "rule_pgd": ("PGD", rule),
    }  # fmt: skip
    shape = {name: net[name] for name in ("m", "c0", "run", "accuracy")}
    base = net["single_step"]
    for name, (attack, gradient) in ways.items():
        if rule == "bp" and name.startswith("rule"):
            continue
        size = net[name]
        known = size is not None and isfinite(size) and isfinite(base)
        yield {**shape, "attack": attack, "gradient": gradient, "size": size, "ratio": size / base if known else None}


def dial(found: Rows) -> Iterator[dict[str, Any]]:
    """For every m and C0 the means over nets with their intervals; a quantity that some net lacks has none."""
    for m, c0 in dict.fromkeys((row["m"], row["c0"]) for row in found):
        mine = [row for row in found if (row["m"], row["c0"]) == (m, c0)]
        row: dict[str, Any] = {"m": m, "c0": c0, "nets": len(mine), "left": sum(r["left"] for r in mine)}
        for name in SHOWN:
            values = [r[name] for r in mine]
            whole = all(value is not None and isfinite(value) for value in values)
            mean = mean_interval(values) if whole else None
            row |= {name: mean and mean.mean, f"{name}_low": mean and mean.low, f"{name}_high": mean and mean.high}
        yield row


def claims(found: Rows, rule: str) -> Iterator[dict[str, Any]]:
    """Comparisons of the same nets at the smallest ball and without one, and of directions on the same nets, per width.

    A claim is reproduced where it holds in more than half of the nets beyond chance (sign test, two-sided, 5 %),
    differs where the reverse does. Infinite sizes are larger than all others. One step against many has no claim: the
    search for many begins with the one, so that it is never longer.
    """
    found = [_with_infinity(row) for row in found]
    for m in dict.fromkeys(row["m"] for row in found):
        mine = [row for row in found if row["m"] == m]
        c0s = list(dict.fromkeys(row["c0"] for row in mine))
        first, last = ({row["run"]: row for row in mine if row["c0"] == c0} for c0 in (c0s[0], c0s[-1]))
        smallest = f"m = {m}, C0 = {named(c0s[0])}"
        for claim, source, name in (
            ("the single flipping step is longer", "Fig. 3, Sec. 5.2", "single_step"),
            ("the smallest flip found is longer", "Sec. 5.2", "many_steps"),
            ("the gradient is longer", "Fig. 3", "gradient"),
            ("the tangent kernel has drifted further", "own", "drift"),
        ):
            pairs = [(first[run][name], last[run][name]) for run in first]
            yield _row(f"{claim} in the unbounded ball", source, f"against {smallest}", pairs)
        for of, cell in ((f"m = {m}, unbounded", last.values()), (smallest, first.values())):
            if rule != "bp":
                pairs = [(row["single_step"], row["rule_step"]) for row in cell]
                yield _row(f"{rule}'s step is longer than the gradient's", "own", of, pairs)


def named(c0: float | None) -> str:
    """C0 as text."""
    return "inf" if c0 is None else f"{c0:g}"


def _row(claim: str, source: str, of: str, pairs: Sequence[tuple[float | None, float | None]]) -> dict[str, Any]:
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    more, less = sum(b > a for a, b in known), sum(b < a for a, b in known)
    share = wilson(more, more + less) if more + less else None
    p_value = mcnemar_exact(more, less).p_value
    sure = p_value < 0.05
    return {
        "claim": claim, "source": source, "of": of, "measured": share and share.rate, "low": share and share.low,
        "high": share and share.high, "n": more + less, "p_value": p_value,
        "verdict": ("reproduced" if more > less else "differs") if sure else "cannot be told",
    }  # fmt: skip


def _with_infinity(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row of a table, where an infinite median is a gap: one of a net with points to flip."""
    return {**row, **{name: inf for name in FLIPS if row["n"] and row[name] is None}}


def _numbers(column: Any) -> NDArray[Any]:
    """A column as the disk holds it, where an infinite length is a gap."""
    if isinstance(column, list):
        return np.array([inf if value is None else value for value in column])
    values: NDArray[Any] = np.asarray(column)
    return values
