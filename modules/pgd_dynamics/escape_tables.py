"""From ascents to numbers of steps, with intervals; pure, so that a table can be made again."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Any

import numpy as np
from scipy.stats import binom

from suite.stats import wilson

Rows = Sequence[Mapping[str, Any]]

SHARE = 0.9
STATIONARY = 0.9999  # least cosine of gradient and outward normal at the end: within 0.8 degrees
_LISTS = ("loss", "end")


@dataclass(frozen=True)
class Paths:
    """Ascents: `rows` of numbers and names, `losses` (N, T+1) nats, `ends` (N, d)."""

    rows: list[dict[str, Any]]
    losses: np.ndarray
    ends: np.ndarray

    @staticmethod
    def join(parts: Sequence[Mapping[str, Any]]) -> "Paths":
        """The ascents of several stored parts."""
        names = [name for name in parts[0] if name not in _LISTS]
        values = {name: [value for part in parts for value in _list(part[name])] for name in names}
        rows = [dict(zip(names, row, strict=True)) for row in zip(*values.values(), strict=True)]
        losses, ends = (np.array([row for part in parts for row in _list(part[name])]) for name in _LISTS)
        return Paths(rows, losses, ends)


def ascents(paths: Paths) -> Iterator[dict[str, Any]]:
    """A row for each ascent: losses, steps to 90 %, and how it ends.

    `to_90`: steps until 90 % of the rise to the best final loss that any ascent from that start reached; None where it
    did not get there. `to_90_of_final`: until 90 % of its own last loss, the plain reading, which is 0 where the rise
    is small beside the loss. `to_90_of_rise`: until 90 % of its own rise, which says little of an ascent that did not
    leave. `apart`: distance from where bp ended, in units of eps. `stationary`: ended on the sphere, the true gradient
    outward.
    """
    best: dict[tuple[Any, ...], float] = defaultdict(lambda: -inf)
    bp = {}
    for place, row in enumerate(paths.rows):
        best[_start(row)] = max(best[_start(row)], float(paths.losses[place, -1]))
        if row["gradient"] == "bp":
            bp[_start(row), row["rule"]] = paths.ends[place]
    for row, losses, end in zip(paths.rows, paths.losses, paths.ends, strict=True):
        first, last, top = float(losses[0]), float(losses[-1]), best[_start(row)]
        apart = float(np.linalg.norm(end - bp[_start(row), row["rule"]])) / row["eps"]
        stationary = row["end_radius"] > 1 - 1e-6 and row["end_outward"] > STATIONARY
        yield row | {
            "start_loss": first,
            "end_loss": last,
            "best_loss": top,
            "to_90": first_step(losses, first + SHARE * (top - first)) if top > first else None,
            "to_90_of_final": first_step(losses, SHARE * last),
            "to_90_of_rise": first_step(losses, first + SHARE * (last - first)) if last > first else None,
            "apart": apart,
            "stationary": stationary,
        }


def summary(rows: Rows) -> Iterator[dict[str, Any]]:
    """A row for each epoch, scale, ratio, step rule and gradient rule.

    Medians; `low` and `high` are the 95 % limits of the median of `to_90` over all its starts, by order statistics, and
    `seed_low`, `seed_high` the range of the medians of single networks. `reached`: share that got there, with Wilson's
    limits.
    """
    for key, mine in groups(rows, "epoch", "scale", "ratio", "rule", "gradient"):
        steps = [_censored(row["to_90"]) for row in mine]
        middle, low, high = median_interval(steps)
        by_seed = [median_interval([_censored(row["to_90"]) for row in some])[0] for _, some in groups(mine, "seed")]
        reached = wilson(sum(not isinf(step) for step in steps), len(steps))
        yield key | {
            "eps": mine[0]["eps"],
            "n": len(mine),
            "seeds": len(by_seed),
            "start_loss": _median(mine, "start_loss"),
            "end_loss": _median(mine, "end_loss"),
            "best_loss": _median(mine, "best_loss"),
            "to_90": _finite(middle),
            "low": _finite(low),
            "high": _finite(high),
            "seed_low": _finite(min(by_seed)),
            "seed_high": _finite(max(by_seed)),
            "reached": reached.rate,
            "reached_low": reached.low,
            "reached_high": reached.high,
            "to_90_of_final": _median(mine, "to_90_of_final"),
            "to_90_of_rise": _finite(median_interval([_censored(row["to_90_of_rise"]) for row in mine])[0]),
            "first_step": _median(mine, "first_step"),
            "stationary": float(np.mean([row["stationary"] for row in mine])),
            "apart": _median(mine, "apart"),
        }


def found(rows: Rows) -> Iterator[dict[str, Any]]:
    """A row for each epoch, scale and ratio: how many descents ended in a local minimum, and why others were discarded.

    `pinned`: share of the minima where the gradient points out of the ball, so that projection holds an ascent.
    `least_curvature`: median of the smallest tangential curvature in units of |gradient| / eps, 1 for a linear
    function.
    """
    for key, mine in groups(rows, "epoch", "scale", "ratio"):
        kinds = Counter(row["kind"] for row in mine)
        minima = [row for row in mine if row["kind"] == "minimum"]
        curvatures = [row["lowest"] for row in minima if row["lowest"] == row["lowest"] and row["lowest"] is not None]
        yield key | {
            "eps": mine[0]["eps"],
            "tried": len(mine),
            "minimum": kinds["minimum"],
            "not_stationary": kinds["not stationary"],
            "saddle": kinds["saddle"],
            "undecided": kinds["undecided"],
            "lower_nearby": kinds["lower nearby"],
            "pinned": float(np.mean([row["outward"] > 0 for row in minima])) if minima else None,
            "least_curvature": float(np.median(curvatures)) if curvatures else None,
        }


def curves(paths: Paths) -> Iterator[dict[str, Any]]:
    """Medians over starts at every step: the loss, and the share of the rise to the best final loss."""
    best: dict[tuple[Any, ...], float] = defaultdict(lambda: -inf)
    for row, losses in zip(paths.rows, paths.losses, strict=True):
        best[_start(row)] = max(best[_start(row)], float(losses[-1]))
    numbered = [row | {"place": place} for place, row in enumerate(paths.rows)]
    for key, mine in groups(numbered, "epoch", "scale", "ratio", "rule", "gradient"):
        losses = paths.losses[[row["place"] for row in mine]]
        rise = np.array([best[_start(row)] for row in mine]) - losses[:, 0]
        known = rise > 0
        share = (losses - losses[:, :1])[known] / rise[known, None]
        middle = np.median(losses, 0)
        progress = np.median(share, 0) if known.any() else np.zeros_like(middle)
        for step, (loss, part) in enumerate(zip(middle.tolist(), progress.tolist(), strict=True)):
            yield key | {"step": step, "loss": loss, "share": part, "n": len(mine)}


def first_step(losses: np.ndarray, level: float) -> int | None:
    """The first step whose loss reaches the level."""
    reached = losses >= level
    return int(reached.argmax()) if reached.any() else None


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """Median and distribution-free limits from order statistics; values may be infinite (not reached).

    The limits are the k-th smallest and the k-th largest value with the largest k for which P(Bin(n, 1/2) < k) is at
    most (1 - level) / 2; the range of the values where n is too small for that.
    """
    ordered = sorted(values)
    n = len(ordered)
    k = max(1, int(binom.ppf((1 - level) / 2, n, 0.5)))
    while k > 1 and binom.cdf(k - 1, n, 0.5) > (1 - level) / 2:
        k -= 1
    low, high = ordered[(n - 1) // 2], ordered[n // 2]
    return (low if low == high else (low + high) / 2), ordered[k - 1], ordered[n - k]


def groups(rows: Rows, *names: str) -> Iterator[tuple[dict[str, Any], list[Mapping[str, Any]]]]:
    """The rows that agree in the named columns, in order of the columns' values."""
    grouped: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[tuple(row[name] for name in names)].append(row)
    for key in sorted(grouped):
        yield dict(zip(names, key, strict=True)), grouped[key]


def _start(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("seed", "scale", "epoch", "ratio", "id"))


def _censored(steps: int | None) -> float:
    return inf if steps is None else float(steps)


def _finite(value: float) -> float | None:
    return None if isinf(value) else value


def _median(rows: Rows, name: str) -> float:
    return float(np.median([row[name] for row in rows]))


def _list(values: Any) -> list[Any]:
    return list(values.tolist() if hasattr(values, "tolist") else values)
